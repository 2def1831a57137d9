"""Plan a dataset: wait for its documents, cut them, group contexts, and lay out the units of the first round."""

import hashlib
import math
from datetime import UTC, datetime

from sqlalchemy import Connection, func, insert, select, update
from sqlalchemy.orm import Session

from app import catalog, ids, storage
from app.datasets import service as datasets
from app.db import reading, transaction
from app.models import Chunk, Context, Dataset, Document, Unit
from app.queue import ring
from app.settings import settings
from workers import chunk as chunking
from workers import embed, group, lease

SPARE = 1.6  # contexts planned beyond those that would do if nothing were dropped
FALLBACK_LANGUAGE = "en"


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
    with lease.heartbeat(Dataset, dataset_id, owner):
        _plan(dataset_id, owner, attempt)


def _waits_for_documents(session: Session, dataset: Dataset) -> bool:
    corpora = [dataset.corpus_id, *dataset.spec.get("selection", {}).get("decontaminate", ())]
    query = select(func.count()).where(
        Document.corpus_id.in_(corpora), Document.status == "pending", ~Document.replaced
    )
    pending = session.scalar(query) or 0
    waiting = f"{pending} documents are still being parsed" if pending else None
    if dataset.waiting != waiting:
        dataset.waiting = waiting
        dataset.version += 1
    if pending:
        ring(session, "parse")
    return pending > 0


def _plan(dataset_id: str, owner: str, attempt: int) -> None:
    with reading() as session:
        dataset = session.get_one(Dataset, dataset_id)
        documents = list(
            session.scalars(
                select(Document)
                .where(Document.corpus_id == dataset.corpus_id, Document.status == "parsed", ~Document.replaced)
                .order_by(Document.name, Document.id)
            )
        )
    cut = [(document, _chunks(document, dataset.spec["chunking"])) for document in documents]
    candidates = [group.Candidate(c.id, document.id, c.text) for document, found in cut for c in found]
    grouping = dataset.spec["grouping"]
    groups = (
        group.group(
            candidates,
            size=grouping["chunks_per_context"],
            min_quality=grouping["min_quality"],
            min_similarity=grouping["min_similarity"],
            max_similarity=grouping["max_similarity"],
            diversity=grouping["diversity"],
            cross_document=grouping["cross_document"],
            seed=dataset.spec["seed"],
            wanted=None,
            vectors=lambda texts: embed.vectors(dataset.tenant_id, texts),
        )
        if candidates
        else []
    )
    languages = {document.id: document.language or FALLBACK_LANGUAGE for document in documents}
    home = {candidate.id: candidate.document_id for candidate in candidates}
    with transaction() as session:
        if not lease.still_mine(session, Dataset, dataset_id, owner, attempt):
            return
        dataset = session.get_one(Dataset, dataset_id)
        dataset.owner, dataset.attempt = None, 0  # the selection is other work, with attempts of its own
        if dataset.status != "validating":  # cancelled meanwhile
            return
        if not groups:
            datasets.fail(session, dataset, "no_usable_content", "no document of the corpus has text to ask about")
            return
        wanted_language = dataset.spec.get("language")
        rows = [
            {
                "id": ids.new("ctx"),
                "tenant_id": dataset.tenant_id,
                "dataset_id": dataset_id,
                "position": position,
                "chunk_ids": list(found.chunk_ids),
                "quality": found.quality,
                "language": wanted_language or languages[home[found.seed]],
            }
            for position, found in enumerate(groups)
        ]
        session.execute(insert(Context), rows)
        add_units(session, dataset, first_units(dataset))
        datasets.move(
            session,
            dataset,
            "generating",
            f"planned {dataset.units_total} of {len(rows)} contexts from {len(candidates)} chunks",
            contexts=len(rows),
            chunks=len(candidates),
            documents=len(documents),
        )
        dataset.waiting = None
        dataset.started_at = datetime.now(UTC)
        ring(session, "drain")


def _chunks(document: Document, options: dict[str, object]) -> list[Chunk]:
    """The document's chunks by these options: found, or cut now and stored in one transaction."""
    tokenizer = settings().generator_tokenizer
    recipe = chunking.recipe(dict(options), tokenizer)
    query = select(Chunk).where(Chunk.document_id == document.id, Chunk.recipe == recipe).order_by(Chunk.position)
    with reading() as session:
        if found := list(session.scalars(query)):
            return found
    assert document.text_sha256 is not None
    pieces = chunking.split(storage.text(document.text_sha256), document.layout, dict(options), tokenizer)
    rows = [
        {
            "id": _chunk_id(document.id, recipe, position),
            "tenant_id": document.tenant_id,
            "document_id": document.id,
            "recipe": recipe,
            "position": position,
            "start": piece.start,
            "end": piece.end,
            "section": piece.section[:500],
            "page": piece.page,
            "page_starts": piece.page_starts,
            "sha256": hashlib.sha256(piece.text.encode()).hexdigest(),
            "text": piece.text,
        }
        for position, piece in enumerate(pieces)
    ]
    if rows:
        with transaction() as session:
            if session.scalar(query.limit(1)) is None:
                session.execute(insert(Chunk), rows)
    with reading() as session:
        return list(session.scalars(query))


def _chunk_id(document_id: str, recipe: str, position: int) -> str:
    digest = hashlib.sha256(f"{document_id}|{recipe}|{position}".encode()).hexdigest()
    return f"chk_{digest[:26]}"


def first_units(dataset: Dataset) -> int | None:
    """How many contexts to begin with: all, or enough for the rows wanted with some to spare for drops."""
    wanted: int | None = dataset.spec.get("rows")
    if not wanted:
        return None
    task = catalog.TASKS[dataset.task]
    return max(1, math.ceil(SPARE * wanted / task.rows(task.options.model_validate(dataset.spec["options"]))))


def add_units(session: Session | Connection, dataset: Dataset, limit: int | None) -> int:
    """A new round over up to `limit` contexts, those with the fewest rounds so far first. Returns how many."""
    rounds = (
        select(Unit.context_id, func.count().label("n")).where(Unit.dataset_id == dataset.id).group_by(Unit.context_id)
    )
    done = rounds.subquery()
    count = func.coalesce(done.c.n, 0)
    query = (
        select(Context.id, count)
        .outerjoin(done, done.c.context_id == Context.id)
        .where(Context.dataset_id == dataset.id)
        .order_by(count, Context.position)
    )
    found = session.execute(query.limit(limit) if limit else query).all()
    start = dataset.units_total
    rows = [
        {
            "id": ids.new("unt"),
            "tenant_id": dataset.tenant_id,
            "dataset_id": dataset.id,
            "context_id": context_id,
            "round": round_,
            "position": start + i,
            "status": "pending",
        }
        for i, (context_id, round_) in enumerate(found)
    ]
    if rows:
        session.execute(insert(Unit), rows)
    session.execute(update(Dataset).where(Dataset.id == dataset.id).values(units_total=start + len(rows)))
    return len(rows)
