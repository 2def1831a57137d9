"""ROUGE (Lin 2004) of a summary and the text it sums up, as F1: how much of the one is in the words of the other.

There is no summary by a person to compare with, so these numbers say how near to the text's own words a summary is: an
extractive one has the precision 1. Words are runs of letters, each Chinese character and kana is one; nothing is
stemmed, since stemmers know one language.
"""

from collections import Counter

from app.domain import Sample
from workers.gates import Measured
from workers.recipes.work import Work
from workers.steps.eliminate import rouge_l, words


async def measure(work: Work, row: Sample, *, ahead: int) -> Measured:
    text, said = work.context.text, row.answer
    return {
        "rouge_1": (round(rouge_n(said, text, 1), 3), "F1 of words"),
        "rouge_2": (round(rouge_n(said, text, 2), 3), "F1 of pairs of words"),
        "rouge_l": (round(rouge_l(said, text), 3), "F1 of the longest common sequence of words"),
    }


def rouge_n(one: str, other: str, n: int) -> float:
    """0..1: F1 of the n-grams that both texts have, each counted as often as both have it."""
    a, b = (_grams(text, n) for text in (one, other))
    total = a.total() + b.total()
    return 2 * (a & b).total() / total if total else 0.0


def _grams(text: str, n: int) -> Counter[tuple[str, ...]]:
    split = words(text)
    return Counter(zip(*(split[i:] for i in range(n)), strict=False))
