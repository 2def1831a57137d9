"""Questions that take facts of two to five chunks, each hop with its quote, and none that a shortcut answers."""

import math
from typing import Annotated, Any, Literal, get_args

from pydantic import Field, field_validator

from app.catalog.asking import AskingOptions, something
from app.catalog.kinds import DatasetTask
from app.catalog.questions import Weight

HopType = Literal["bridge", "comparison", "intersection"]
Hops = Annotated[int, Field(ge=2, le=5)]

HOP_TYPES: tuple[HopType, ...] = get_args(HopType)


class MultiHopQaOptions(AskingOptions):
    """How many questions, of which types, over how many chunks, and how shortcuts are looked for."""

    questions_per_context: int = Field(default=2, ge=1, le=10, description="questions asked about each context")
    hops: Hops | dict[Hops, Weight] = Field(
        default=2, description="chunks that an answer takes facts from: a number, or number -> weight"
    )
    hop_types: dict[HopType, Weight] = Field(
        default={"bridge": 2.0, "comparison": 1.0, "intersection": 1.0},
        description="type -> weight; each gets its share of all the dataset's questions",
    )
    shortcuts: Literal["each", "likeliest", "off"] = Field(
        default="each",
        description="the judge must fail without a hop's chunk: `each` tries it without every hop in turn (one call a "
        "hop), `likeliest` once, without the hop that quotes least",
    )
    across_documents: bool = Field(
        default=False, description="the quotes of an answer must stand in two documents or more"
    )

    @field_validator("hops", "hop_types")
    @classmethod
    def _something_to_ask(cls, chosen: Any) -> Any:
        return something(chosen)

    def shares(self) -> dict[tuple[HopType, int], float]:
        """(type, hops) -> its share of the questions, in a fixed order; shares add up to 1."""
        hops = self.hops if isinstance(self.hops, dict) else {self.hops: 1.0}
        total = sum(self.hop_types.values()) * sum(hops.values())
        found = {
            (name, number): self.hop_types.get(name, 0.0) * hops[number] / total
            for name in HOP_TYPES
            for number in sorted(hops)
        }
        return {key: share for key, share in found.items() if share}


def _kinds(options: MultiHopQaOptions) -> dict[str, float]:
    found: dict[str, float] = {}
    for (name, _), share in options.shares().items():
        found[name] = found.get(name, 0.0) + share * options.questions_per_context
    return found


def _cost(options: MultiHopQaOptions) -> int:
    """Asking once for each type and number of hops that a context has, answering, and the tries without a hop."""
    calls = 0.0
    for (_, hops), share in options.shares().items():
        count = options.questions_per_context * share
        tries = {"each": hops, "likeliest": 1, "off": 0}[options.shortcuts]
        calls += min(1.0, count) + count * (1 + tries)
    return math.ceil(round(calls, 6))


def _grouping(options: MultiHopQaOptions) -> dict[str, Any]:
    hops = [number for _, number in options.shares()]
    sizes = {"chunks_per_context": {"min": min(hops), "max": max(hops)}}
    return sizes | ({"cross_document": True} if options.across_documents else {})


MULTI_HOP_QA = DatasetTask(
    categories=("question-answering", "text-generation"),
    summary="Questions that take facts of two to five chunks, each hop with its quote, none answerable by a shortcut.",
    options=MultiHopQaOptions,
    gates={
        "stop_words": 1.0,
        "refusal": 1.0,
        "echo": 1.0,
        "length": 300.0,
        "question_length": 4.0,
        "language": 0.1,
        "source": 90.0,
        "numbers": 1.0,
        "standalone": 1.0,
        "agreement": 60.0,
        "faithfulness": 4.0,
        "answerability": 4.0,
        "usefulness": 3.0,
    },
    cost=_cost,
    rows=lambda options: options.questions_per_context,
    kinds=_kinds,
    chunks=lambda options: max(number for _, number in options.shares()),
    grouping=_grouping,
    across=lambda options: options.across_documents,
    repairable=False,
    prompts=("ask/hops@1", "answer/hops@1", "judge/grounded@1", "judge/own_answer@1"),
    example={
        "kind": "bridge",
        "question": "Since when has the captain of the ferry Aurora held her licence?",
        "answer": "The captain of the ferry Aurora, Captain Lind, has held her licence since 1998.",
        "attributes": {
            "question_type": "multi_hop",
            "hop_type": "bridge",
            "hops": [
                {"quote": "The ferry Aurora is steered by Captain Lind.", "finding": "The captain is Captain Lind."},
                {"quote": "Captain Lind has held her licence since 1998.", "finding": "She has held it since 1998."},
            ],
        },
    },
)
