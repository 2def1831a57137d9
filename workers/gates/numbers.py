"""The share of the answer's numbers that stand in the context or in the question, however they are written there.

4,200 and 4 200 are 4200, 07:40 is 7:40, 12.50 is 12.5: that is another way of writing, and no other number.
"""

import re
from functools import lru_cache

from app.domain import Sample
from workers.gates import Measured
from workers.recipes.work import Work

NUMBER = re.compile(r"\d+(?:[.,:]\d+)*")
_SPACED = re.compile(r"(?<![\d.,:])\d{1,3}(?:[ \u00a0\u202f'’]\d{3})+(?!\d)")  # or two numbers, one after the other
_DECIMAL = re.compile(r"\d+\.\d+")
_LEADING_ZEROS = re.compile(r"^0+(?=\d)")
_DIGIT, _NO_DIGIT = re.compile(r"\d"), re.compile(r"\D")
_GROUPED = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?")


async def measure(work: Work, row: Sample, *, ahead: int) -> Measured:
    asked = "" if "request" in row.attributes else row.question  # what it asks of the text has numbers of its own
    share = supported_numbers(row.answer, work.context.text, asked)
    return {"numbers": (share, "of the answer's numbers stand in the context")}


def supported_numbers(answer: str, *texts: str) -> float:
    """0..1: the share of the numbers in `answer` that stand in one of `texts`; 1 when it has none."""
    if not _DIGIT.search(answer):
        return 1.0
    known = frozenset().union(*map(_known, texts))
    said = _SPACED.sub(lambda found: _joined(found[0]) if _joined(found[0]) in known else found[0], answer)
    given = [plain(number) for number in NUMBER.findall(said)]
    return round(sum(number in known for number in given) / len(given), 3) if given else 1.0


def numbers(text: str) -> set[str]:
    """All numbers of a text, each in its plainest way of writing."""
    return {plain(number) for number in NUMBER.findall(text)}


@lru_cache(maxsize=128)
def _known(text: str) -> frozenset[str]:
    """The same and those that are written with spaces. Many rows are made of one context."""
    return frozenset(numbers(text)) | frozenset(map(_joined, _SPACED.findall(text)))


def plain(number: str) -> str:
    """Without commas that only group digits, and without zeros that change nothing."""
    if not number.isdigit():
        if _GROUPED.fullmatch(number):
            number = number.replace(",", "")
        if _DECIMAL.fullmatch(number):
            number = number.rstrip("0").rstrip(".")
    return _LEADING_ZEROS.sub("", number) if number.startswith("0") else number


def _joined(spaced: str) -> str:
    return _NO_DIGIT.sub("", spaced)
