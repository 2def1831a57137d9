"""Datasets put into the database as workers would leave them, so that every number about them is known."""

import hashlib
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import insert

from app import ids, storage
from app.db import transaction
from app.keys import service as keys
from app.models import Call, Chunk, Context, Corpus, Dataset, Document, Sample, Unit
from workers.parse.headings import find

Json = dict[str, Any]
PROMPTS = {"ask/grounded@1": "a" * 64, "answer/grounded@1": "b" * 64}
GATES = {"source": 90.0, "faithfulness": 4.0}


@dataclass
class Planted:
    """Ids of what was planted; `documents` by name."""

    corpus_id: str
    dataset_id: str
    documents: dict[str, str]
    texts: dict[str, str]
    samples: list[int] = field(default_factory=list)


def corpus(tenant_id: str, texts: dict[str, str], languages: dict[str, str] | None = None) -> Planted:
    """A corpus of parsed Markdown documents and an empty dataset that succeeded."""
    found = Planted(ids.new("crp"), ids.new("dst"), {}, texts)
    with transaction() as session:
        keys.tenant(session, tenant_id)
        session.add(Corpus(id=found.corpus_id, tenant_id=tenant_id, name="Planted"))
        session.flush()
        for name, text in texts.items():
            document_id = found.documents[name] = ids.new("doc")
            headings = [[heading.level, heading.title, heading.start] for heading in find(text)]
            session.add(
                Document(
                    id=document_id,
                    tenant_id=tenant_id,
                    corpus_id=found.corpus_id,
                    name=name,
                    sha256="0" * 64,
                    size=len(text),
                    status="parsed",
                    language=(languages or {}).get(name, "en"),
                    characters=len(text),
                    text_sha256=storage.keep_bytes(text.encode()),
                    layout={"pages": [], "headings": headings},
                )
            )
        session.flush()
        found.dataset_id = dataset(session, tenant_id, found.corpus_id)
    return found


def dataset(session: Any, tenant_id: str, corpus_id: str, **changes: Any) -> str:
    """An empty dataset; its id."""
    made = Dataset(
        **{
            "id": ids.new("dst"),
            "tenant_id": tenant_id,
            "corpus_id": corpus_id,
            "name": "Planted",
            "task": "grounded_qa",
            "status": "succeeded",
            "spec": {"rows": 10, "model": "fake", "gates": GATES, "options": {}, "seed": 0},
            "finished_at": datetime.now(UTC),
            **changes,
        }
    )
    session.add(made)
    session.flush()
    return made.id


def span(planted: Planted, name: str, quote: str, **changes: Any) -> Json:
    """The source span of `quote`, which stands in the document."""
    start = planted.texts[name].index(quote)
    return {
        "document_id": planted.documents[name],
        "document_name": name,
        "start": start,
        "end": start + len(quote),
        "page": None,
        "sha256": hashlib.sha256(quote.encode()).hexdigest(),
        "quote": quote,
        "score": 100.0,
    } | changes


def rows(tenant_id: str, planted: Planted, wanted: list[Json], *, language: str = "en", round: int = 0) -> list[int]:
    """Insert rows (question, answer, state and what else a row has), all of one context and unit; their ids."""
    with transaction() as session:
        document_id = next(iter(planted.documents.values()))
        chunk = Chunk(
            id=ids.new("chk"), tenant_id=tenant_id, document_id=document_id, recipe=ids.new("r"), position=0,
            start=0, end=1, sha256="0" * 64, text="x",
        )  # fmt: skip
        position = session.query(Context).where(Context.dataset_id == planted.dataset_id).count()
        context = Context(
            id=ids.new("ctx"), tenant_id=tenant_id, dataset_id=planted.dataset_id, position=position,
            chunk_ids=[chunk.id], quality=1.0, language=language,
        )  # fmt: skip
        session.add_all([chunk, context])
        session.flush()
        unit = Unit(
            id=ids.new("unt"), tenant_id=tenant_id, dataset_id=planted.dataset_id, context_id=context.id,
            round=round, position=position, status="done",
        )  # fmt: skip
        session.add(unit)
        session.flush()
        values = [
            {
                "tenant_id": tenant_id,
                "dataset_id": planted.dataset_id,
                "unit_id": unit.id,
                "context_id": context.id,
                "key": key,
                "state": "accepted",
                "reason": None,
                "detail": None,
                "kind": "original",
                "evolution": None,
                "question": "What?",
                "answer": "That.",
                "split": "train" if row.get("state", "accepted") == "accepted" else None,
                "attributes": {},
                "sources": [],
                "verdicts": [],
                "lineage": {"prompts": PROMPTS, "models": {"generator": "fake"}},
                **row,
            }
            for key, row in enumerate(wanted)
        ]
        found = list(session.scalars(insert(Sample).returning(Sample.id, sort_by_parameter_order=True), values))
        state = session.get_one(Dataset, planted.dataset_id)
        state.accepted += sum(value["state"] == "accepted" for value in values)
        state.version += 1
    planted.samples += found
    return found


def calls(tenant_id: str, dataset_id: str, step: str, tokens: list[tuple[int, int, int]]) -> None:
    """Calls in the ledger, and on the dataset's bill: (prompt, cached, completion) tokens of each."""
    with transaction() as session:
        for i, (prompt, cached, completion) in enumerate(tokens):
            key = hashlib.sha256(f"{dataset_id}{step}{i}".encode()).digest()
            session.add(
                Call(
                    tenant_id=tenant_id, call_key=key, dataset_id=dataset_id, unit_id="unt", step=step, model="fake",
                    status=200, reply=b"{}", prompt_tokens=prompt, cached_tokens=cached, completion_tokens=completion,
                )
            )  # fmt: skip
            found = session.get_one(Dataset, dataset_id)
            found.calls += 1
            found.prompt_tokens += prompt
            found.cached_tokens += cached
            found.completion_tokens += completion


def verdict(metric: str, score: float, passed: bool) -> Json:
    return {"metric": metric, "score": score, "reason": "because", "passed": passed}
