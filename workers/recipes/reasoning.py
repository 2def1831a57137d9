"""Ask what has to be worked out, work it out several times, let the attempts vote, and let the judge look at the steps.

ask -> answer, `samples` times -> vote -> are the steps in order? -> gates -> write thoughts and answer
"""

import asyncio

from app.catalog.tasks.reasoning import ReasoningOptions
from app.domain import Dropped, Sample
from app.llm.protocol import Refused
from workers import gates
from workers.recipes.work import Outcome, Work
from workers.steps import think
from workers.steps.question import Question

_OF_THOUGHTS = frozenset({"language", "standalone", "echo"})  # what is measured of the thoughts, beside the answer


async def make(work: Work) -> Outcome:
    """Rows of one context. Every row that is not kept has its reason."""
    options = ReasoningOptions.model_validate(work.options)
    outcome = Outcome()
    try:
        questions = await think.ask_planned(work, options, ahead=3)
    except Refused as refusal:
        lost = {"kind": think.KIND, "lineage": work.lineage((think.ASK,))}
        outcome.add(Dropped(reason=refusal.reason, detail=refusal.detail, **lost))
        return outcome
    for row in await asyncio.gather(*(_row(work, options, question) for question in questions)):
        outcome.add(row)
    outcome.kept.sort(key=lambda row: (row.question, row.answer))
    outcome.dropped.sort(key=lambda row: (row.question, row.reason))
    return outcome


async def _row(work: Work, options: ReasoningOptions, question: Question) -> Sample | Dropped:
    made = await think.attempts(work, options, question, ahead=2)
    row = think.voted(work, options, question, made)
    if isinstance(row, Sample):
        thoughts = " ".join(step["thought"] for step in row.attributes["steps"])
        said = await gates.check(work, row.model_copy(update={"answer": thoughts}), only=_OF_THOUGHTS)
        row = said if isinstance(said, Dropped) else await gates.check(work, row)
    if isinstance(row, Dropped):
        return row
    attributes = row.attributes | {"final_answer": row.answer}
    return row.model_copy(update={"answer": think.written(row, options.thoughts), "attributes": attributes})
