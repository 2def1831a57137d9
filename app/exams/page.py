"""An exam as one HTML page, in the style of the reports: no scripts, nothing fetched, every text escaped."""

from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup

from app.exams.schemas import ExamRead
from app.reports import charts
from app.reports.page import policy, style

__all__ = ["policy", "render"]

GROUPS = {
    "reworded": "Facts it was trained on, asked in other words",
    "unseen": "Facts of the same documents that it was not trained on",
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
        e=exam, r=exam.report, css=Markup(style()), policy=policy(), groups=GROUPS, metrics=METRICS
    )


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
    return f"{100 * value:+.1f}"


def _share(value: float) -> str:
    return f"{100 * value:.1f}"
