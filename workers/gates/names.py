"""The share of the answer's names that stand in the context: capitals within a sentence, acronyms.

A name stands there if each of its words does, whatever its ending: languages inflect.
"""

import re
from collections.abc import Iterable

from rapidfuzz import fuzz

from app.domain import Sample
from workers.gates import Measured
from workers.grouping.entities import names
from workers.recipes.work import Work

STEM = 4  # letters in common at the beginning: "Norway" and "Norwegian"
_WORD = re.compile(r"[^\W\d_]+(?:[-’'][^\W\d_]+)*")


async def measure(work: Work, row: Sample, *, ahead: int) -> Measured:
    share, missing = supported_names(row.answer, work.context.text, work.context.language)
    return {"names": (share, f"not in the text: {', '.join(missing)[:200]}" if missing else "all names stand there")}


def supported_names(answer: str, text: str, language: str) -> tuple[float, list[str]]:
    """(0..1: the share of the names in `answer` that stand in `text`, 1 when it has none; those that do not)."""
    found = list(dict.fromkeys(names(answer, language)))
    known = {word.casefold() for word in _WORD.findall(text)}
    missing = [
        name
        for name in found
        if not all(_stands(word.casefold(), known) for word in _WORD.findall(name) if not word.islower())
    ]
    return (round(1 - len(missing) / len(found), 3) if found else 1.0), missing


def _stands(word: str, known: Iterable[str]) -> bool:
    if word in known or len(word) < STEM:
        return word in known
    return any(other.startswith(word[:STEM]) or fuzz.ratio(word, other, score_cutoff=80) for other in known)
