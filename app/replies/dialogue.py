"""Replies about conversations."""

from typing import Annotated

from pydantic import Field

from app.replies import Grade, Reply

Asked = Annotated[str, Field(min_length=1, max_length=400)]


class FollowUp(Reply):
    """The next question of a conversation: in full, and then as it is said there."""

    standalone: Asked
    question: Asked


class MissingFollowUp(Reply):
    """The next question of a conversation, about something that a document leaves out."""

    missing: Annotated[str, Field(min_length=1, max_length=150)]
    standalone: Asked
    question: Asked


class FollowVerdict(Reply):
    """A judge's grade of a follow-up, the reason first."""

    reason: Annotated[str, Field(max_length=300)]
    follows: Grade
