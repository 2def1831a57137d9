"""How long an answer is, measured by the length that was asked for: 1 is exactly that long, and shorter is less."""

from app.coverage.sentences import split
from app.domain import Sample
from workers.gates import Measured
from workers.gates.length import words
from workers.recipes.work import Work


async def measure(work: Work, row: Sample, *, ahead: int) -> Measured:
    limit = row.attributes.get("limit")
    if not limit:
        return {}
    count = words(row.answer) if limit["unit"] == "words" else len(split(row.answer))
    why = f"{count} {limit['unit']}, at most {limit['most']} were asked for"
    return {"asked_length": (round(count / limit["most"], 3), why)}
