"""Ask for requests, meet them with calls of tools whose arguments are validated, make up what the calls give back."""

import json
from dataclasses import dataclass, field
from typing import Any

from app.catalog.questions import LENGTHS
from app.catalog.tasks.tool_calls import CallType, ToolCallsOptions
from app.replies.tools import ToolCall, ToolRequests, ToolResults, ToolStep
from app.toolbox import schemas
from workers.recipes.work import Work
from workers.steps import eliminate
from workers.steps.ask import avoid
from workers.steps.profile import draw, told
from workers.steps.question import Question

ASK = "ask/tools@1"
CALL = "call/tools@1"
SIMULATE = "simulate/tools@1"
GAPS = ("missing", "beyond")  # why no tool is called: a value was not said, or no tool can do it

Schemas = dict[str, dict[str, Any]]  # tool -> the JSON schema of its arguments
Round = list[tuple[ToolCall, dict[str, Any]]]  # calls made together, each with what it gave back


@dataclass(slots=True)
class Use:
    """A request on its way: the rounds of calls so far, and the answer once there is one."""

    question: Question
    wanted: tuple[str, ...]
    rounds: list[Round] = field(default_factory=list)
    answer: str = ""

    @property
    def lines(self) -> list[str]:
        """A line for each call and its result, as the prompts show them."""
        return [f"{_shown(call)} -> {_json(result)}" for made in self.rounds for call, result in made]


def shown_tools(work: Work) -> list[dict[str, Any]]:
    """The context's tools in OpenAI's form, in an order drawn for the unit: the first is not always the one to call."""
    found = [{"type": "function", "function": json.loads(chunk.text)} for chunk in work.context.chunks]
    return work.random("order", work.place).sample(found, len(found))


async def ask_requests(work: Work, options: ToolCallsOptions, kind: CallType, count: int, *, ahead: int) -> list[Use]:
    """`count` different requests of one type, in one call. Raises Refused."""
    profiles = draw(work, options, "single_hop", count, purpose=f"{kind}.{work.place}")
    gap = GAPS[work.place % 2] if kind == "no_call" else ""
    reply = await work.model.ask(
        ASK,
        context=work.context,
        ahead=ahead,
        count=count,
        sample=work.place,  # the same set of tools may come again in another unit, and is then asked about anew
        language=work.language,
        avoid=avoid(work),
        profiles=told(profiles),
        type=kind,
        gap=gap,
    )
    assert isinstance(reply, ToolRequests)
    found = []
    for asked, profile in zip(reply.questions, profiles, strict=False):
        attributes = profile.attributes("single_hop") | {"question_type": "tool_calls", "call_type": kind}
        attributes |= {"gap": gap} if gap else {}
        length = profile.length or "medium"
        question = Question(asked.question, (ASK,), origin=kind, length=length, attributes=attributes)
        found.append(Use(question, tuple(asked.tools)))
    return found


async def next_step(work: Work, use: Use, *, ahead: int) -> ToolStep:
    """The calls to make now, or the answer. Raises Refused."""
    reply = await work.model.ask(
        CALL,
        context=work.context,
        ahead=ahead,
        question=use.question.text,
        so_far=use.lines,
        language=work.language,
        length=LENGTHS[use.question.length],
    )
    assert isinstance(reply, ToolStep)
    return reply


async def results(work: Work, use: Use, calls: list[ToolCall], *, ahead: int) -> Round:
    """The calls with what they would give back. Raises Refused."""
    reply = await work.model.ask(
        SIMULATE,
        context=work.context,
        ahead=ahead,
        count=len(calls),
        question=use.question.text,
        so_far=use.lines,
        calls=[_shown(call) for call in calls],
    )
    assert isinstance(reply, ToolResults)
    return list(zip(calls, reply.results, strict=False))


def bad_call(use: Use, calls: list[ToolCall], known: Schemas) -> eliminate.Fault | None:
    """What is wrong with calls to be made now: an unknown tool, arguments against its schema, a call made twice."""
    made = {_shown(call) for done in use.rounds for call, _ in done}
    for call in calls:
        if call.name not in known:
            return "unknown_tool", f"{call.name!r} is none of {', '.join(known)}"
        if wrong := schemas.faults(known[call.name], call.arguments):
            return "bad_arguments", f"{_shown(call)}: {'; '.join(wrong[:3])}"
        if _shown(call) in made:
            return "repeated_call", f"{_shown(call)} was made already"
        made.add(_shown(call))
    return None


def bad_pattern(use: Use, kind: CallType) -> eliminate.Fault | None:
    """Were the tools called as a request of this type is to be met, and were they those that it was written for?"""
    sizes = [len(made) for made in use.rounds]
    fits = {
        "single": sizes == [1],
        "parallel": len(sizes) == 1 and sizes[0] > 1,
        "multi_step": len(sizes) > 1,
        "no_call": not sizes,
    }
    if not fits[kind]:
        return "wrong_pattern", f"it was to be {kind}, and made {' then '.join(map(str, sizes)) or 'no'} calls"
    called = {call.name for made in use.rounds for call, _ in made}
    if kind != "no_call" and called != set(use.wanted):
        return "other_tools", f"written for {', '.join(use.wanted) or 'none'}, and called {', '.join(sorted(called))}"
    return None


def messages(use: Use, system: str | None) -> list[dict[str, Any]]:
    """The conversation in OpenAI's form; arguments and results are JSON texts, calls are numbered through."""
    found: list[dict[str, Any]] = [{"role": "system", "content": system}] if system else []
    found.append({"role": "user", "content": use.question.text})
    number = 0
    for made in use.rounds:
        ids = [f"call_{number + i}" for i in range(1, len(made) + 1)]
        number += len(made)
        calls = [
            {"id": key, "type": "function", "function": {"name": call.name, "arguments": _json(call.arguments)}}
            for key, (call, _) in zip(ids, made, strict=True)
        ]
        found.append({"role": "assistant", "content": "", "tool_calls": calls})
        found += [
            {"role": "tool", "tool_call_id": key, "content": _json(result)}
            for key, (_, result) in zip(ids, made, strict=True)
        ]
    return [*found, {"role": "assistant", "content": use.answer}]


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _shown(call: ToolCall) -> str:
    return f"{call.name}({_json(call.arguments)})"
