"""The rows that stay when there are more than wanted, by DEITA: the best by complexity x quality that are not alike."""

from collections.abc import Callable, Sequence

import numpy as np
from sqlalchemy import select

from app.db import reading, slices
from app.models import Sample
from workers.select import deita, paraphrases
from workers.select.candidates import Drop, Row


def surplus(tenant_id: str, rows: Sequence[Row], wanted: int | None, alive: Callable[[], None]) -> list[Drop]:
    """What DEITA leaves out. Raises NoEmbedder. A row without the two scores counts as the worst."""
    if len(rows) < 2:
        return []
    scores = _scores(rows)
    kept = set(deita.choose(np.array(scores), paraphrases.questions(tenant_id, rows, alive), wanted))
    why = "DEITA: a better row asks nearly the same, or {} rows were wanted" if wanted else "DEITA: like a better row"
    return [
        Drop(row.id, "surplus", f"{why.format(wanted)} (complexity x quality {scores[at]:g})")
        for at, row in enumerate(rows)
        if at not in kept
    ]


def _scores(rows: Sequence[Row]) -> list[float]:
    found: dict[int, float] = {}
    for some in slices([row.id for row in rows]):
        with reading() as session:
            for row_id, verdicts in session.execute(select(Sample.id, Sample.verdicts).where(Sample.id.in_(some))):
                by_name = {verdict["metric"]: verdict["score"] for verdict in verdicts}
                found[row_id] = by_name.get("complexity", 0.0) * by_name.get("quality", 0.0)
    return [found[row.id] for row in rows]
