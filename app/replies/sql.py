"""Reply shapes of text-to-SQL."""

from typing import Annotated

from pydantic import Field

from app.replies import Grade, Reply

Sql = Annotated[str, Field(min_length=1, max_length=2000)]


class SqlQuestion(Reply):
    """A question and the one statement that answers it."""

    question: Annotated[str, Field(min_length=1, max_length=400)]
    sql: Sql


class SqlQuestions(Reply):
    """Questions about one schema, each with its statement."""

    counted = "questions"
    questions: list[SqlQuestion]


class OwnSql(Reply):
    """A statement alone."""

    sql: Sql


class SqlVerdicts(Reply):
    """What a statement computes in the judge's own words, and then grades of the row, the reason before them."""

    computes: Annotated[str, Field(max_length=400)]
    reason: Annotated[str, Field(max_length=300)]
    match: Grade
    clarity: Grade
