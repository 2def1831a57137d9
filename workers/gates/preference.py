"""What both rankings say of a pair: how sure the preference is, and whether the chosen answer can be trusted."""

from app.domain import Sample
from workers.gates import Measured
from workers.recipes.work import Work


async def measure(work: Work, row: Sample, *, ahead: int) -> Measured:
    one, other = row.attributes["margins"]
    return {
        "margin": (min(one, other), f"{one:g} points in one order, {other:g} in the other"),
        "chosen_faithfulness": (float(row.attributes["faithfulness"]["chosen"]), "the lower of the two orders"),
    }
