"""What a judge of exams is asked to return."""

from typing import Annotated

from pydantic import Field

from app.replies import Grade, Reply


class ExamGrade(Reply):
    """How much of a reference answer an answer says, 1 to 5, the reason before it."""

    reason: Annotated[str, Field(max_length=300)]
    grade: Grade
