"""Requests that a model meets by calling your tools: one call, several at once, one after the other, or none."""

import math
from typing import Any, Literal, Self, get_args

from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

from app.catalog.asking import AskingOptions, shares, something
from app.catalog.kinds import Carried, DatasetTask
from app.catalog.questions import Weight
from app.toolbox import tools as toolbox

CallType = Literal["single", "parallel", "multi_step", "no_call"]
CALL_TYPES: tuple[CallType, ...] = get_args(CallType)


class ToolCallsOptions(AskingOptions):
    """Which tools there are, how many a row shows, and in which shares they are called how."""

    tools: list[dict[str, Any]] = Field(
        default=[], max_length=toolbox.MOST_TOOLS, description="functions with `name`, `description`, `parameters`"
    )
    openapi: dict[str, Any] | None = Field(
        default=None, description="an OpenAPI 3 document; its operations become `tools`"
    )
    requests_per_context: int = Field(default=2, ge=1, le=10, description="requests about each drawn set of tools")
    tools_shown: int = Field(default=4, ge=1, le=20, description="tools that a row shows, the others are distractors")
    call_types: dict[CallType, Weight] = Field(
        default={"single": 4.0, "parallel": 2.0, "multi_step": 2.0, "no_call": 2.0},
        description="type -> weight; each gets its share of all the dataset's requests",
    )
    max_steps: int = Field(default=3, ge=2, le=6, description="most rounds of calls of a `multi_step` request")
    system_prompt: str | None = Field(
        default=None, min_length=1, max_length=4000, description="what every conversation begins with, as `system`"
    )

    @field_validator("call_types")
    @classmethod
    def _something_to_ask(cls, chosen: Any) -> Any:
        return something(chosen)

    @model_validator(mode="after")
    def _usable(self) -> Self:
        """The tools in one form; an OpenAPI document is replaced by the tools that were read from it."""
        found, faults = toolbox.read(self.tools, self.openapi)
        if faults:
            raise ValidationError.from_exception_data(
                "tools",
                [
                    InitErrorDetails(type=PydanticCustomError("tool", "{why}", {"why": why}), loc=place, input=None)
                    for place, why in faults[:20]
                ],
            )
        self.tools, self.openapi = found, None
        return self

    def shares(self) -> dict[CallType, float]:
        """Type -> its share of the requests, in a fixed order; shares add up to 1."""
        return shares(self.call_types, CALL_TYPES)


def _kinds(options: ToolCallsOptions) -> dict[str, float]:
    return {name: share * options.requests_per_context for name, share in options.shares().items()}


_CALLS = {"single": 3, "parallel": 3, "multi_step": 5, "no_call": 1}  # two rounds of calls, the fewest there can be


def _cost(options: ToolCallsOptions) -> int:
    """Asking once for each type that a context has; then rounds of calls, their results, and the answer."""
    calls = sum(min(1.0, count) + count * _CALLS[name] for name, count in _kinds(options).items())
    return math.ceil(round(calls, 6))


_TOOL = {
    "name": "departures",
    "description": "Departures of a ferry on a day.",
    "parameters": {
        "type": "object",
        "properties": {"ferry": {"type": "string"}, "day": {"type": "string", "format": "date"}},
        "required": ["ferry", "day"],
    },
}

TOOL_CALLS = DatasetTask(
    summary="Requests met by calling your tools: one, several at once, several steps, or none; arguments validated.",
    options=ToolCallsOptions,
    gates={
        "stop_words": 1.0,
        "refusal": 1.0,
        "echo": 1.0,
        "length": 300.0,
        "question_length": 3.0,
        "language": 0.1,
        "tool_choice": 4.0,
        "result_use": 4.0,
        "request_sense": 3.0,
    },
    cost=_cost,
    rows=lambda options: options.requests_per_context,
    kinds=_kinds,
    skips={"no_call": frozenset({"refusal"})},  # to say what is missing, or that no tool can do it, is the answer
    shape="tools",
    source="tools",
    carried=Carried(
        name="tools.json",
        document=lambda options: toolbox.listing(options.tools) if options.tools else None,
        option="tools",
    ),
    repairable=False,
    prompts=("ask/tools@1", "call/tools@1", "simulate/tools@1", "judge/tools@1"),
    example={
        "kind": "single",
        "question": "When does the Aurora leave on 3 May 2027?",
        "answer": "On 3 May 2027 the Aurora leaves at 07:40 and at 16:10.",
        "attributes": {
            "call_type": "single",
            "tools": [{"type": "function", "function": _TOOL}],
            "messages": [
                {"role": "user", "content": "When does the Aurora leave on 3 May 2027?"},
                {
                    "role": "assistant",
                    "content": "",
                    "tool_calls": [
                        {
                            "id": "call_1",
                            "type": "function",
                            "function": {"name": "departures", "arguments": '{"ferry":"Aurora","day":"2027-05-03"}'},
                        }
                    ],
                },
                {"role": "tool", "tool_call_id": "call_1", "content": '{"departures":["07:40","16:10"]}'},
                {"role": "assistant", "content": "On 3 May 2027 the Aurora leaves at 07:40 and at 16:10."},
            ],
        },
    },
)
