"""Replies about tools: what is asked for, which calls are made, what they give back, and how good all that is."""

from typing import Annotated, Any

from pydantic import Field

from app.replies import Grade, Reply

ToolName = Annotated[str, Field(min_length=1, max_length=64)]


class ToolRequest(Reply):
    """The tools that meet a request, and the request."""

    tools: Annotated[list[ToolName], Field(max_length=6)]
    question: Annotated[str, Field(min_length=1, max_length=600)]


class ToolRequests(Reply):
    """Requests of one type."""

    counted = "questions"
    questions: list[ToolRequest]


class ToolCall(Reply):
    """One call; its arguments are checked against the tool's own schema afterwards."""

    name: ToolName
    arguments: dict[str, Any]


class ToolStep(Reply):
    """Calls to make now, or none and the answer."""

    calls: Annotated[list[ToolCall], Field(max_length=6)]
    answer: Annotated[str, Field(max_length=1200)]


class ToolResults(Reply):
    """What calls give back, in their order."""

    counted = "results"
    results: list[dict[str, Any]]


class ToolVerdicts(Reply):
    """A judge's grades of a request, the calls made for it and the answer, the flaw first."""

    flaw: Annotated[str, Field(max_length=300)]
    tool_choice: Grade
    result_use: Grade
    request_sense: Grade
