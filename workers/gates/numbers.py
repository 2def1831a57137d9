"""The share of the answer's numbers that stand in the context or in the question, however they are written there.

4,200 and 4 200 are 4200, 07:40 is 7:40, 12.50 is 12.5: that is another way of writing, and no other number.
"""

import re

from app.domain import Sample
from workers.gates import Measured
from workers.recipes.work import Work

NUMBER = re.compile(r"\d+(?:[.,:]\d+)*")
_SPACED = re.compile(r"(?<![\d.,:])\d{1,3}(?:[ \u00a0\u202f'’]\d{3})+(?!\d)")  # or two numbers, one after the other
_GROUPED = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?")


async def measure(work: Work, row: Sample, *, ahead: int) -> Measured:
    asked = "" if "request" in row.attributes else row.question  # what it asks of the text has numbers of its own
    share = supported_numbers(row.answer, f"{work.context.text} {asked}")
    return {"numbers": (share, "of the answer's numbers stand in the context")}


def supported_numbers(answer: str, text: str) -> float:
    """0..1: the share of the numbers in `answer` that stand in `text`; 1 when it has none."""
    known = numbers(text) | {_joined(found) for found in _SPACED.findall(text)}
    said = _SPACED.sub(lambda found: _joined(found[0]) if _joined(found[0]) in known else found[0], answer)
    given = [plain(number) for number in NUMBER.findall(said)]
    return round(sum(number in known for number in given) / len(given), 3) if given else 1.0


def numbers(text: str) -> set[str]:
    """All numbers of a text, each in its plainest way of writing."""
    return {plain(number) for number in NUMBER.findall(text)}


def plain(number: str) -> str:
    """Without commas that only group digits, and without zeros that change nothing."""
    if _GROUPED.fullmatch(number):
        number = number.replace(",", "")
    if re.fullmatch(r"\d+\.\d+", number):
        number = number.rstrip("0").rstrip(".")
    return re.sub(r"^0+(?=\d)", "", number)


def _joined(spaced: str) -> str:
    return re.sub(r"\D", "", spaced)
