"""Reply shapes of the tasks that work on a text: summaries, labels, paraphrases, extraction, pre-training text."""

from typing import Annotated, Any

from pydantic import Field

from app.replies import Grade, Reply


class Summary(Reply):
    """A summary as its sentences or points, in order."""

    points: Annotated[list[Annotated[str, Field(min_length=1, max_length=500)]], Field(min_length=1, max_length=20)]


class Sentences(Reply):
    """Sentences copied from a document."""

    sentences: Annotated[list[Annotated[str, Field(min_length=1, max_length=800)]], Field(min_length=1, max_length=20)]


class SummaryVerdicts(Reply):
    """A judge's grades of a summary, 1 (bad) to 5 (perfect), after what it misses or has wrong."""

    reason: Annotated[str, Field(max_length=300)]
    faithfulness: Grade
    coverage: Grade


class FoundLabel(Reply):
    """A label for texts like the one shown, and what it means."""

    name: Annotated[str, Field(min_length=1, max_length=50)]
    description: Annotated[str, Field(max_length=150)]


class FoundLabels(Reply):
    """Labels that were found in documents."""

    counted = "labels"
    labels: Annotated[list[FoundLabel], Field(min_length=1)]


class Labelled(Reply):
    """The labels of a text, after what in it decides; which labels there are is said with each request."""

    reason: Annotated[str, Field(max_length=300)]
    labels: Annotated[list[Annotated[str, Field(min_length=1, max_length=60)]], Field(min_length=1, max_length=10)]


class Texts(Reply):
    """Texts that were asked for, in order."""

    counted = "texts"
    texts: list[Annotated[str, Field(min_length=1, max_length=1200)]]


class Paraphrases(Reply):
    """One sentence in other words, several times."""

    counted = "paraphrases"
    paraphrases: list[Annotated[str, Field(min_length=1, max_length=800)]]


class SameMeaning(Reply):
    """What a judge finds of two sentences: what the second leaves out or adds, and then how far both say the same."""

    lost: Annotated[str, Field(max_length=200)]
    added: Annotated[str, Field(max_length=200)]
    same: Grade


class Extracted(Reply):
    """JSON by a schema that is said with the request; whoever asks checks the value against it."""

    value: dict[str, Any]


class ExtractionVerdicts(Reply):
    """A judge's grades of extracted values, 1 (bad) to 5 (perfect), after the worst fault."""

    reason: Annotated[str, Field(max_length=300)]
    correct: Grade
    complete: Grade


class Entities(Reply):
    """What a document is about, in a sentence, and the people, things and terms that it says most about."""

    summary: Annotated[str, Field(max_length=400)]
    entities: Annotated[list[Annotated[str, Field(min_length=2, max_length=80)]], Field(min_length=2, max_length=15)]


class Discussion(Reply):
    """A text about some entities of a document."""

    text: Annotated[str, Field(min_length=1, max_length=4000)]


class TextVerdicts(Reply):
    """A judge's grades of a text about some entities, 1 (bad) to 5 (perfect), after its worst flaw."""

    reason: Annotated[str, Field(max_length=300)]
    faithfulness: Grade
    relation: Grade
