"""How much shorter the summary is than the text."""

from app.domain import Sample
from workers.gates import Measured
from workers.gates.length import words
from workers.recipes.work import Work


async def measure(work: Work, row: Sample, *, ahead: int) -> Measured:
    said, of = words(row.answer), words(work.context.text)
    return {"compression": (round(said / max(1, of), 3), f"{said} of {of} words")}
