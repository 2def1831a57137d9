"""Replies about questions of several hops."""

from typing import Annotated

from pydantic import Field

from app.replies import Reply

Sentence = Annotated[str, Field(min_length=1, max_length=400)]


class ChainQuestion(Reply):
    """Facts from different parts of a document, what links them, and a question that takes all of them."""

    facts: Annotated[list[Sentence], Field(min_length=2, max_length=5)]
    link: Annotated[str, Field(max_length=150)]
    question: Annotated[str, Field(min_length=1, max_length=400)]


class ChainQuestions(Reply):
    """Questions of one type over a set number of parts."""

    counted = "questions"
    questions: list[ChainQuestion]


class Hop(Reply):
    """A sentence, and what it adds towards the answer."""

    quote: Sentence
    finding: Annotated[str, Field(min_length=1, max_length=300)]


class ChainAnswer(Reply):
    """An answer, and before it the hops that lead to it."""

    hops: Annotated[list[Hop], Field(min_length=2, max_length=5)]
    answer: Annotated[str, Field(min_length=1, max_length=1200)]
