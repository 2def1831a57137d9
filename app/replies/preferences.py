"""What is asked for when answers are compared: grades of several answers, a changed fact, the next turn of a talk."""

from typing import Annotated

from pydantic import Field

from app.replies import Grade, Reply


class AnswerGrades(Reply):
    """What a judge thinks of one of several answers, 1 (bad) to 5 (perfect), the reason first."""

    reason: Annotated[str, Field(max_length=200)]
    faithfulness: Grade
    helpfulness: Grade

    @property
    def score(self) -> float:
        """The mean of the two grades: 1 to 5 rubric points, in halves."""
        return (self.faithfulness + self.helpfulness) / 2


class Ranking(Reply):
    """Grades of all answers, in the order in which they were shown."""

    counted = "grades"
    grades: list[AnswerGrades]


class ChangedFact(Reply):
    """The words of an answer that are changed to make it wrong, and what stands in their place."""

    changed_from: Annotated[str, Field(min_length=1, max_length=120)]
    changed_to: Annotated[str, Field(min_length=1, max_length=120)]


class NextRequest(Reply):
    """What the user of a conversation says next."""

    question: Annotated[str, Field(min_length=1, max_length=300)]


class NextAnswer(Reply):
    """What the assistant of a conversation answers and, before it, the words of the document that it rests on."""

    quote: Annotated[str, Field(max_length=400)]
    answer: Annotated[str, Field(min_length=1, max_length=1200)]

    @property
    def quotes(self) -> list[str]:
        """The one passage, or none."""
        return [self.quote] if self.quote else []
