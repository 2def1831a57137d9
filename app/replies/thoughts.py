"""Replies about questions that take thinking."""

from typing import Annotated

from pydantic import Field

from app.replies import Grade, Reply, Text


class PlannedQuestion(Reply):
    """How an answer is worked out, and then the question."""

    plan: Annotated[str, Field(max_length=400)]
    question: Annotated[str, Field(min_length=1, max_length=400)]


class PlannedQuestions(Reply):
    """Questions whose answers have to be worked out."""

    counted = "questions"
    questions: list[PlannedQuestion]


class Thought(Reply):
    """A step: a sentence of the document it rests on, or none, and what it says."""

    quote: Annotated[str, Field(max_length=400)]
    thought: Annotated[str, Field(min_length=1, max_length=500)]


class ThoughtfulAnswer(Reply):
    """Steps, and the answer they lead to."""

    steps: Annotated[list[Thought], Field(min_length=1, max_length=10)]
    answer: Text


class ReasoningVerdicts(Reply):
    """A judge's own answer, and then its grades of the steps and the answer, the flaw before them."""

    own_answer: Annotated[str, Field(max_length=300)]
    flaw: Annotated[str, Field(max_length=300)]
    soundness: Grade
    conclusion: Grade
    thought_needed: Grade
