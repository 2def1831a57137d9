"""From a ranking to rows: which pairs are made, which of them stand in both orders, and what a row keeps of it all."""

from itertools import combinations
from typing import Any

from app.catalog.pairs import alike, size
from app.domain import Dropped, Sample
from workers import gates
from workers.recipes.work import Work
from workers.steps.rank import Graded

Pairs = list[tuple[Graded, Graded]]


def chosen_pairs(ranking: list[Graded], which: str, margin: float) -> Pairs:
    """(better, worse) of a ranking, best first: every pair, or the best with the worst.

    The worst is that of the answers about as long as the best one, if one of them is worse by `margin` in either order;
    only else the worst of all. Who is equally good or bad is chosen by length as well: what is learnt should not be to
    say more.
    """
    if which == "all":
        return list(combinations(ranking, 2))
    best, worst = ranking[0], ranking[-1]
    if best.score == worst.score:
        return [(best, worst)]
    good = [one for one in ranking if one.score == best.score and one.faithfulness == best.faithfulness]
    every = [(one, other) for one in good for other in ranking if other.score < one.score]
    sure = [pair for pair in every if min(margins(*pair)) >= margin and alike(_size(pair[0]), _size(pair[1]))]
    return [min(sure or every, key=lambda pair: (pair[1].score, abs(_size(pair[0]) - _size(pair[1]))))]


def _size(one: Graded) -> int:
    return size(one.candidate.turns)


def margins(better: Graded, worse: Graded) -> tuple[float, float]:
    """By how many rubric points the one beats the other, in either order."""
    return better.scores[0] - worse.scores[0], better.scores[1] - worse.scores[1]


def flips(better: Graded, worse: Graded) -> bool:
    """Is the one better in one order and the other in the other?"""
    one, other = margins(better, worse)
    return one * other < 0


def row(
    work: Work, kind: str, prompt: str, better: Graded, worse: Graded, ranking: list[Graded], compared: Pairs
) -> Sample | Dropped:
    """The pair as a row that is not measured yet; dropped as `order_flip` or `tie` when it is no preference at all.

    `compared`: the pairs whose flips are told with this row, for the report.
    """
    base = better.candidate.row
    attributes: dict[str, Any] = {
        **base.attributes,
        **_ways(better, worse),
        "margin": sum(margins(better, worse)) / 2,
        "margins": list(margins(better, worse)),
        "scores": {"chosen": better.score, "rejected": worse.score},
        "faithfulness": {"chosen": better.faithfulness, "rejected": worse.faithfulness},
        "chosen_by": better.candidate.model,
        "rejected_by": worse.candidate.model,
        "compared": len(compared),
        "flipped": sum(flips(*pair) for pair in compared),
        "candidates": [_listed(place, one) for place, one in enumerate(ranking, start=1)],
    }
    lineage = work.lineage((*base.lineage["prompts"], *worse.candidate.row.lineage["prompts"], prompt))
    made = base.model_copy(update={"kind": kind, "attributes": attributes, "lineage": lineage})
    one, other = margins(better, worse)
    detail = f"{one:+g} points in one order, {other:+g} in the other"
    if flips(better, worse):
        return gates.drop(made, "order_flip", detail)
    return gates.drop(made, "tie", detail) if one == other == 0 else made


def _ways(better: Graded, worse: Graded) -> dict[str, Any]:
    """What `app.catalog.pairs.pair` reads."""
    one, other = better.candidate, worse.candidate
    found: dict[str, Any] = {"rejected": other.turns[-1]["content"]}
    if len(one.prompt) > 1 or len(one.turns) > 1:
        found["messages"] = [*one.prompt, *one.turns]
    if len(one.turns) > 1:
        found |= {"prompt_turns": len(one.prompt), "rejected_turns": other.turns}
    return found


def _listed(place: int, one: Graded) -> dict[str, Any]:
    """One line of the whole ranking (InstructGPT, arXiv 2203.02155), as `ultrafeedback` writes it."""
    candidate = one.candidate
    return {
        "rank": place,
        "text": candidate.turns[-1]["content"],
        "score": one.score,
        "scores": list(one.scores),
        "faithfulness": [grade.faithfulness for grade in one.grades],
        "helpfulness": [grade.helpfulness for grade in one.grades],
        "model": candidate.model,
        "temperature": candidate.temperature,
    } | ({"turns": candidate.turns} if len(candidate.turns) > 1 else {})
