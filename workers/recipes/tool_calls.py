"""Ask for what tools can do, meet it by calling them, check every argument, and let the judge look at all of it.

    for each type:   ask -> (call -> validate -> make up the results) ... -> answer -> was it as asked for? -> gates

No tool is really called: what a call gives back is made up, and the answer is checked against that.
"""

import asyncio
from typing import Any

from app.catalog.tasks.tool_calls import CallType, ToolCallsOptions
from app.domain import Dropped, Sample
from app.llm.protocol import Refused
from workers import gates
from workers.gates.numbers import supported_numbers
from workers.recipes.work import Outcome, Work
from workers.steps import eliminate, tool_use
from workers.steps.shares import apportion
from workers.steps.tool_use import Use


async def make(work: Work) -> Outcome:
    """Rows about one set of tools, of the types that are its turn. What is not kept has its reason."""
    options = ToolCallsOptions.model_validate(work.options)
    outcome = Outcome()
    shares = apportion(options.shares(), options.requests_per_context, work.place)
    groups = (_group(work, options, kind, count) for kind, count in shares.items())
    for rows in await asyncio.gather(*groups):
        for row in rows:
            outcome.add(row)
    outcome.kept.sort(key=lambda row: (row.kind, row.question, row.answer))
    outcome.dropped.sort(key=lambda row: (row.kind, row.question, row.reason))
    return outcome


async def _group(work: Work, options: ToolCallsOptions, kind: CallType, count: int) -> list[Sample | Dropped]:
    most = {"multi_step": options.max_steps, "no_call": 0}.get(kind, 1)
    try:
        uses = await tool_use.ask_requests(work, options, kind, count, ahead=3 + 2 * most)
    except Refused as refusal:
        about: dict[str, Any] = {"kind": kind, "lineage": work.lineage((tool_use.ASK,))}
        return [Dropped(reason=refusal.reason, detail=refusal.detail, **about)]
    return list(await asyncio.gather(*(_row(work, options, kind, use, most) for use in uses)))


async def _row(work: Work, options: ToolCallsOptions, kind: CallType, use: Use, most: int) -> Sample | Dropped:
    """One request met, or why not."""
    tools = tool_use.shown_tools(work)
    known = {tool["function"]["name"]: tool["function"]["parameters"] for tool in tools}
    try:
        fault = await _meet(work, use, known, max(most, 1)) or tool_use.bad_pattern(use, kind)
    except Refused as refusal:
        fault = refusal.reason, refusal.detail
    said = tool_use.messages(use, options.system_prompt)
    row = Sample(
        kind=kind,
        question=use.question.text,
        answer=use.answer,
        attributes=use.question.attributes | {"tools": tools, "messages": said, "made": use.lines},
        lineage=work.lineage((*use.question.prompts, tool_use.CALL, *((tool_use.SIMULATE,) if use.rounds else ()))),
    )
    if fault is None:
        told = " ".join((use.question.text, work.context.text, *use.lines))
        if supported_numbers(use.answer, told) < 1:
            fault = "unsupported_number", "the answer has a number that nobody said and no call gave back"
    return gates.drop(row, *fault) if fault else await gates.check(work, row)


async def _meet(work: Work, use: Use, known: tool_use.Schemas, most: int) -> eliminate.Fault | None:
    """Call and answer, in `most` rounds of calls; what went wrong, if anything. Raises Refused."""
    for number in range(most + 1):
        left = 2 * (most - number)
        step = await tool_use.next_step(work, use, ahead=2 + left)
        if not step.calls:
            use.answer = step.answer
            return None if step.answer else ("unfinished", "it neither calls a tool nor answers")
        if fault := tool_use.bad_call(use, step.calls, known):
            return fault
        if number == most:
            break
        use.rounds.append(await tool_use.results(work, use, step.calls, ahead=1 + left))
    return "unfinished", f"it goes on calling after {most} rounds"
