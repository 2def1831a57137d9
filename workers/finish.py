"""When all units have ended: drop repeated rows, keep as many as were wanted, split, or plan another round."""

import hashlib
from collections import Counter

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from app.datasets import service as datasets
from app.db import reading, slices, transaction
from app.models import Context, Dataset, Sample, Unit
from app.queue import ring
from app.settings import settings
from workers import lease, plan
from workers.select import duplicates

NEAR_COPY = 0.85
MAX_ROUNDS = 4  # over the same contexts; after that a shortfall is explained and not chased


def run(dataset_id: str) -> None:
    """Select, under a lease; nothing happens unless the dataset is selecting."""
    owner = lease.new_owner()
    with transaction() as session:
        dataset = session.get(Dataset, dataset_id)
        if dataset is None or dataset.status != "selecting":
            return
        attempt = lease.take(session, Dataset, dataset_id, owner)
        if attempt is None:
            return
        if attempt > settings().unit_max_attempts:
            datasets.fail(session, dataset, "selection_failed", f"it ended without a result {attempt - 1} times")
            return
    with lease.heartbeat(Dataset, dataset_id, owner):
        drops = _copies(dataset_id)
        with transaction() as session:
            if lease.still_mine(session, Dataset, dataset_id, owner, attempt):
                dataset = session.get_one(Dataset, dataset_id, with_for_update=True)
                dataset.owner, dataset.attempt = None, 0  # the next round's selection is other work
                if dataset.status == "selecting":
                    _finish(session, dataset, drops)


def _copies(dataset_id: str) -> list[tuple[int, str]]:
    """(row, detail) of rows that repeat an earlier one: one of an earlier context, not one made sooner."""
    with reading() as session:
        rows = session.execute(
            select(Sample.id, Sample.question, Sample.answer)
            .join(Unit, Unit.id == Sample.unit_id)
            .where(Sample.dataset_id == dataset_id, Sample.state == "accepted")
            .order_by(Unit.position, Sample.key)
        ).all()
    texts = ((row.id, f"{row.question} {row.answer}") for row in rows)
    return [
        (row, f"repeats row {other} (similarity {similarity:g})")
        for row, other, similarity in duplicates.repeated(texts, NEAR_COPY)
    ]


def _finish(session: Session, dataset: Dataset, copies: list[tuple[int, str]]) -> None:
    for row, detail in copies:
        _drop(session, row, "duplicate", detail)
    dropped = Counter(dataset.dropped)
    dropped["duplicate"] += len(copies)
    accepted = dataset.accepted - len(copies)
    wanted = dataset.spec.get("rows")
    if wanted and accepted > wanted:
        surplus = _surplus(session, dataset.id, accepted - wanted)
        for row in surplus:
            _drop(session, row, "surplus", f"{wanted} rows were wanted")
        dropped["surplus"] += len(surplus)
        accepted = wanted
    dataset.accepted, dataset.dropped = accepted, {reason: n for reason, n in dropped.items() if n}
    if wanted and accepted < wanted and _another_round(session, dataset, wanted - accepted):
        return
    _split(session, dataset)
    if (wanted and accepted < wanted) or _budget_spent(dataset):
        dataset.shortfall = _why_short(dataset, wanted)
    if accepted == 0:
        reasons = ", ".join(f"{reason}: {n}" for reason, n in dropped.most_common(5)) or "no unit gave a row"
        datasets.fail(session, dataset, "no_rows", f"no row passed the gates ({reasons})")
        return
    datasets.move(session, dataset, "succeeded", f"{accepted} rows accepted", dropped=dataset.dropped)


def _drop(session: Session, row: int, reason: str, detail: str) -> None:
    session.execute(update(Sample).where(Sample.id == row).values(state="dropped", reason=reason, detail=detail))


def _surplus(session: Session, dataset_id: str, count: int) -> list[int]:
    """The rows that can best be spared: from contexts that have the most rows, the latest there first."""
    rows = session.execute(
        select(Sample.id, Sample.context_id)
        .join(Unit, Unit.id == Sample.unit_id)
        .where(Sample.dataset_id == dataset_id, Sample.state == "accepted")
        .order_by(Unit.position, Sample.key)
    ).all()
    rank: Counter[str] = Counter()
    ranked = []
    for order, (row, context_id) in enumerate(rows):
        rank[context_id] += 1
        ranked.append((rank[context_id], order, row))
    ranked.sort(reverse=True)
    return [row for _, _, row in ranked[:count]]


def _another_round(session: Session, dataset: Dataset, missing: int) -> bool:
    """Plan units for the least used contexts, if the budget and the number of rounds allow it."""
    if not dataset.units_done or _budget_spent(dataset):
        return False
    rounds = session.scalar(select(func.max(Unit.round)).where(Unit.dataset_id == dataset.id)) or 0
    yielded = dataset.accepted / dataset.units_done
    limit = max(1, round(missing / max(yielded, 0.2) * 1.2))
    fresh = _unused_contexts(session, dataset.id)
    if rounds + 1 >= MAX_ROUNDS and not fresh:
        return False
    added = plan.add_units(session, dataset, min(limit, fresh) if fresh else limit)
    dataset.round += 1
    session.refresh(dataset, ["units_total"])
    datasets.move(session, dataset, "generating", f"{missing} rows short: {added} more units planned", missing=missing)
    ring(session, "drain")
    return True


def _unused_contexts(session: Session, dataset_id: str) -> int:
    used = select(Unit.context_id).where(Unit.dataset_id == dataset_id)
    query = select(func.count()).where(Context.dataset_id == dataset_id, Context.id.not_in(used))
    return session.scalar(query) or 0


def _budget_spent(dataset: Dataset) -> bool:
    budget = dataset.spec.get("budget") or {}
    tokens = dataset.prompt_tokens + dataset.completion_tokens
    return bool(
        dataset.dropped.get("budget_spent")
        or (budget.get("max_calls") and dataset.calls >= budget["max_calls"])
        or (budget.get("max_tokens_total") and tokens >= budget["max_tokens_total"])
    )


def _split(session: Session, dataset: Dataset) -> None:
    """Hold out a share of the contexts, whole, so that no row of training shares its text with validation."""
    contexts = session.scalars(
        select(Sample.context_id).where(Sample.dataset_id == dataset.id, Sample.state == "accepted").distinct()
    ).all()
    order = _by_content(session, dataset, list(contexts))
    held_out = order[: int(len(order) * dataset.spec["validation_share"])]
    mine = (Sample.dataset_id == dataset.id, Sample.state == "accepted")
    session.execute(update(Sample).where(*mine).values(split="train"))
    for some in slices(held_out):
        session.execute(update(Sample).where(*mine, Sample.context_id.in_(some)).values(split="validation"))


def _by_content(session: Session, dataset: Dataset, context_ids: list[str]) -> list[str]:
    """In an order that depends on the seed and on what the contexts hold, not on their random ids."""
    rows = session.execute(select(Context.id, Context.chunk_ids).where(Context.dataset_id == dataset.id))
    chunks = {context_id: ",".join(chunk_ids) for context_id, chunk_ids in rows}
    seed = dataset.spec["seed"]
    return sorted(context_ids, key=lambda found: hashlib.sha256(f"{seed}|{chunks[found]}".encode()).digest())


def _why_short(dataset: Dataset, wanted: int | None) -> str:
    top = ", ".join(f"{n} {reason}" for reason, n in Counter(dataset.dropped).most_common(4))
    why = "the budget is spent" if _budget_spent(dataset) else "every context was used as often as is useful"
    of = f" of {wanted}" if wanted else ""
    return f"{dataset.accepted}{of} rows: {why}; {dataset.units_failed} units failed; dropped: {top or 'none'}"
