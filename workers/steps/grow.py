"""Write new instructions from examples, as Self-Instruct does (arXiv 2212.10560), and keep those that are new."""

from app.catalog.evolving import NEAR_COPY
from app.domain import Dropped
from app.llm.protocol import Refused
from app.replies import Instructions
from workers.gates.echo import echo
from workers.gates.refusal import refusal_to_ask
from workers.recipes.work import Work
from workers.steps import eliminate
from workers.steps.question import Question

PROMPT = "grow/instructions@1"
EXAMPLE_CHARACTERS = 600  # of each example; more of it shows no more


async def grow(work: Work, count: int, seeds: list[str], *, ahead: int) -> tuple[list[Question], list[Dropped]]:
    """Up to `count` new instructions, and why others were not taken.

    One is taken if its ROUGE-L to every seed, to every one asked for in earlier rounds and to every one taken before
    it is below 0.7. `seeds` are shown as examples, in an order drawn for the unit.
    """
    examples = [seed[:EXAMPLE_CHARACTERS] for seed in work.random("grow").sample(seeds, len(seeds))]

    def not_taken(reason: str, detail: str, text: str = "") -> Dropped:
        return Dropped(reason=reason, detail=detail, kind="grown", question=text, lineage=work.lineage((PROMPT,)))

    try:
        reply = await work.model.ask(
            PROMPT,
            context=work.context,
            ahead=ahead,
            count=count,
            examples=examples,
            language=work.language,
            avoid=list(work.avoid),
        )
    except Refused as refusal:
        return [], [not_taken(refusal.reason, refusal.detail)]
    assert isinstance(reply, Instructions)
    taken: list[Question] = []
    dropped: list[Dropped] = []
    shown = "\n".join((*examples, *work.avoid))
    known = [*seeds, *work.avoid]
    for number, text in enumerate(reply.instructions[:count]):
        if fault := _fault(text, known, shown):
            dropped.append(not_taken(*fault, text))
            continue
        known.append(text)
        taken.append(Question(text, (PROMPT,), path=f"grown{number}", origin="grown"))
    return taken, dropped


def _fault(text: str, known: list[str], shown: str) -> eliminate.Fault | None:
    if not eliminate.words(text):
        return "says_nothing", "the new instruction has no words"
    if found := refusal_to_ask(text, shown):
        return "refused", f"instead of an instruction: {found}"
    if found := echo(text, (PROMPT,), shown, eliminate.COPIED_RUN):
        return "copied_prompt", f"it copies words of the prompt: {found}"
    overlap, nearest = max(((eliminate.rouge_l(text, other), other) for other in known), default=(0.0, ""))
    if overlap >= NEAR_COPY:
        return "near_copy", f"ROUGE-L {overlap:.2f} to: {nearest[:200]}"
    return None
