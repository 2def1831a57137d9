"""Ask several times for an answer, rank the answers in both orders, and keep the pairs that stand in both.

    ask (or an uploaded instruction) -> n answers -> rank, in both orders -> pairs -> gates
                                               \\-> change one fact of the best -> rank, in both orders -> gates

How the rows of all contexts are balanced in length is the selection's business (`workers.select.lengths`).
"""

import asyncio
import json
from itertools import combinations

from app.catalog.tasks.grounded_qa import GroundedQaOptions
from app.catalog.tasks.preferences import PreferencesOptions
from app.domain import Dropped, Sample
from app.llm.protocol import Refused
from workers import gates
from workers.recipes.work import Outcome, Work
from workers.steps import rank
from workers.steps.ask import PROMPTS, ask, seeded
from workers.steps.candidates import Candidate, candidates
from workers.steps.instruction import Instruction, read
from workers.steps.pairing import Pairs, chosen_pairs, row
from workers.steps.perturb import perturb
from workers.steps.question import Question
from workers.steps.rank import Graded
from workers.steps.shares import apportion

Row = Sample | Dropped
FAITHFUL = 4  # of 5, in both orders: only such an answer is worth making wrong


async def make(work: Work) -> Outcome:
    """Pairs for the prompts of one context. Every pair and every prompt that gives none has its reason."""
    options = PreferencesOptions.model_validate(work.options)
    outcome = Outcome()
    if options.prompts_from == "uploaded":
        found = _uploaded(work)
        prompts = [] if found.text.partition("\n")[0] in work.avoid else [(Question(found.text, ()), found.answer)]
    else:
        prompts = [(question, "") for question in await _asked(work, options, outcome)]
    changed = apportion({"changed": options.perturbed, "": 1 - options.perturbed}, len(prompts), work.place)
    few = changed.get("changed", 0) if options.perturbed else 0
    each = [_rows(work, options, question, given, i < few) for i, (question, given) in enumerate(prompts)]
    for rows in await asyncio.gather(*each):
        for made in rows:
            outcome.add(made)
    return _sorted(outcome)


async def _asked(work: Work, options: PreferencesOptions, outcome: Outcome) -> list[Question]:
    """Questions about the context, and the user's own; a call that came to nothing is one dropped row."""
    names = ("questions_per_context", "personas", "styles", "lengths", "difficulty")
    asking = GroundedQaOptions.model_validate({name: getattr(options, name) for name in names})
    count, own = options.questions_per_context, seeded(work)
    try:
        return [*await ask(work, asking, "single_hop", count, ahead=3 + 2 * options.turns), *own]
    except Refused as refusal:
        lineage = work.lineage((PROMPTS["single_hop"],))
        outcome.add(Dropped(reason=refusal.reason, detail=refusal.detail, kind=options.kind, lineage=lineage))
        return own


def _uploaded(work: Work) -> Instruction:
    """The planner has read the record before; a chunk that is none would be a fault of ours."""
    found = read(json.loads(work.context.chunks[0].text))
    if isinstance(found, str):
        raise ValueError(f"chunk {work.context.chunks[0].id}: {found}")
    return found


async def _rows(work: Work, options: PreferencesOptions, question: Question, given: str, change: bool) -> list[Row]:
    """All rows of one prompt."""
    after = 3 * change  # the changed fact and its two rankings, which are asked at once
    try:
        found, lost = await candidates(work, options, question, ahead=1 + after, given=given)
    except Refused as refusal:
        return [_dropped(work, options, question, refusal.reason, refusal.detail)]
    rows: list[Row] = []
    best = found[:1]
    if len(found) < 2:
        rows.append(_too_few(work, options, question, found, lost))
    else:
        prompt = rank.ALONE if options.prompts_from == "uploaded" else rank.GROUNDED
        try:
            ranking = await rank.rank(work, question, found, prompt, ahead=1 + after)
        except Refused as refusal:
            return [_dropped(work, options, question, f"judge_{refusal.reason}", refusal.detail)]
        rows += await _checked(work, options, prompt, ranking)
        best = [one.candidate for one in ranking[:1] if one.faithfulness >= FAITHFUL]
    if change:
        rows.append(await _perturbed(work, options, question, best))
    return rows


async def _checked(work: Work, options: PreferencesOptions, prompt: str, ranking: list[Graded]) -> list[Row]:
    every: Pairs = list(combinations(ranking, 2))
    rows: list[Row] = []
    for better, worse in chosen_pairs(ranking, options.pairs, work.gates.get("margin", 0.0)):
        compared = every if options.pairs == "best_worst" else [(better, worse)]
        made = row(work, options.kind, prompt, better, worse, ranking, compared)
        rows.append(await gates.check(work, made) if isinstance(made, Sample) else made)
    return rows


async def _perturbed(work: Work, options: PreferencesOptions, question: Question, best: list[Candidate]) -> Row:
    """A faithful answer and the same with one fact changed; the judge must see the difference in both orders."""
    if not best:
        detail = "no answer was faithful in both orders"
        return _dropped(work, options, question, "no_faithful_answer", detail, kind="perturbed")
    wrong = await perturb(work, best[0], ahead=2)
    if isinstance(wrong, Dropped):
        return wrong
    right = best[0].saying(best[0].row.answer)
    try:
        ranking = await rank.rank(work, question, [right, wrong], rank.GROUNDED, "changed", ahead=1)
    except Refused as refusal:
        return gates.drop(wrong.row, f"judge_{refusal.reason}", refusal.detail)
    better, worse = ranking
    made = row(work, "perturbed", rank.GROUNDED, better, worse, ranking, [(better, worse)])
    changed = wrong.row.attributes["changed"]
    made = made.model_copy(update={"attributes": made.attributes | {"changed": changed}})
    if isinstance(made, Sample) and better.candidate is wrong:
        return gates.drop(made, "unfaithful_preferred", f"the judge prefers {changed['to']!r} to {changed['from']!r}")
    return await gates.check(work, made) if isinstance(made, Sample) else made


def _too_few(
    work: Work, options: PreferencesOptions, question: Question, found: list[Candidate], lost: list[Dropped]
) -> Dropped:
    """Why there is nothing to compare: all said the same, or hardly any said anything."""
    if found and not lost:
        return _dropped(
            work, options, question, "same_answers", "every answer says the same", answer=found[0].row.answer
        )
    why = ", ".join(sorted({one.reason for one in lost}))
    reason = lost[0].reason if not found else "too_few_answers"
    return _dropped(work, options, question, reason, f"{len(found)} answers of {options.answers} ({why})")


def _dropped(
    work: Work,
    options: PreferencesOptions,
    question: Question,
    reason: str,
    detail: str,
    *,
    kind: str = "",
    answer: str = "",
) -> Dropped:
    return Dropped(
        reason=reason,
        detail=detail,
        kind=kind or options.kind,
        question=question.text,
        answer=answer,
        attributes=question.attributes,
        lineage=work.lineage(question.prompts),
    )


def _sorted(outcome: Outcome) -> Outcome:
    """By prompt, not by the order in which replies happened to come: the same replies give the same rows."""
    outcome.kept.sort(key=lambda one: (one.question, one.kind))
    outcome.dropped.sort(key=lambda one: (one.question, one.kind, one.reason))
    return outcome
