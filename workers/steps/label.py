"""Give a text its labels, by the generator and by the judge, who does not see what the generator gave."""

from typing import Any

from app.catalog.tasks.classify import NONE, ClassifyOptions
from app.domain import Context
from app.replies.text import Labelled
from workers.recipes.work import Work
from workers.steps.requests import request

LABEL, JUDGE = "classify/label@1", "judge/label@1"
MOST = 5  # labels of one text


def listed(options: ClassifyOptions) -> list[str]:
    """The labels as they are told: each with what it means, where that is known."""
    return [f"{name}: {said}" if said else name for name, said in _described(options).items()]


def _described(options: ClassifyOptions) -> dict[str, str]:
    return dict(options.labels) if isinstance(options.labels, dict) else dict.fromkeys(options.labels, "")


def names(options: ClassifyOptions) -> list[str]:
    """The labels in the order in which they were given or found."""
    return list(options.labels)


async def label(work: Work, options: ClassifyOptions, text: Context, *, ahead: int, by_judge: bool) -> list[str]:
    """The labels of `text` in the order of the options; none where nothing fits. One call. Raises Refused.

    Generator and judge read the labels in different orders: a model that likes the first one likes another each time.
    """
    told = listed(options)
    work.random("labels", by_judge, text.text).shuffle(told)
    fields = {
        "labels": {
            "type": "array",
            "items": {"type": "string", "enum": [*names(options), NONE]},
            "minItems": 1,
            "maxItems": MOST if options.multi_label else 1,
        }
    }
    reply = await work.model.ask(
        JUDGE if by_judge else LABEL,
        context=text,
        ahead=ahead,
        role="judge" if by_judge else "generator",
        fields=fields,
        labels=told,
        several=options.multi_label,
        language=work.language,
    )
    assert isinstance(reply, Labelled)
    given = {name.strip().casefold() for name in reply.labels[: MOST if options.multi_label else 1]}
    return [name for name in names(options) if name.casefold() in given]


def about(work: Work, options: ClassifyOptions, text: str, given: list[str]) -> dict[str, Any]:
    """The parts of a row: what it asks, with the labels there are, the text, and the labels it has."""
    language = work.context.language
    asked = request(language, "labels" if options.multi_label else "label")
    told = "\n".join([asked, request(language, "list"), *(f"- {line}" for line in listed(options))])
    return {
        "question": f"{told}\n\n{text}",
        "answer": ", ".join(given),
        "attributes": {"request": told, "labels": given},
    }
