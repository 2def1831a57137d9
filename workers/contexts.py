"""From documents to contexts: cut them, weigh the chunks if asked to, group them, give the user's questions a place."""

import hashlib
import math
import threading
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Select, insert, select

from app import catalog, domain, storage
from app.datasets import service as datasets
from app.datasets.schemas import Grouping
from app.db import reading, slices, transaction
from app.models import Chunk, Dataset, Document
from app.settings import settings
from workers import chunk as chunking
from workers import embed, grouping, planning, seeding, weigh
from workers.grouping import seeds
from workers.layout import FALLBACK_LANGUAGE, Layout

SPARE = 1.6  # contexts planned beyond those that would do if nothing were dropped
DOCUMENTS_AT_ONCE = 100
WEIGHED = 4  # chunks weighed for each context needed, where `rows` say how many those are

Cut = list[tuple[Document, list[Chunk]]]


def plan(dataset: Dataset, documents: list[Document], lost: threading.Event) -> Layout:
    """Contexts of the documents' chunks. Raises what `weigh.run` raises."""
    options = Grouping.model_validate(dataset.spec["grouping"])
    cut = _cut(documents, dataset.spec["chunking"])
    candidates = [
        grouping.Candidate(c.id, document.name, c.text, document.language or "")
        for document, found in cut
        for c in found
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
    languages = {document.name: document.language or FALLBACK_LANGUAGE for document in documents}
    texts = {candidate.id: candidate.text for candidate in candidates}
    order, asked = seeding.spread(
        dataset.spec["options"].get("seed_questions", []),
        ["\n\n".join(texts[chunk_id] for chunk_id in found.chunk_ids) for found in grouped.groups],
    )
    weighed = {"weighing_calls": weights.calls, "unweighed": weights.unweighed} if weights else {}
    return Layout(
        groups=[grouped.groups[i] for i in order],
        languages={candidate.id: languages[candidate.document] for candidate in candidates},
        questions={position: found for position, found in enumerate(asked) if found},
        counts={"chunks": len(candidates)} | grouped.counts | weighed,
    )


def first_units(dataset: Dataset) -> int | None:
    """How many contexts to begin with: all, or enough for the rows wanted with some to spare for drops."""
    wanted: int | None = dataset.spec.get("rows")
    if not wanted:
        return None
    task = catalog.TASKS[dataset.task]
    return max(1, math.ceil(SPARE * wanted / task.rows(task.options.model_validate(dataset.spec["options"]))))


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
    announce(dataset.id, len(chosen), len(chosen) * options.calls_a_chunk)
    return weigh.run(dataset, [contexts[chunk_id] for chunk_id in chosen], options, lost)


def _most_weighed(dataset: Dataset, options: Grouping) -> int | None:
    needed = first_units(dataset)
    calls, _ = planning.limits(dataset.spec["budget"])
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


def announce(dataset_id: str, chunks: int, calls: int, what: str = "weighing") -> None:
    """Say once, before the first call, what planning will cost at most."""
    with transaction() as session:
        dataset = session.get_one(Dataset, dataset_id, with_for_update=True)
        if dataset.planning_calls == 0 and dataset.status == "validating":
            dataset.planning_calls = calls
            dataset.version += 1
            datasets.record(session, dataset, "planning.weighing", f"{what} {chunks} chunks, {calls} calls at most")


def _cut(documents: Sequence[Document], options: dict[str, object]) -> Cut:
    """Each document with its chunks by these options: found, or cut now and stored, many documents in a transaction."""
    tokenizer = settings().generator_tokenizer
    recipe = chunking.recipe(dict(options), tokenizer)
    cut: Cut = []
    for some in slices(documents, DOCUMENTS_AT_ONCE):
        found = _stored([document.id for document in some], recipe)
        missing = [document for document in some if document.id not in found]
        rows = [row for document in missing for row in _rows(document, dict(options), tokenizer, recipe)]
        if rows:
            with transaction() as session:
                known = set(session.scalars(_of([document.id for document in missing], recipe, Chunk.document_id)))
                if new := [row for row in rows if row["document_id"] not in known]:
                    session.execute(insert(Chunk), new)
            found |= _stored([document.id for document in missing], recipe)
        cut += [(document, found.get(document.id, [])) for document in some]
    return cut


def _of(document_ids: Sequence[str], recipe: str, what: Any) -> Select[Any]:
    return select(what).where(Chunk.document_id.in_(document_ids), Chunk.recipe == recipe)


def _stored(document_ids: Sequence[str], recipe: str) -> dict[str, list[Chunk]]:
    """Document -> its chunks in their order, where there are any."""
    found: dict[str, list[Chunk]] = {}
    with reading() as session:
        for chunk in session.scalars(_of(document_ids, recipe, Chunk).order_by(Chunk.document_id, Chunk.position)):
            found.setdefault(chunk.document_id, []).append(chunk)
    return found


def _rows(document: Document, options: dict[str, Any], tokenizer: str, recipe: str) -> list[dict[str, Any]]:
    assert document.text_sha256 is not None
    pieces = chunking.split(storage.text(document.text_sha256), document.layout, options, tokenizer)
    return [
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


def _chunk_id(document_id: str, recipe: str, position: int) -> str:
    digest = hashlib.sha256(f"{document_id}|{recipe}|{position}".encode()).hexdigest()
    return f"chk_{digest[:26]}"
