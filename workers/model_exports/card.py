"""The model card: README.md with the front matter that a Hugging Face hub reads."""

from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined, Template

from app import catalog
from app.exams.page import METRICS
from app.version import VERSION
from workers.bundles import licence
from workers.model_exports.facts import Facts, Rows

GROUPS = {
    "reworded": "facts it was trained on, in other words",
    "unseen": "facts of the same documents that it was not trained on",
}
_HUB_METRICS = {"rouge_l": "rouge"}


def card(facts: Facts) -> str:
    training = facts.training
    return _template().render(
        front_matter=_front_matter(facts),
        f=facts,
        t=training,
        name=_inline(training.fine_tuned_model or training.id),
        created_by=f"Corpusmith {VERSION}",
        base=facts.base,
        method=catalog.METHODS[training.method].summary,
        variant=catalog.VARIANTS[training.variant],
        tables={
            "Method": training.spec["method_options"],
            "Variant": training.spec["variant_options"],
            "Hyperparameter": training.spec["resolved"],
        },
        date=training.finished_at.date().isoformat() if training.finished_at else "",
        tuned=[scores for scores in facts.exam.scores if scores.candidate in ("base", "tuned")] if facts.exam else [],
        groups=GROUPS,
        metrics=METRICS,
        licence=_licence(facts),
        weights=[name for name in facts.files if name.endswith(".safetensors")],
    )


def _front_matter(facts: Facts) -> str:
    from huggingface_hub import ModelCardData

    training = facts.training
    reward = training.method == "reward"
    stated: dict[str, Any] = licence.on_card(facts.options.get("license"))
    data = ModelCardData(
        base_model=facts.base,
        library_name="peft" if facts.kind == "adapter" else "transformers",
        pipeline_tag="text-classification" if reward else "text-generation",
        language=list(facts.languages) or None,
        datasets=sorted({rows.id for rows in facts.rows if rows.dataset}) or None,
        tags=["corpusmith", training.method.replace("_", "-"), training.variant, facts.kind],
        model_name=training.fine_tuned_model or training.id,
        eval_results=_results(facts) or None,
        base_model_relation="adapter" if facts.kind == "adapter" else "finetune",
        **stated,
    )
    return data.to_yaml()


def _results(facts: Facts) -> list[Any]:
    from huggingface_hub import EvalResult

    if facts.exam is None:
        return []
    return [
        EvalResult(
            task_type="question-answering",
            dataset_type=facts.training.training_file,
            dataset_name=f"Closed-book exam: {GROUPS[scores.group]}",
            metric_type=_HUB_METRICS.get(metric, metric),
            metric_name=METRICS[metric],
            metric_value=round(value, 4),
        )
        for scores in facts.exam.scores
        if scores.candidate == "tuned"
        for metric, value in scores.means.items()
    ]


def _licence(facts: Facts) -> str:
    spdx = facts.options.get("license")
    own = f"[{spdx}]({licence.link(spdx)})." if spdx else "None was stated."
    found = facts.base_licence
    base = f"Its folder states `{_inline(found)}`." if found else "Its folder states none; look it up."
    return f"{own} The terms of the base model `{facts.base}` hold as well. {base}"


def _told(rows: Rows) -> str:
    """Where rows came from, in one sentence."""
    if rows.dataset is None:
        return f"file `{rows.id}`"
    found = rows.dataset
    earlier = f", made again from `{found.rebuilt_from}`" if found.rebuilt_from else ""
    name = f'dataset "{_inline(found.name or rows.id)}" (`{rows.id}`), version {rows.version}{earlier}'
    return f'{name}, of corpus "{_inline(rows.corpus or "")}", task `{found.task}`'


def _inline(text: str) -> str:
    """Text of others as one line that cannot open a block or a tag."""
    return " ".join(text.split()).replace("<", "&lt;").replace("|", "\\|").replace("`", "'")


def _points(value: float) -> str:
    return f"{100 * value:+.1f}"


@cache
def _template() -> Template:
    text = (Path(__file__).parent / "card.md").read_text()
    environment = Environment(  # Markdown, not HTML
        undefined=StrictUndefined, keep_trailing_newline=True, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"points": _points, "told": _told, "inline": _inline}
    return environment.from_string(text)
