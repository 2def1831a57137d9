"""Plan a dataset: wait for its documents, make contexts of them, lay out the units of the first round."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime

from sqlalchemy import func, insert, select, update
from sqlalchemy.orm import Session

from app import catalog, ids
from app.datasets import service as datasets
from app.db import reading, transaction
from app.llm.asking import ModelUnusable
from app.models import Context, Dataset, Document, Unit
from app.queue import ring
from app.settings import settings
from workers import (
    contexts,
    databases,
    graphs,
    instructions,
    labels,
    lease,
    packing,
    planning,
    prompt_sources,
    toolsets,
)
from workers.contexts import first_units
from workers.imported import plan as plan_rows
from workers.layout import Layout, Unusable
from workers.mixing import run as mix
from workers.places import assign, digests

Source = Callable[[Dataset, list[Document], threading.Event], Layout]
SOURCES: dict[str, Source] = {
    "documents": contexts.plan,
    "instructions": instructions.plan,
    "database": databases.plan,
    "graph": graphs.plan,
    "labels": labels.plan,
    "packs": packing.plan,
    "prompts": prompt_sources.plan,
    "tools": toolsets.plan,
    "rows": plan_rows,
}


def run(dataset_id: str) -> None:
    """Plan the dataset if it waits for that and its documents are parsed; else say what it waits for."""
    owner = lease.new_owner()
    with transaction() as session:
        dataset = session.get(Dataset, dataset_id)
        if dataset is None or dataset.status != "validating" or _waits_for_documents(session, dataset):
            return
        attempt = lease.take(session, Dataset, dataset_id, owner)
        if attempt is None:
            return
        if attempt > settings().unit_max_attempts:
            datasets.fail(session, dataset, "planning_failed", f"planning ended without a result {attempt - 1} times")
            return
    with lease.heartbeat(Dataset, dataset_id, owner) as lost:
        try:
            if catalog.TASKS[dataset.task].source == "datasets":
                mix(dataset_id, owner, attempt, lost)
            else:
                _plan(dataset_id, owner, attempt, lost)
        except planning.Stopped:
            _give_back(dataset_id, owner, attempt, again=False)
        except planning.Later as later:
            _give_back(dataset_id, owner, attempt, again=later.waiting is None, waiting=later.waiting)
        except ModelUnusable as failure:
            _fail(dataset_id, owner, attempt, failure.code, failure.detail, "model")
        except Unusable as failure:
            _fail(dataset_id, owner, attempt, failure.code, failure.detail, "corpus_id")


def _fail(dataset_id: str, owner: str, attempt: int, code: str, detail: str, param: str) -> None:
    with transaction() as session:
        if lease.still_mine(session, Dataset, dataset_id, owner, attempt):
            dataset = session.get_one(Dataset, dataset_id)
            dataset.owner, dataset.attempt = None, 0
            datasets.fail(session, dataset, code, detail, param=param)


def _waits_for_documents(session: Session, dataset: Dataset) -> bool:
    own = [] if catalog.TASKS[dataset.task].source == "datasets" else [dataset.corpus_id]
    corpora = [*own, *dataset.spec.get("selection", {}).get("decontaminate", ())]
    query = select(func.count()).where(
        Document.corpus_id.in_(corpora), Document.status == "pending", ~Document.replaced
    )
    pending = session.scalar(query) or 0
    waiting = f"{pending} documents are still being parsed" if pending else None
    if waiting is None and (dataset.waiting or "").startswith(planning.WAITING):
        waiting = dataset.waiting  # until that server has answered
    if dataset.waiting != waiting:
        dataset.waiting = waiting
        dataset.version += 1
    if pending:
        ring(session, "parse")
    return pending > 0


def _give_back(dataset_id: str, owner: str, attempt: int, *, again: bool, waiting: str | None = None) -> None:
    """Release the lease as if planning had not begun: no attempt is used up. `again`: ring, others may go first.

    While a model server is away nobody rings; the sweep asks again.
    """
    with transaction() as session:
        if not lease.still_mine(session, Dataset, dataset_id, owner, attempt):
            return
        dataset = session.get_one(Dataset, dataset_id)
        dataset.owner, dataset.attempt = None, attempt - 1
        if waiting and dataset.status == "validating" and dataset.waiting != waiting:
            dataset.waiting = waiting
            dataset.version += 1
        if again:
            ring(session, "plan", dataset_id)


def _plan(dataset_id: str, owner: str, attempt: int, lost: threading.Event) -> None:
    with reading() as session:
        dataset = session.get_one(Dataset, dataset_id)
        documents = list(
            session.scalars(
                select(Document)
                .where(Document.corpus_id == dataset.corpus_id, Document.status == "parsed", ~Document.replaced)
                .order_by(Document.name, Document.id)
            )
        )
    source = SOURCES[catalog.TASKS[dataset.task].source]
    layout = source(dataset, documents, lost)
    with transaction() as session:
        if not lease.still_mine(session, Dataset, dataset_id, owner, attempt):
            return
        dataset = session.get_one(Dataset, dataset_id)
        dataset.owner, dataset.attempt = None, 0  # the selection is other work, with attempts of its own
        if dataset.status != "validating":  # cancelled meanwhile
            return
        for fault in layout.left_out:
            datasets.record(session, dataset, "planning.left_out", fault, level="warn")
        if not layout.groups:
            nothing = "no document of the corpus has text to ask about"
            datasets.fail(session, dataset, "no_usable_content", layout.left_out[0] if layout.left_out else nothing)
            return
        # All calls so far were the planning's: those it made and did not pay for came from the ledger.
        dataset.replayed_calls += max(0, layout.counts.get("weighing_calls", 0) - dataset.calls)
        _store(session, dataset, layout, len(documents))


def _store(session: Session, dataset: Dataset, layout: Layout, documents: int) -> None:
    wanted_language = dataset.spec.get("language")
    held = digests(session, layout)
    rows = [
        {
            "id": ids.new("ctx"),
            "tenant_id": dataset.tenant_id,
            "dataset_id": dataset.id,
            "position": position,
            "chunk_ids": list(found.chunk_ids),
            "quality": found.quality,
            "language": wanted_language or layout.languages[found.seed],
            "sha256": held[position],
            "seed_questions": layout.questions.get(position) or None,
        }
        for position, found in enumerate(layout.groups)
    ]
    session.execute(insert(Context), rows)
    if layout.options:
        dataset.spec = dataset.spec | {"options": dataset.spec["options"] | layout.options}
        found = "; ".join(f"{name}: {', '.join(map(str, value))}" for name, value in layout.options.items())
        datasets.record(session, dataset, "planning.options", f"found in the documents: {found}")
    limit = first_units(dataset)
    add_units(session, dataset, max(limit, len(layout.questions)) if limit else None)
    message = f"planned {dataset.units_total} of {len(rows)} contexts from {layout.counts['chunks']} chunks"
    reasons = ("below_quality", "over_document_cap", "too_few_chunks", "repeated", "unweighed")
    left_out = [f"{name.replace('_', ' ')} {layout.counts[name]}" for name in reasons if layout.counts.get(name)]
    if left_out:
        message += f"; begin none: {', '.join(left_out)}"
    datasets.move(session, dataset, "generating", message, contexts=len(rows), documents=documents, **layout.counts)
    dataset.waiting = None
    dataset.started_at = datetime.now(UTC)
    ring(session, "drain")


def add_units(session: Session, dataset: Dataset, limit: int | None) -> int:
    """A new round over up to `limit` contexts, those with the fewest rounds so far first. Returns how many."""
    rounds = (
        select(Unit.context_id, func.count().label("n")).where(Unit.dataset_id == dataset.id).group_by(Unit.context_id)
    )
    done = rounds.subquery()
    count = func.coalesce(done.c.n, 0)
    query = (
        select(Context.id, Context.sha256, count)
        .outerjoin(done, done.c.context_id == Context.id)
        .where(Context.dataset_id == dataset.id)
        .order_by(count, Context.position)
    )
    found = session.execute(query.limit(limit) if limit else query).all()
    start = dataset.units_total
    placed = assign(session, dataset, [(sha256, round_) for _, sha256, round_ in found], start)
    rows = [
        {
            "id": ids.new("unt"),
            "tenant_id": dataset.tenant_id,
            "dataset_id": dataset.id,
            "context_id": context_id,
            "round": round_,
            "position": start + i,
            "place": placed[i],
            "status": "pending",
        }
        for i, (context_id, _, round_) in enumerate(found)
    ]
    if rows:
        session.execute(insert(Unit), rows)
    session.execute(update(Dataset).where(Dataset.id == dataset.id).values(units_total=start + len(rows)))
    return len(rows)
