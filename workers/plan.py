"""Plan a dataset: wait for its documents, cut them, weigh and group chunks, lay out the units of the first round."""

import hashlib
import math
import threading
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, func, insert, select, update
from sqlalchemy.orm import Session

from app import catalog, domain, ids, storage
from app.datasets import service as datasets
from app.datasets.schemas import Grouping
from app.db import reading, transaction
from app.llm.asking import ModelUnusable
from app.models import Chunk, Context, Dataset, Document, Unit
from app.queue import ring
from app.settings import settings
from workers import chunk as chunking
from workers import embed, grouping, lease, seeding, weigh
from workers.grouping import seeds

SPARE = 1.6  # contexts planned beyond those that would do if nothing were dropped
WEIGHED = 4  # chunks weighed for each context needed, where `rows` say how many those are
FALLBACK_LANGUAGE = "en"

Cut = list[tuple[Document, list[Chunk]]]


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
            _plan(dataset_id, owner, attempt, lost)
        except weigh.Stopped:
            _give_back(dataset_id, owner, attempt, again=False)
        except weigh.Later as later:
            _give_back(dataset_id, owner, attempt, again=later.waiting is None, waiting=later.waiting)
        except ModelUnusable as failure:
            with transaction() as session:
                if lease.still_mine(session, Dataset, dataset_id, owner, attempt):
                    dataset = session.get_one(Dataset, dataset_id)
                    dataset.owner, dataset.attempt = None, 0
                    datasets.fail(session, dataset, failure.code, failure.detail, param="model")


def _waits_for_documents(session: Session, dataset: Dataset) -> bool:
    query = select(func.count()).where(
        Document.corpus_id == dataset.corpus_id, Document.status == "pending", ~Document.replaced
    )
    pending = session.scalar(query) or 0
    waiting = f"{pending} documents are still being parsed" if pending else None
    if waiting is None and (dataset.waiting or "").startswith(weigh.WAITING):
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
    options = Grouping.model_validate(dataset.spec["grouping"])
    cut = [(document, _chunks(document, dataset.spec["chunking"])) for document in documents]
    candidates = [
        grouping.Candidate(c.id, document.id, c.text, document.language or "") for document, found in cut for c in found
    ]
    weights = _weigh(dataset, options, cut, candidates, lost) if options.calls_a_chunk and candidates else None
    grouped = grouping.group(
        candidates,
        options,
        seed=dataset.spec["seed"],
        vectors=lambda texts: embed.vectors(dataset.tenant_id, texts),
        scores=weights.grades if weights and options.quality == "judge" else None,
        losses=weights.losses if weights and options.order == "by_loss" else None,
    )
    languages = {document.id: document.language or FALLBACK_LANGUAGE for document in documents}
    texts = {candidate.id: candidate.text for candidate in candidates}
    order, seeds = seeding.spread(
        dataset.spec["options"].get("seed_questions", []),
        ["\n\n".join(texts[chunk_id] for chunk_id in found.chunk_ids) for found in grouped.groups],
    )
    home = {candidate.id: languages[candidate.document_id] for candidate in candidates}
    with transaction() as session:
        if not lease.still_mine(session, Dataset, dataset_id, owner, attempt):
            return
        dataset = session.get_one(Dataset, dataset_id)
        dataset.owner, dataset.attempt = None, 0  # the selection is other work, with attempts of its own
        if dataset.status != "validating":  # cancelled meanwhile
            return
        if not grouped.groups:
            datasets.fail(session, dataset, "no_usable_content", "no document of the corpus has text to ask about")
            return
        counts = {"chunks": len(candidates), "documents": len(documents)} | grouped.counts
        if weights:
            counts |= {"weighing_calls": weights.calls, "unweighed": weights.unweighed}
            # All calls so far were the planning's: those it made and did not pay for came from the ledger.
            dataset.replayed_calls += max(0, weights.calls - dataset.calls)
        _lay_out(session, dataset, [grouped.groups[i] for i in order], seeds, home, counts)


def _lay_out(
    session: Session,
    dataset: Dataset,
    groups: Sequence[grouping.Group],
    seeds: Sequence[list[str]],
    language: Mapping[str, str],
    counts: Mapping[str, int],
) -> None:
    wanted_language = dataset.spec.get("language")
    rows = [
        {
            "id": ids.new("ctx"),
            "tenant_id": dataset.tenant_id,
            "dataset_id": dataset.id,
            "position": position,
            "chunk_ids": list(found.chunk_ids),
            "quality": found.quality,
            "language": wanted_language or language[found.seed],
            "seed_questions": asked or None,
        }
        for position, (found, asked) in enumerate(zip(groups, seeds, strict=True))
    ]
    session.execute(insert(Context), rows)
    limit = first_units(dataset)
    add_units(session, dataset, max(limit, sum(map(bool, seeds))) if limit else None)
    message = f"planned {dataset.units_total} of {len(rows)} contexts from {counts['chunks']} chunks"
    reasons = ("below_quality", "over_document_cap", "too_few_chunks", "repeated", "unweighed")
    left_out = [f"{name.replace('_', ' ')} {counts[name]}" for name in reasons if counts.get(name)]
    if left_out:
        message += f"; begin none: {', '.join(left_out)}"
    datasets.move(session, dataset, "generating", message, contexts=len(rows), **counts)
    dataset.waiting = None
    dataset.started_at = datetime.now(UTC)
    ring(session, "drain")


def _weigh(
    dataset: Dataset,
    options: Grouping,
    cut: Cut,
    candidates: Sequence[grouping.Candidate],
    lost: threading.Event,
) -> weigh.Weights:
    """Ask the judge, the trainee or both about the chunks that look good, documents in turn, as many as are needed."""
    looks = {candidate.id: grouping.quality(candidate.text) for candidate in candidates}
    decent = seeds.good(candidates, looks, options.least_looks, looks)
    cap = options.contexts_per_document
    order = seeds.capped(seeds.stratified(decent, looks, dataset.spec["seed"]), cap and WEIGHED * cap)
    chosen = [candidate.id for candidate in order[: _most_weighed(dataset, options)]]
    contexts = {chunk.id: _alone(document, chunk, dataset.spec) for document, found in cut for chunk in found}
    _announce(dataset.id, len(chosen), len(chosen) * options.calls_a_chunk)
    return weigh.run(dataset, [contexts[chunk_id] for chunk_id in chosen], options, lost)


def _most_weighed(dataset: Dataset, options: Grouping) -> int | None:
    needed = first_units(dataset)
    calls, _ = weigh.limits(dataset.spec["budget"])
    bounds = [
        options.max_weighed_chunks or (None if needed is None else WEIGHED * needed),
        None if calls is None else max(1, calls // options.calls_a_chunk),
    ]
    return min((bound for bound in bounds if bound is not None), default=None)


def _alone(document: Document, chunk: Chunk, spec: dict[str, Any]) -> domain.Context:
    """The chunk as a context of its own, for the judge to read."""
    piece = domain.Chunk(
        id=chunk.id,
        document_id=document.id,
        document_name=document.name,
        start=chunk.start,
        end=chunk.end,
        text=chunk.text,
    )
    return domain.Context(
        id=chunk.id, chunks=(piece,), language=spec.get("language") or document.language or FALLBACK_LANGUAGE
    )


def _announce(dataset_id: str, chunks: int, calls: int) -> None:
    """Say once, before the first call, what weighing will cost at most."""
    with transaction() as session:
        dataset = session.get_one(Dataset, dataset_id, with_for_update=True)
        if dataset.planning_calls == 0 and dataset.status == "validating":
            dataset.planning_calls = calls
            dataset.version += 1
            datasets.record(session, dataset, "planning.weighing", f"weighing {chunks} chunks, {calls} calls at most")


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
