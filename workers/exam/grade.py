"""How right an answer is by its reference: exact match and F1 as SQuAD reckons them (arXiv 1606.05250), and ROUGE-L.

Words are compared in lower case without punctuation; English articles do not count. Numbers keep their points.
"""

import re
import unicodedata
from collections import Counter

from app.exams.records import Metric
from workers.steps.eliminate import rouge_l

_WORD = re.compile(r"\d+(?:[.,:]\d+)*|[^\W\d_]+(?:['’][^\W\d_]+)*")
_ARTICLES = frozenset({"a", "an", "the"})
_NO_SPACES = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]")


def tokens(text: str) -> list[str]:
    """Words that count; each Chinese character and kana is one."""
    found: list[str] = []
    for word in _WORD.findall(unicodedata.normalize("NFKC", text).lower()):
        if _NO_SPACES.search(word):
            found += word
        elif word not in _ARTICLES:
            found.append(word)
    return found


def exact_match(answer: str, reference: str) -> float:
    """1 when both have the same words in the same order, else 0."""
    return float(tokens(answer) == tokens(reference))


def f1(answer: str, reference: str) -> float:
    """The harmonic mean of precision and recall of the reference's words, 0 to 1."""
    said, wanted = Counter(tokens(answer)), Counter(tokens(reference))
    if not said or not wanted:
        return float(said == wanted)
    common = sum((said & wanted).values())
    if not common:
        return 0.0
    precision, recall = common / sum(said.values()), common / sum(wanted.values())
    return 2 * precision * recall / (precision + recall)


def by_reference(answer: str, reference: str) -> dict[Metric, float]:
    """All of them, each 0 to 1."""
    return {
        "exact_match": exact_match(answer, reference),
        "f1": f1(answer, reference),
        "rouge_l": rouge_l(answer, reference),
    }
