"""Give each of the user's own questions to the context that matches it best, by words (Okapi BM25)."""

import math
import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from itertools import pairwise

_K1, _B = 1.2, 0.75  # Robertson and Zaragoza, "The Probabilistic Relevance Framework", 2009
_STEM = 5  # letters of a word that are compared: languages inflect, and their endings differ
_WORD = re.compile(r"\w+")
_UNSPACED = re.compile(r"[぀-ヿ㐀-鿿]{2,}")  # kana and Han: no spaces, so pairs of characters are the words


def assign(questions: Sequence[str], contexts: Sequence[str]) -> list[int]:
    """For each question the number of the context with the highest BM25 score; without any match, the first one.

    A question that matches nothing is asked all the same: it comes back as `unanswerable`, and not as nothing.
    """
    counts = [Counter(_terms(text)) for text in contexts]
    lengths = [sum(count.values()) for count in counts]
    usual = sum(lengths) / max(1, len(lengths)) or 1.0
    holders: dict[str, list[int]] = defaultdict(list)
    for number, count in enumerate(counts):
        for term in count:
            holders[term].append(number)
    found = []
    for question in questions:
        scores: dict[int, float] = defaultdict(float)
        for term in sorted(set(_terms(question))):
            having = holders.get(term, [])
            rarity = math.log(1 + (len(contexts) - len(having) + 0.5) / (len(having) + 0.5))
            for number in having:
                times = counts[number][term]
                norm = _K1 * (1 - _B + _B * lengths[number] / usual)
                scores[number] += rarity * times * (_K1 + 1) / (times + norm)
        found.append(max(scores, key=lambda number: (scores[number], -number)) if scores else 0)
    return found


def spread(questions: Sequence[str], contexts: Sequence[str]) -> tuple[list[int], list[list[str]]]:
    """(numbers of all contexts, those with questions first; in that order, the questions of each).

    First, because a dataset with a number of rows wanted begins with the first contexts and may need no others.
    """
    if not questions:
        return list(range(len(contexts))), [[] for _ in contexts]
    asked: dict[int, list[str]] = defaultdict(list)
    unique = list(dict.fromkeys(question.strip() for question in questions))
    for question, number in zip(unique, assign(unique, contexts), strict=True):
        asked[number].append(question)
    order = sorted(range(len(contexts)), key=lambda number: number not in asked)
    return order, [asked.get(number, []) for number in order]


def _terms(text: str) -> list[str]:
    folded = text.casefold()
    words = [word[:_STEM] for word in _WORD.findall(_UNSPACED.sub(" ", folded)) if len(word) > 2 or word.isdigit()]
    return words + [one + other for run in _UNSPACED.findall(folded) for one, other in pairwise(run)]
