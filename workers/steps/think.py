"""Work an answer out several times, let the attempts vote on it (arXiv 2203.11171), take one that can be checked."""

import asyncio
import re
from typing import Any

from app.catalog.questions import LENGTHS
from app.catalog.tasks.reasoning import ReasoningOptions
from app.domain import Dropped, Sample
from app.llm.protocol import Refused
from app.replies.thoughts import PlannedQuestions, ThoughtfulAnswer
from workers import gates
from workers.gates.round_trip import same
from workers.gates.self_consistency import AGREES
from workers.recipes.work import Work
from workers.steps import eliminate
from workers.steps.answer import is_unknown
from workers.steps.ask import avoid
from workers.steps.locate import locate_all
from workers.steps.profile import draw, told
from workers.steps.question import Question

ASK = "ask/reasoning@1"
ANSWER = "answer/reasoning@1"
KIND = "reasoning"
_TAG = re.compile(r"</?\s*think", re.I)

Attempt = ThoughtfulAnswer | Refused


async def ask_planned(work: Work, options: ReasoningOptions, *, ahead: int) -> list[Question]:
    """Different questions whose answers have to be worked out, in one call. Raises Refused."""
    count = options.questions_per_context
    profiles = draw(work, options, "single_hop", count, purpose=KIND)
    reply = await work.model.ask(
        ASK,
        context=work.context,
        ahead=ahead,
        count=count,
        language=work.language,
        avoid=avoid(work),
        profiles=told(profiles),
        steps=options.steps.min,
    )
    assert isinstance(reply, PlannedQuestions)
    return [
        Question(
            asked.question,
            (ASK,),
            origin=KIND,
            length=profile.length or "medium",
            attributes=profile.attributes("single_hop") | {"question_type": KIND},
        )
        for asked, profile in zip(reply.questions, profiles, strict=False)
    ]


async def attempts(work: Work, options: ReasoningOptions, question: Question, *, ahead: int) -> list[Attempt]:
    """`options.samples` attempts, asked at once, each a reply of its own; one that gave no usable reply is Refused."""

    async def attempt(number: int) -> Attempt:
        try:
            reply = await work.model.ask(
                ANSWER,
                context=work.context,
                ahead=ahead,
                sample=number,
                question=question.text,
                language=work.language,
                length=LENGTHS[question.length],
                least=options.steps.min,
                most=options.steps.max,
            )
        except Refused as refusal:
            return refusal
        assert isinstance(reply, ThoughtfulAnswer)
        return reply

    return list(await asyncio.gather(*(attempt(number) for number in range(options.samples))))


def voted(work: Work, options: ReasoningOptions, question: Question, made: list[Attempt]) -> Sample | Dropped:
    """The row of the first attempt that comes to the answer most come to and whose steps are in order; or why not.

    Two answers are the same if one says all the other says, and no number speaks against it (`round_trip.same`).
    An attempt that gave no reply agrees with none. `row.answer` is the final answer alone.
    """
    about: dict[str, Any] = {
        "kind": KIND,
        "question": question.text,
        "lineage": work.lineage((*question.prompts, ANSWER)),
    }
    usable = [attempt for attempt in made if isinstance(attempt, ThoughtfulAnswer)]
    if not usable:
        lost = next(attempt for attempt in made if isinstance(attempt, Refused))
        return Dropped(reason=lost.reason, detail=lost.detail, attributes=question.attributes, **about)
    camps = [[other for other in usable if _agree(question.text, one.answer, other.answer)] for one in usable]
    camp = max(camps, key=len)  # of two that are equally large the first
    answers = [attempt.answer for attempt in usable]
    votes = {"samples": len(made), "agreeing": len(camp), "answers": answers}
    attributes = question.attributes | {"votes": votes}
    if len(camp) / len(made) < options.min_agreeing:
        detail = f"{len(camp)} of {len(made)} attempts agree: {' | '.join(answers)}"[:1000]
        return Dropped(reason="not_consistent", detail=detail, answer=camp[0].answer, attributes=attributes, **about)
    if is_unknown(camp[0].answer):
        lost_for = {"reason": "unanswerable", "detail": "most attempts say that it does not follow from the context"}
        return Dropped(**lost_for, answer=camp[0].answer, attributes=attributes, **about)
    rows = [_row(work, attempt, attributes, about) for attempt in camp]
    faults = [_fault(options, row) for row in rows]
    for row, fault in zip(rows, faults, strict=True):
        if fault is None:
            return row
    assert faults[0] is not None
    return gates.drop(rows[0], *faults[0])


def written(row: Sample, style: str) -> str:
    """The answer as a model is to learn it: the thoughts, and then the final answer."""
    thoughts = [step["thought"] for step in row.attributes["steps"]]
    if style == "think":
        return "<think>\n" + "\n".join(thoughts) + f"\n</think>\n\n{row.answer}"
    return "\n".join(f"{number}. {thought}" for number, thought in enumerate(thoughts, 1)) + f"\n\n{row.answer}"


def _agree(question: str, one: str, other: str) -> bool:
    if is_unknown(one) or is_unknown(other):
        return is_unknown(one) and is_unknown(other)
    return one == other or same(question, one, other) >= AGREES


def _row(work: Work, attempt: ThoughtfulAnswer, attributes: dict[str, Any], about: dict[str, Any]) -> Sample:
    spans, missing = locate_all(work.context, (step.quote for step in attempt.steps if step.quote))
    found = {"steps": [{"quote": step.quote, "thought": step.thought} for step in attempt.steps]}
    lost = {"unlocated_quotes": missing} if missing else {}
    return Sample(answer=attempt.answer, sources=spans, attributes=attributes | found | lost, **about)


def _fault(options: ReasoningOptions, row: Sample) -> eliminate.Fault | None:
    """What is wrong with an attempt's steps, by text alone."""
    steps = row.attributes["steps"]
    if not options.steps.min <= len(steps) <= options.steps.max:
        return "wrong_step_count", f"{len(steps)} steps, not {options.steps.min} to {options.steps.max}"
    thoughts = [step["thought"] for step in steps]
    if any(_TAG.search(thought) for thought in (*thoughts, row.answer)):
        return "copied_prompt", "a step holds a tag"
    if len(set(thoughts)) < len(thoughts):
        return "repeated_step", f"a step stands there twice: {next(t for t in thoughts if thoughts.count(t) > 1)}"
    grounded = sum(bool(step["quote"]) for step in steps) / len(steps)
    if grounded < options.grounded_share:
        return "ungrounded_steps", f"{grounded:.0%} of the steps have a quote"
    if not row.sources and not row.attributes.get("unlocated_quotes"):
        return "ungrounded_steps", "no step has a quote"
    return None
