"""Texts and the labels they get: your labels or such as are found in the documents, agreed on by two models."""

from typing import Annotated, Self

from pydantic import Field, field_validator, model_validator

from app.catalog.kinds import DatasetTask, Options

NONE = "none"  # what a model says when no label fits
Label = Annotated[str, Field(min_length=1, max_length=60, pattern=r"^[^,\n\r]*[^,\s][^,\n\r]*$")]
Description = Annotated[str, Field(max_length=300)]


class ClassifyOptions(Options):
    """Which labels there are, and which texts get them."""

    labels: dict[Label, Description] | list[Label] = Field(
        default={},
        description="label -> what it means, or a list of labels; 2 to 50. Empty: they are found in the documents",
    )
    induce: int = Field(default=8, ge=2, le=30, description="how many labels to find where none are given")
    criterion: str = Field(
        default="what it is about", min_length=3, max_length=200, description="what found labels tell apart"
    )
    multi_label: bool = Field(default=False, description="a text may have several labels")
    label_chunks: bool = Field(default=True, description="each context's own text is labelled")
    generate: int = Field(
        default=0, ge=0, le=20, description="texts written for each context, of labels that take turns"
    )

    @field_validator("labels")
    @classmethod
    def _different(cls, chosen: dict[str, str] | list[str]) -> dict[str, str]:
        names = [name.strip() for name in chosen]
        if len(names) == 1 or len(names) > 50:
            raise ValueError("2 to 50 labels, or none")
        if len({name.casefold() for name in names} | {NONE}) <= len(names):
            raise ValueError(f"labels must differ, whatever their case, and none may be {NONE!r}")
        said = chosen if isinstance(chosen, dict) else dict.fromkeys(chosen, "")
        return {name.strip(): described.strip() for name, described in said.items()}

    @model_validator(mode="after")
    def _something_to_label(self) -> Self:
        if not (self.label_chunks or self.generate):
            raise ValueError("nothing to label: label_chunks is false and generate is 0")
        return self


def without_request(question: str, answer: str, attributes: dict[str, object]) -> str:
    """The labels stand in every row: near copies are told by the text and its labels."""
    return f"{question.removeprefix(str(attributes.get('request', '')))} {answer}"


CLASSIFY = DatasetTask(
    categories=("text-classification", "text-generation"),
    summary="Texts with their labels, yours or found in the documents; a judge must label them the same, unseen.",
    options=ClassifyOptions,
    gates={"echo": 1.0, "label_agreement": 1.0},
    cost=lambda options: options.label_chunks + (options.generate > 0),
    rows=lambda options: options.label_chunks + options.generate,
    kinds=lambda options: {"chunk": float(options.label_chunks), "generated": float(options.generate)},
    prompts=("induce/labels@1", "induce/merge@1", "classify/label@1", "classify/examples@1", "judge/label@1"),
    example={
        "question": "Which of these labels fits the following text? Answer with the label alone.\nLabels:\n"
        "- timetable: when ferries leave and arrive\n- fares: what tickets cost\n\n"
        "A single ticket costs 12 euros, and children under six travel free of charge.",
        "answer": "fares",
    },
    source="labels",
    repairable=False,
    alike=without_request,
)
