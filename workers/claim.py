"""Claim free units under a lease, with all that their recipes need."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import and_, func, or_, select, update
from sqlalchemy.orm import Session

from app import catalog, domain
from app.db import db_now, is_postgres, reading, slices, transaction
from app.models import Chunk, Context, Dataset, Document, Event, Sample, Unit
from app.prompts import LANGUAGES
from app.settings import settings
from workers import lease


@dataclass(slots=True)
class Claimed:
    """A unit that is ours, with all its recipe needs. `left`: units from this one to the dataset's last.

    `place`: the number that shares of the dataset are apportioned by.
    """

    id: str
    tenant_id: str
    dataset_id: str
    attempt: int
    position: int
    place: int
    left: int
    task: str
    spec: dict[str, Any]
    context: domain.Context
    language: str
    seed: str
    avoid: tuple[str, ...]
    seeds: tuple[str, ...]
    calls: int
    tokens: int
    round: int = 0
    rejects: tuple[domain.Dropped, ...] = ()
    has_asked: bool = False

    @property
    def documents(self) -> set[str]:
        """The names of the documents that its rows are about: none for rows that were only uploaded in one."""
        if catalog.TASKS[self.task].source == "rows":
            return set()
        return {chunk.document_name for chunk in self.context.chunks}

    def asked(self) -> None:
        self.has_asked = True


def claim(owner: str, *, limit: int, tail: int) -> list[Claimed]:
    """Up to `limit` free units of generating datasets, depth first; a dataset's last `tail` units come all at once.

    Datasets share: each gives its first units before any gives more. A unit whose attempts are used up is failed here.
    """
    with transaction() as session:
        rows = _lock_free(session, limit, tail)
        taken: list[tuple[str, int]] = []
        for unit in rows:
            if unit.attempt >= settings().unit_max_attempts:
                _poisoned(session, unit)
            else:
                taken.append((unit.id, unit.attempt + 1))
        if taken:
            session.execute(
                update(Unit)
                .where(Unit.id.in_([unit_id for unit_id, _ in taken]))
                .values(status="running", owner=owner, attempt=Unit.attempt + 1, leased_at=db_now(), heartbeat_at=None)
            )
    if not taken:
        return []
    with reading() as session:
        return _load(session, dict(taken))


def _lock_free(session: Session, limit: int, tail: int) -> list[Unit]:
    free = or_(Unit.status == "pending", and_(Unit.status == "running", lease.is_free(Unit)))
    datasets = session.scalars(
        select(Dataset).where(Dataset.status == "generating").order_by(Dataset.created_at).limit(50)
    ).all()
    found: list[Unit] = []
    for dataset in datasets:
        share = min(max(1, limit // len(datasets)), _affordable(session, dataset))
        if share == 0:
            continue
        query = select(Unit).where(Unit.dataset_id == dataset.id, free).order_by(Unit.position)
        # The tail is taken whole, or two workers would each run a few long chains at the end.
        first_of_tail = max(0, dataset.units_total - tail)
        bounded = query.limit(share)
        rows = list(session.scalars(bounded.with_for_update(skip_locked=True) if is_postgres(session) else bounded))
        if rows and rows[-1].position >= first_of_tail and len(rows) == share:
            more = query.where(Unit.position > rows[-1].position).limit(tail)
            rows += session.scalars(more.with_for_update(skip_locked=True) if is_postgres(session) else more)
        found += rows
    return found


def _affordable(session: Session, dataset: Dataset) -> int:
    """How many more units the budget can carry to their end, so that it is not spent on many that are half done."""
    budget = dataset.spec["budget"]
    if budget["max_calls"] is None and budget["max_tokens_total"] is None:
        return dataset.units_total
    running = session.scalar(
        select(func.count()).where(Unit.dataset_id == dataset.id, Unit.status == "running", ~lease.is_free(Unit))
    )
    task = catalog.TASKS[dataset.task]
    room = [dataset.units_total]
    if budget["max_calls"] is not None:
        cost = task.calls(dataset.spec["options"], dataset.spec["gates"], catalog.METRICS.entries)
        room.append((budget["max_calls"] - dataset.calls) // max(1, cost))
    if budget["max_tokens_total"] is not None:
        tokens = dataset.prompt_tokens + dataset.completion_tokens
        # Before a unit is done nobody knows what one costs: begin with a few.
        room.append(
            (budget["max_tokens_total"] - tokens) * dataset.units_done // max(tokens, 1) if dataset.units_done else 4
        )
    # At least one at a time: the last one runs into the limit, and that ends the dataset.
    return max(min(room) - (running or 0), 0 if running else 1)


def _poisoned(session: Session, unit: Unit) -> None:
    unit.status, unit.owner = "failed", None
    unit.reason = f"worker_lost: {unit.attempt} attempts ended without a result"
    session.execute(
        update(Dataset)
        .where(Dataset.id == unit.dataset_id)
        .values(units_failed=Dataset.units_failed + 1, version=Dataset.version + 1)
    )
    session.add(
        Event(
            tenant_id=unit.tenant_id,
            dataset_id=unit.dataset_id,
            type="unit.failed",
            level="error",
            message=unit.reason,
            data={"unit_id": unit.id},
        )
    )


def _load(session: Session, taken: dict[str, int]) -> list[Claimed]:
    rows = session.execute(
        select(Unit, Context)
        .join(Context, Context.id == Unit.context_id)
        .where(Unit.id.in_(taken))
        .order_by(Unit.position)
    ).all()
    # By themselves and not in each row: what was asked for may be long (a thousand questions of the user's own).
    wanted = {unit.dataset_id for unit, _ in rows}
    datasets = {dataset.id: dataset for dataset in session.scalars(select(Dataset).where(Dataset.id.in_(wanted)))}
    chunk_ids = {chunk_id for _, context in rows for chunk_id in context.chunk_ids}
    chunks = chunks_of(session, chunk_ids)
    later = [unit.context_id for unit, _ in rows if unit.round > 0]
    asked = _asked(session, later) if later else {}
    rejects = _rejects(session, [row for unit, _ in rows for row in (unit.work or {}).get("repair", ())])
    found = []
    for unit, context in rows:
        dataset = datasets[unit.dataset_id]
        found.append(
            Claimed(
                id=unit.id,
                tenant_id=unit.tenant_id,
                dataset_id=unit.dataset_id,
                attempt=taken[unit.id],
                position=unit.position,
                place=unit.place,
                left=dataset.units_total - unit.position,
                task=dataset.task,
                spec=dataset.spec,
                context=domain.Context(
                    id=context.id,
                    chunks=tuple(chunks[chunk_id] for chunk_id in context.chunk_ids),
                    language=context.language,
                ),
                language=LANGUAGES.get(context.language, context.language),
                # Of what the context holds and of no id: a dataset made again, of a corpus that changed elsewhere
                # or was uploaded anew, makes the same calls.
                seed=f"{dataset.spec['seed']}|{unit.round}|{context.sha256 or ','.join(context.chunk_ids)}",
                avoid=tuple(asked.get(unit.context_id, ())),
                seeds=tuple(context.seed_questions or ()) if unit.round == 0 else (),
                calls=dataset.calls,
                tokens=dataset.prompt_tokens + dataset.completion_tokens,
                round=unit.round,
                rejects=tuple(rejects[row] for row in (unit.work or {}).get("repair", ())),
            )
        )
    return found


def chunks_of(session: Session, chunk_ids: set[str]) -> dict[str, domain.Chunk]:
    """The chunks by id, with what their documents are called and written in."""
    found: dict[str, domain.Chunk] = {}
    wanted = sorted(chunk_ids)
    for some in slices(wanted):
        rows = session.execute(
            select(Chunk, Document.name, Document.language)
            .join(Document, Document.id == Chunk.document_id)
            .where(Chunk.id.in_(some))
        )
        for chunk, name, language in rows:
            found[chunk.id] = domain.Chunk(
                id=chunk.id,
                document_id=chunk.document_id,
                document_name=name,
                start=chunk.start,
                end=chunk.end,
                text=chunk.text,
                section=chunk.section,
                page=chunk.page,
                page_starts=tuple((page, start) for page, start in chunk.page_starts),
                language=language,
            )
    return found


def _asked(session: Session, context_ids: list[str]) -> dict[str, list[str]]:
    """Questions of earlier rounds, kept or dropped, the newest 40 of each context; their first lines (no choices)."""
    rows = session.execute(
        select(Sample.context_id, Sample.question)
        .where(Sample.context_id.in_(context_ids), Sample.question != "")
        .order_by(Sample.id)
    )
    found: dict[str, list[str]] = {}
    for context_id, question in rows:
        found.setdefault(context_id, []).append(question.partition("\n")[0])
    return {context_id: list(dict.fromkeys(questions))[-40:] for context_id, questions in found.items()}


def _rejects(session: Session, row_ids: list[int]) -> dict[int, domain.Dropped]:
    """The dropped rows of units that repair, each naming itself in `attributes` as what the new one comes from."""
    found: dict[int, domain.Dropped] = {}
    fields = set(domain.Dropped.model_fields) - {"attributes", "lineage"}
    for some in slices(row_ids):
        for row in session.scalars(select(Sample).where(Sample.id.in_(some))):
            attributes = row.attributes | {"repaired_from": str(row.id), "repaired_reason": row.reason}
            values = {name: getattr(row, name) or "" for name in ("reason", "detail")}
            values |= {name: getattr(row, name) for name in fields - set(values)}
            found[row.id] = domain.Dropped.model_validate(values | {"attributes": attributes, "lineage": row.lineage})
    return found
