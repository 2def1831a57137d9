"""An exam as one HTML page, in the style of the reports: no scripts, nothing fetched, every text escaped."""

from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup

from app.exams.records import ExamReport, Interval
from app.exams.schemas import ExamRead
from app.reports import charts
from app.reports.page import policy, style
from app.version import VERSION

__all__ = ["policy", "render"]

GROUPS = {
    "reworded": "Facts it was trained on, asked in other words",
    "unseen": "Facts of the same documents that it was not trained on",
}
SHORT = {"reworded": "trained facts, reworded", "unseen": "unseen facts"}
CANDIDATES = {"base": "base model", "tuned": "trained model", "control": "control"}
LEFT_OUT = {
    "near_copy_in_training": "the rows that are trained on have a near copy",
    "only_row_of_its_fact": "no other row about the fact could be trained on",
}
METRICS = {
    "judge": "judge's grade",
    "f1": "F1 of words",
    "exact_match": "exact match",
    "rouge_l": "ROUGE-L",
    "similarity": "embedding similarity",
}


def render(exam: ExamRead) -> str:
    """The whole page; without a report it says why."""
    return _template().render(
        e=exam,
        r=exam.report,
        css=Markup(style()),
        policy=policy(),
        groups=GROUPS,
        short=SHORT,
        candidates=CANDIDATES,
        left_out=LEFT_OUT,
        metrics=METRICS,
        used=_used(exam.report),
        most=_most(exam.report),
        chart=_chart,
        version=VERSION,
    )


def _used(report: ExamReport | None) -> dict[str, str]:
    """The metrics that anything was graded by."""
    given = {metric for scores in report.scores for metric in scores.means} if report else set()
    return {name: shown for name, shown in METRICS.items() if name in given}


def _most(report: ExamReport | None) -> float:
    """The largest difference that is drawn: all intervals of the page have one scale."""
    found = [gain.difference for gain in report.gains] if report else []
    found += [general.change for general in report.general if general.change] if report else []
    return max([0.1, *(abs(end) for difference in found for end in (difference.low, difference.high))])


def _chart(difference: Interval, most: float) -> Markup:
    label = f"{_points(difference.value)}, between {_points(difference.low)} and {_points(difference.high)}"
    return charts.interval(difference.low, difference.value, difference.high, most, label)


@cache
def _template() -> Template:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined, finalize=_clean,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    environment.filters |= {"points": _points, "share": _share}
    return environment.get_template("page.html")


def _clean(value: Any) -> Any:
    return charts.plain(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _points(value: float) -> str:
    """A difference of shares, in points of 100, with its sign."""
    return f"{round(100 * value, 1) + 0.0:+.1f}"  # no -0.0


def _share(value: float) -> str:
    return f"{100 * value:.1f}"
