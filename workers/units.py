"""What became of units, written behind the fence: rows, counters, events, or another try."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import reduce
from typing import Any

import structlog
from sqlalchemy import Connection, and_, case, func, insert, select, tuple_, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from app.datasets.identity import content, identity
from app.db import slices, transaction
from app.models import Dataset, Event, Sample, Unit
from app.queue import ring, send
from app.settings import settings
from workers.claim import Claimed
from workers.recipes import Outcome

log = structlog.get_logger()

# As if it had never been claimed: no attempt is used up.
_UNCLAIMED: dict[str, Any] = {
    "status": "pending",
    "owner": None,
    "attempt": Unit.attempt - 1,
    "leased_at": None,
    "heartbeat_at": None,
}


@dataclass(frozen=True, slots=True)
class Finished:
    """What a unit's recipe gave. `replayed`: calls paid for before. `spent`: the budget ended in this unit."""

    unit: Claimed
    outcome: Outcome
    replayed: int
    spent: bool = False


def _mine(owner: str, *units: Claimed) -> Any:
    """Those of the units that nobody has taken over."""
    tries = tuple_(Unit.id, Unit.attempt).in_([(unit.id, unit.attempt) for unit in units])
    return and_(tries, Unit.owner == owner, Unit.status == "running")


def _generating(dataset_id: str) -> Any:
    """A dataset that was cancelled takes no more rows."""
    return select(Dataset.id).where(Dataset.id == dataset_id, Dataset.status == "generating").exists()


def finish(connection: Connection, owner: str, finished: Sequence[Finished]) -> bool:
    """Rows, counters and the end of units of one dataset, as far as they are still ours. True: the last one was there.

    When the budget ended in one of them, those that nobody has begun are given up.
    """
    unit = finished[0].unit
    mine = and_(_mine(owner, *(found.unit for found in finished)), _generating(unit.dataset_id))
    ended = update(Unit).where(mine).values(status="done", owner=None).returning(Unit.id, Unit.attempt)
    done = {(unit_id, attempt) for unit_id, attempt in connection.execute(ended)}
    ours = [found for found in finished if (found.unit.id, found.unit.attempt) in done]
    if lost := [found.unit for found in finished if (found.unit.id, found.unit.attempt) not in done]:
        # Taken over by another, or its dataset was stopped just now: then nobody else would give the unit back.
        connection.execute(update(Unit).where(_mine(owner, *lost)).values(**_UNCLAIMED))
    if not ours:
        return False
    if rows := [row for found in ours for row in _rows(found)]:
        connection.execute(insert(Sample), rows)
    given_up = _give_up(connection, unit) if any(found.spent for found in ours) else 0
    last = _count(
        connection,
        unit,
        done=len(ours),
        failed=given_up,
        accepted=sum(len(found.outcome.kept) for found in ours),
        dropped=Counter(row.reason for found in ours for row in found.outcome.dropped),
        replayed=sum(found.replayed for found in ours),
        repaired=reduce(added, (_repaired(found.outcome) for found in ours)),
    )
    # Events come after _count, which locks the dataset: so their ids are in the order in which they are committed.
    if given_up:
        _event(connection, unit, "budget.spent", "warn", f"the budget is spent; {given_up} units were not begun")
    return last


def _rows(found: Finished) -> list[dict[str, Any]]:
    rows = [_row(found.unit, "accepted", None, None, row) for row in found.outcome.kept]
    rows += [_row(found.unit, "dropped", row.reason, row.detail, row) for row in found.outcome.dropped]
    return [row | {"key": key} for key, row in enumerate(rows)]


def _repaired(outcome: Outcome) -> dict[str, dict[str, int]]:
    """Of the rows that are repairs: by the old reason, how many were tried and accepted."""
    found: dict[str, dict[str, int]] = {}
    for accepted, rows in ((1, outcome.kept), (0, outcome.dropped)):
        for row in rows:
            if reason := row.attributes.get("repaired_reason"):
                found = added(found, {reason: {"tried": 1, "accepted": accepted}})
    return found


def added(one: dict[str, dict[str, int]], other: dict[str, dict[str, int]]) -> dict[str, dict[str, int]]:
    """The sum of two tables of counts."""
    return {
        name: {key: one.get(name, {}).get(key, 0) + other.get(name, {}).get(key, 0) for key in ("tried", "accepted")}
        for name in sorted({*one, *other})
    }


def _give_up(connection: Connection, unit: Claimed) -> int:
    ended = connection.execute(
        update(Unit)
        .where(Unit.dataset_id == unit.dataset_id, Unit.status == "pending")
        .values(status="failed", reason="budget_spent")
        .returning(Unit.id)
    ).all()
    return len(ended)


def _row(unit: Claimed, state: str, reason: str | None, detail: str | None, row: Any) -> dict[str, Any]:
    return {
        "tenant_id": unit.tenant_id,
        "dataset_id": unit.dataset_id,
        "unit_id": unit.id,
        "context_id": unit.context.id,
        "state": state,
        "reason": reason,
        "detail": detail,
        "kind": row.kind,
        "evolution": row.evolution,
        "parent_question": row.parent_question,
        "question": row.question,
        "answer": row.answer,
        "attributes": row.attributes,
        "sources": [span.model_dump() for span in row.sources],
        "verdicts": [verdict.model_dump() for verdict in row.verdicts],
        "lineage": row.lineage,
        "identity": identity(row.question, row.answer, row.attributes, unit.documents),
        "content": content(row.answer, row.attributes),
    }


def _count(
    connection: Connection,
    unit: Claimed,
    *,
    done: int = 0,
    failed: int = 0,
    accepted: int = 0,
    dropped: Mapping[str, int] | None = None,
    replayed: int = 0,
    repaired: dict[str, dict[str, int]] | None = None,
) -> bool:
    """Add to the dataset's counters; when every unit has ended, move it on to the selection."""
    dataset = connection.execute(
        select(
            Dataset.dropped,
            Dataset.units_total,
            Dataset.units_done,
            Dataset.units_failed,
            Dataset.status,
            Dataset.repaired,
        )
        .where(Dataset.id == unit.dataset_id)
        .with_for_update()
    ).one()
    drops = dict(dataset.dropped)
    for reason, n in (dropped or {}).items():
        drops[reason] = drops.get(reason, 0) + n
    ended = dataset.units_done + dataset.units_failed + done + failed >= dataset.units_total
    select_now: bool = ended and dataset.status == "generating"
    connection.execute(
        update(Dataset)
        .where(Dataset.id == unit.dataset_id)
        .values(
            units_done=dataset.units_done + done,
            units_failed=dataset.units_failed + failed,
            accepted=Dataset.accepted + accepted,
            dropped=drops,
            repaired=added(dataset.repaired, repaired or {}),
            replayed_calls=Dataset.replayed_calls + replayed,
            version=Dataset.version + 1,
            status="selecting" if select_now else dataset.status,
            waiting=case((Dataset.status == "generating", None), else_=Dataset.waiting),
        )
    )
    if select_now:
        _event(connection, unit, "status.selecting", "info", "all units have ended; selecting rows")
    return select_now


def _event(connection: Connection, unit: Claimed, kind: str, level: str, message: str) -> None:
    connection.execute(
        insert(Event).values(
            tenant_id=unit.tenant_id,
            dataset_id=unit.dataset_id,
            type=kind,
            level=level,
            message=message,
            data={"unit_id": unit.id},
            created_at=datetime.now(UTC),
        )
    )


def retry_or_fail(connection: Connection, unit: Claimed, owner: str, reason: str) -> bool:
    """A recipe that raised: the unit is free again, or failed when its attempts are used up."""
    last = unit.attempt >= settings().unit_max_attempts
    values = {"status": "failed" if last else "pending", "owner": None, "leased_at": None, "heartbeat_at": None}
    changed = connection.execute(
        update(Unit).where(_mine(owner, unit)).values(**values, reason=reason).returning(Unit.id)
    ).scalar_one_or_none()
    if changed is None or not last:
        return False
    last_unit = _count(connection, unit, failed=1)
    _event(connection, unit, "unit.failed", "error", reason)
    return last_unit


def fail_dataset(connection: Connection, unit: Claimed, owner: str, code: str, detail: str) -> None:
    """No call of this dataset can succeed: end it with a typed error, and say so once."""
    changed = connection.execute(
        update(Dataset)
        .where(Dataset.id == unit.dataset_id, Dataset.status == "generating")
        .values(
            status="failed",
            error={"code": code, "message": detail, "param": "model"},
            finished_at=datetime.now(UTC),
            waiting=None,
            version=Dataset.version + 1,
        )
        .returning(Dataset.id)
    ).scalar_one_or_none()
    if changed is not None:
        _event(connection, unit, "status.failed", "error", detail)
    connection.execute(update(Unit).where(_mine(owner, unit)).values(status="pending", owner=None))


def release(owner: str, unit_ids: list[str]) -> None:
    """Give units back as if they had never been claimed: no attempt is used up."""
    with transaction() as session:
        for some in slices(unit_ids):
            session.execute(
                update(Unit)
                .where(Unit.id.in_(some), Unit.owner == owner, Unit.status == "running")
                .values(**_UNCLAIMED)
            )


def release_if_possible(owner: str, unit_ids: list[str]) -> None:
    """`release`, or nothing when the database is away: then the lease runs out by itself."""
    try:
        if unit_ids:
            release(owner, unit_ids)
    except SQLAlchemyError as error:
        log.warning("release.database_away", error=type(error).__name__)


def tell_waiting(dataset_ids: set[str], reason: str | None) -> None:
    """Say on the datasets what they wait for."""
    with transaction() as session:
        session.execute(
            update(Dataset)
            .where(
                Dataset.id.in_(dataset_ids),
                Dataset.status == "generating",
                func.coalesce(Dataset.waiting, "") != (reason or ""),
            )
            .values(waiting=reason, version=Dataset.version + 1)
        )


def ring_select(dataset_id: str) -> None:
    send("select", dataset_id)


def finish_stuck(session: Session) -> None:
    """A dataset whose units have all ended without one of them moving it on (the last was poisoned): move it on."""
    stuck = session.scalars(
        select(Dataset).where(
            Dataset.status == "generating",
            Dataset.units_total > 0,
            Dataset.units_done + Dataset.units_failed >= Dataset.units_total,
        )
    )
    for dataset in stuck:
        dataset.status = "selecting"
        dataset.version += 1
        ring(session, "select", dataset.id)
