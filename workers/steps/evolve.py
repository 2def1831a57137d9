"""Make a question harder or wider with one operator of Evol-Instruct (arXiv 2304.12244), or say why it failed."""

import re

from app import catalog
from app.domain import Dropped
from app.llm.protocol import Refused
from app.replies import Evolved
from workers.recipes.work import Work
from workers.steps.question import Question

_PROMPT_WORDS = re.compile(r"given (prompt|question)|rewritten (prompt|question)|#\s*(given|rewritten|new)", re.I)
_WORD = re.compile(r"\w+")


async def evolve(work: Work, parent: Question, *, ahead: int) -> Question | Dropped:
    """The evolved question. Dropped when it repeats its parent or copies the prompt's own words (rule 4)."""
    name = work.random("evolve", parent.path, parent.round).choice(work.options["evolutions"])
    ref = catalog.EVOLUTIONS[name].prompt
    lineage = work.lineage((*parent.prompts, ref))
    about = {"kind": "evolved", "evolution": name, "parent_question": parent.text, "lineage": lineage}
    try:
        reply = await work.model.ask(
            ref, context=work.context, ahead=ahead, question=parent.text, language=work.language
        )
    except Refused as refusal:
        return Dropped(reason=refusal.reason, detail=refusal.detail, **about)
    assert isinstance(reply, Evolved)
    text = reply.question
    if _same(text, parent.text):
        return Dropped(reason="no_gain", detail="the evolved question is its parent", question=text, **about)
    if _PROMPT_WORDS.search(text):
        return Dropped(reason="copied_prompt", detail="it copies words of the prompt", question=text, **about)
    return Question(text, (*parent.prompts, ref), name, parent.text, parent.round + 1, f"{parent.path}.{name}")


def _same(one: str, other: str) -> bool:
    return _WORD.findall(one.lower()) == _WORD.findall(other.lower())
