"""The share of the answer's numbers that stand in the context or in the question."""

import re

from app.domain import Sample
from workers.gates import Measured
from workers.recipes.work import Work

NUMBER = re.compile(r"\d+(?:[.,:]\d+)*")


async def measure(work: Work, row: Sample, *, ahead: int) -> Measured:
    asked = "" if "request" in row.attributes else row.question  # what it asks of the text has numbers of its own
    share = supported_numbers(row.answer, f"{work.context.text} {asked}")
    return {"numbers": (share, "of the answer's numbers stand in the context")}


def supported_numbers(answer: str, text: str) -> float:
    """0..1: the share of the numbers in `answer` that stand in `text`; 1 when it has none."""
    numbers = NUMBER.findall(answer)
    known = set(NUMBER.findall(text))
    return round(sum(number in known for number in numbers) / len(numbers), 3) if numbers else 1.0
