"""How many of the values that a model gave stand in the text; those that must not stand there do not count."""

from app.domain import Sample
from workers.gates import Measured
from workers.recipes.work import Work


async def measure(work: Work, row: Sample, *, ahead: int) -> Measured:
    there, not_there = row.attributes["located"], row.attributes["dropped_values"]
    total = len(there) + len(not_there)
    why = ", ".join(f"{pointer} {value!r}" for pointer, value in not_there.items())
    share = round(len(there) / total, 3) if total else 1.0
    return {"located": (share, f"dropped: {why[:250]}" if why else "every value stands in the text")}
