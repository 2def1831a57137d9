"""Make a question harder or wider with one operator of Evol-Instruct (arXiv 2304.12244), or say why it failed."""

from dataclasses import replace

from app import catalog
from app.catalog.evolving import NEAR_COPY
from app.domain import Dropped
from app.llm.protocol import Refused
from app.replies import Evolved, Gain
from workers.recipes.work import Work
from workers.steps import eliminate
from workers.steps.question import Question

GAIN = "judge/gain@1"
AVOIDED = 8  # the latest of the context that an instruction's prompt is shown


async def evolve(work: Work, parent: Question, operator: str, *, ahead: int) -> Question | Dropped:
    """The evolved question, or the rule that eliminated it. `ahead`: calls on the path from here to the unit's end."""
    alone = catalog.TASKS[work.task].source == "instructions"
    evolution = catalog.EVOLUTIONS[operator]
    ref = evolution.instruction_prompt if alone else evolution.prompt
    made_by = (*parent.prompts, ref)

    def failed(reason: str, detail: str, text: str = "", refs: tuple[str, ...] = made_by) -> Dropped:
        return Dropped(
            reason=reason,
            detail=detail,
            kind="evolved",
            question=text,
            evolution=operator,
            parent_question=parent.text,
            lineage=work.lineage(refs),
        )

    avoid = list(work.avoid)[-AVOIDED:]
    try:
        reply = await work.model.ask(
            ref, context=work.context, ahead=ahead, question=parent.text, language=work.language, avoid=avoid
        )
    except Refused as refusal:
        return failed(refusal.reason, refusal.detail)
    assert isinstance(reply, Evolved)
    text = reply.question
    limit = work.options.get("max_overlap", NEAR_COPY)
    around = "\n".join(avoid) if alone else work.context.text
    if fault := eliminate.of_question(text, parent.text, prompt=ref, around=around, max_overlap=limit):
        return failed(*fault, text)
    if work.options.get("eliminate") == "judge":
        made_by = (*made_by, GAIN)
        try:
            verdict = await work.model.ask(
                GAIN, context=work.context, ahead=ahead - 1, role="judge", question=parent.text, evolved=text
            )
        except Refused as refusal:
            return failed(f"judge_{refusal.reason}", refusal.detail, text, made_by)
        assert isinstance(verdict, Gain)
        if not verdict.gain:
            return failed("no_gain", verdict.reason, text, made_by)
    evolved = replace(
        parent,
        text=text,
        prompts=made_by,
        evolution=operator,
        parent=parent.text,
        round=parent.round + 1,
        path=f"{parent.path}.{operator}",
    )
    return evolved.after(parent)
