"""Reply shapes of the tasks that work on a text: summaries, labels, paraphrases, extraction, pre-training text."""

from typing import Annotated

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
