"""Try dropped rows of one reason again: units of work beside the task's rounds, in a dataset that had ended."""

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app import catalog, ids
from app.datasets.schemas import DatasetRepair
from app.datasets.service import get, move
from app.errors import InvalidRequest, WrongState
from app.models import Dataset, Sample, Unit
from app.queue import ring

# Nothing is wrong with such a row itself, or there is no row: a new answer mends neither.
NOT_REPAIRABLE = {"duplicate", "surplus", "budget_spent", "no_gain"}
FIRST_ROUND = 1000  # the task's own rounds have lower numbers
ROWS_AT_ONCE = 16  # of one context, in one unit


def repair(session: Session, tenant_id: str, dataset_id: str, wanted: DatasetRepair) -> Dataset:
    """Plan one call for each of these rows, and set the dataset to work again. No row is tried twice.

    Raises NotFound, WrongState (it has not ended, or without its rows) or InvalidRequest (nothing there to repair).
    """
    dataset = get(session, tenant_id, dataset_id, lock=True)
    empty = dataset.status == "failed" and (dataset.error or {}).get("code") == "no_rows"
    if dataset.status != "succeeded" and not empty:
        raise WrongState(
            f"a dataset that is {dataset.status} cannot be repaired; wait until it has succeeded",
            headers={"x-should-retry": "false"},
        )
    if not catalog.TASKS[dataset.task].repairable:
        raise WrongState(f"rows of {dataset.task} cannot be repaired", headers={"x-should-retry": "false"})
    if dataset.sealed:
        raise WrongState(
            "another dataset was made of this one, so it stays as it is; repair the later one",
            headers={"x-should-retry": "false"},
        )
    rows = [] if wanted.reason in NOT_REPAIRABLE else _rows(session, dataset_id, wanted)
    if not rows:
        left = ", ".join(sorted(set(dataset.dropped) - NOT_REPAIRABLE)) or "none"
        message = f"reason: no row dropped for {wanted.reason!r} is left to repair; dropped here: {left}"
        raise InvalidRequest(message, param="reason", fields=[("/reason", message)])
    units = _add_units(session, dataset, rows)
    dataset.error, dataset.finished_at, dataset.shortfall = None, None, None
    message = f"repairing {len(rows)} rows dropped for {wanted.reason}"
    move(session, dataset, "generating", message, reason=wanted.reason, rows=len(rows), units=units)
    ring(session, "drain")
    return dataset


def _rows(session: Session, dataset_id: str, wanted: DatasetRepair) -> list[tuple[int, str]]:
    """(row, its context) of dropped rows with a question, that are no repair and have none."""
    planned = session.scalars(select(Unit.work).where(Unit.dataset_id == dataset_id, Unit.round >= FIRST_ROUND))
    tried = {row for work in planned if work for row in work["repair"]}
    query = (
        select(Sample.id, Sample.context_id, Sample.attributes)
        .where(
            Sample.dataset_id == dataset_id,
            Sample.state == "dropped",
            Sample.reason == wanted.reason,
            Sample.question != "",
        )
        .order_by(Sample.id)
    )
    found: list[tuple[int, str]] = []
    for row, context_id, attributes in session.execute(query):
        if row not in tried and not {"repaired_from", "choices"} & set(attributes):
            found.append((row, context_id))
            if len(found) == wanted.limit:
                break
    return found


def _add_units(session: Session, dataset: Dataset, rows: list[tuple[int, str]]) -> int:
    last = session.scalar(select(func.max(Unit.round)).where(Unit.dataset_id == dataset.id)) or 0
    first = max(FIRST_ROUND, last + 1)
    by_context: dict[str, list[int]] = {}
    for row, context_id in rows:
        by_context.setdefault(context_id, []).append(row)
    added = 0
    for context_id, found in by_context.items():
        for i in range(0, len(found), ROWS_AT_ONCE):
            session.add(
                Unit(
                    id=ids.new("unt"),
                    tenant_id=dataset.tenant_id,
                    dataset_id=dataset.id,
                    context_id=context_id,
                    round=first + i // ROWS_AT_ONCE,
                    position=dataset.units_total + added,
                    work={"repair": found[i : i + ROWS_AT_ONCE]},
                )
            )
            added += 1
    dataset.units_total += added
    return added
