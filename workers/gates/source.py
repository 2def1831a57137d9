"""How well the answer's quotes were found in the stored text: the worst of them counts; a missing one is 0."""

from app.domain import Sample
from workers.gates import Measured
from workers.recipes.work import Work


async def measure(work: Work, row: Sample, *, ahead: int) -> Measured:
    missing = row.attributes.get("unlocated_quotes", [])
    if missing or not row.sources:
        return {"source": (0.0, f"quote: {missing[0][:200] if missing else ''}")}
    worst = min(row.sources, key=lambda span: span.score)
    return {"source": (worst.score, f"quote: {worst.quote[:200]}")}
