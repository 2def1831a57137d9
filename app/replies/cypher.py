"""Reply shapes of text-to-Cypher."""

from typing import Annotated

from pydantic import Field

from app.replies import Grade, Reply

Cypher = Annotated[str, Field(min_length=1, max_length=2000)]


class CypherQuestion(Reply):
    """A question and the one query that answers it."""

    question: Annotated[str, Field(min_length=1, max_length=400)]
    cypher: Cypher


class CypherQuestions(Reply):
    """Questions about one graph, each with its query."""

    counted = "questions"
    questions: list[CypherQuestion]


class CypherMeaning(Reply):
    """The question that a query answers, read from the query alone."""

    meaning: Annotated[str, Field(min_length=1, max_length=400)]


class CypherVerdict(Reply):
    """How well question, query and result go together: the reason before the grade."""

    reason: Annotated[str, Field(max_length=300)]
    coherence: Grade
