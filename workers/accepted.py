"""A dataset's accepted rows in the order of their contexts, some hundred units at a time, so memory stays small.

The order depends on what was generated and not on when, so the same rows always come in the same order.
"""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import select

from app.db import reading
from app.models import Sample, Unit

UNITS_AT_ONCE = 200


def pages(dataset_id: str, *columns: Any) -> Iterator[list[Any]]:
    """Lists of rows with these columns of Sample, and `unit_id` and `key` in front. A list may be empty."""
    place = -1
    while True:
        page = (
            select(Unit.id, Unit.position)
            .where(Unit.dataset_id == dataset_id, Unit.position > place)
            .order_by(Unit.position)
            .limit(UNITS_AT_ONCE)
        )
        with reading() as session:
            places = {unit_id: position for unit_id, position in session.execute(page)}
            rows = session.execute(
                select(Sample.unit_id, Sample.key, *columns).where(
                    Sample.unit_id.in_(places), Sample.state == "accepted"
                )
            ).all()
        yield sorted(rows, key=lambda row: (places[row.unit_id], row.key))
        if len(places) < UNITS_AT_ONCE:
            return
        place = max(places.values())
