"""How many words question and answer have. Scripts without spaces are counted by signs, two for a word."""

import re

from app.domain import Sample
from workers.gates import Measured
from workers.recipes.work import Work

_SIGN = "\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\u0e00-\u0eff"  # Japanese, Chinese, Thai and Lao
_SIGNS = re.compile(f"[{_SIGN}]")
_WORD = re.compile(rf"(?:(?![{_SIGN}])\w)+")


async def measure(work: Work, row: Sample, *, ahead: int) -> Measured:
    return {
        "length": (float(words(row.answer)), "words in the answer"),
        "question_length": (float(words(row.question)), "words in the question"),
    }


def words(text: str) -> int:
    signs = len(_SIGNS.findall(text))
    return len(_WORD.findall(text)) + -(-signs // 2)
