"""Coverage of a corpus, the sources of one row, and whether all sources of a dataset are still where they were."""

from collections.abc import Sequence
from typing import Any, Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.corpora import service as corpora
from app.coverage import measure as measuring
from app.coverage import scan
from app.coverage.schemas import (
    CoverageRead,
    CoverageTotals,
    DocumentCoverageRead,
    SectionRead,
    Unlocated,
    VerificationRead,
)
from app.datasets import mixes
from app.datasets import service as datasets
from app.db import reading
from app.errors import NotFound
from app.models import Dataset, Document
from app.models.datasets import FINAL
from app.remembered import Remembered, slot

Order = Literal["newest", "least"]

EXAMPLES = 20
SECONDS = 300.0  # of a result whose rows cannot change; one of rows that still come is remembered as long as below
SECONDS_LIVE = 15.0
_final: Remembered[measuring.Coverage] = Remembered(most=4, seconds=SECONDS)
_live: Remembered[measuring.Coverage] = Remembered(most=4, seconds=SECONDS_LIVE)


def page(
    tenant_id: str,
    corpus_id: str,
    dataset_id: str | None,
    unit: measuring.Unit,
    order: Order,
    after: str | None,
    limit: int,
    sections: int,
) -> CoverageRead:
    """A page of the corpus's current documents. Raises NotFound (corpus, dataset, `after`) or Busy."""
    with reading() as session:
        corpora.get(session, tenant_id, corpus_id)
        chosen = _datasets(session, tenant_id, corpus_id, dataset_id)
        documents = current_documents(session, [corpus_id])
    ids = [dataset.id for dataset in chosen]
    final = all(dataset.status in FINAL for dataset in chosen)
    # A document never changes once it is parsed, so their ids say whether the result still holds.
    key = (corpus_id, unit, hash(tuple(documents)), *((d.id, d.version if final else 0) for d in chosen))
    coverage = (_final if final else _live).get(
        key, lambda: measuring.measure(scan.documents(documents, tenant_id), scan.cited(ids), unit)
    )
    ordered = coverage.documents
    if order == "least":
        ordered = sorted(ordered, key=lambda document: (document.share, -document.characters, document.id))
    start = 0
    if after is not None:
        start = next((i + 1 for i, document in enumerate(ordered) if document.id == after), 0)
        if not start:
            raise NotFound(f"after={after}")
    shown = ordered[start : start + limit]
    return CoverageRead(
        corpus_id=corpus_id,
        datasets=ids,
        unit=unit,
        order=order,
        totals=totals(coverage),
        data=[_document(document, order, sections) for document in shown],
        has_more=start + limit < len(ordered),
        first_id=shown[0].id if shown else None,
        last_id=shown[-1].id if shown else None,
    )


def _datasets(session: Session, tenant_id: str, corpus_id: str, dataset_id: str | None) -> list[Dataset]:
    """The one asked for, in whatever state; else those of the corpus that succeeded."""
    if dataset_id is None:
        query = select(Dataset).where(Dataset.corpus_id == corpus_id, Dataset.status == "succeeded")
        return list(session.scalars(query.order_by(Dataset.created_at, Dataset.id)))
    dataset = datasets.get(session, tenant_id, dataset_id)
    if corpus_id not in mixes.corpora(session, dataset):
        raise NotFound(f"dataset {dataset_id} of corpus {corpus_id}", param="dataset")
    return [dataset]


def current_documents(session: Session, corpus_ids: Sequence[str]) -> list[str]:
    """Ids of the parsed documents of these corpora that were not replaced, newest first."""
    there = (Document.corpus_id.in_(corpus_ids), Document.status == "parsed", ~Document.replaced)
    query = select(Document.id).where(*there)
    return list(session.scalars(query.order_by(Document.created_at.desc(), Document.id.desc())))


def totals(coverage: measuring.Coverage) -> CoverageTotals:
    """The sums as the API shows them."""
    names = ("sections", "sections_uncited", "characters", "cited", "rows", "rows_without_source", "spans",
             "spans_not_located", "spans_elsewhere")  # fmt: skip
    per_thousand = 1_000 * coverage.rows / coverage.characters if coverage.characters else 0.0
    return CoverageTotals(
        **{name: getattr(coverage, name) for name in names},
        documents=len(coverage.documents),
        documents_unreadable=coverage.unreadable,
        share=round(coverage.share, 4),
        rows_per_1000_characters=round(per_thousand, 3),
        gini=None if coverage.gini is None else round(coverage.gini, 4),
    )


def _document(document: measuring.DocumentCoverage, order: Order, most: int) -> DocumentCoverageRead:
    sections = document.sections()
    uncited = sum(section.cited == 0 for section in sections)
    if order == "least":
        sections.sort(key=lambda section: (section.cited / section.characters, -section.characters, section.start))
    return DocumentCoverageRead(
        id=document.id,
        name=document.name,
        characters=document.characters,
        cited=document.cited,
        share=round(document.share, 4),
        rows=document.rows,
        sections_total=len(sections),
        sections_uncited=uncited,
        sections=[section_read(section) for section in sections[:most]],
    )


def section_read(section: measuring.SectionCoverage) -> SectionRead:
    """A section as the API shows it."""
    share = round(section.cited / section.characters, 4)
    return SectionRead(**section._asdict(), characters=section.characters, share=share)


def verify(tenant_id: str, dataset_id: str) -> VerificationRead:
    """Look every source of every accepted row up again, in the documents as stored. Raises NotFound or Busy."""
    with reading() as session:
        datasets.get(session, tenant_id, dataset_id)
    with slot():
        return _verify(tenant_id, dataset_id)


def _verify(tenant_id: str, dataset_id: str) -> VerificationRead:
    found = scan.cited([dataset_id])
    ids = sorted(found.documents)
    missing: set[str] = set(ids)
    good, examples = 0, _Examples()
    for document, text in scan.texts(scan.documents(ids, tenant_id)):
        missing.discard(document.id)
        for cite in found.documents[document.id]:
            if text is not None and measuring.located(text, cite):
                good += 1
            else:
                examples.add(document.id, cite, _problem(text, cite))
    for document_id in sorted(missing):
        for cite in found.documents[document_id]:
            examples.add(document_id, cite, "document_missing")
    return VerificationRead(
        dataset_id=dataset_id,
        rows=found.rows,
        rows_without_source=found.rows_without_source,
        documents=len(ids),
        spans=found.spans,
        located=good,
        not_located=found.spans - good,
        share=good / found.spans if found.spans else 1.0,
        examples=examples.first,
    )


class _Examples:
    def __init__(self) -> None:
        self.first: list[Unlocated] = []

    def add(self, document_id: str, cite: scan.Cite, problem: Any) -> None:
        if len(self.first) < EXAMPLES:
            self.first.append(
                Unlocated(
                    sample_id=str(cite.row), document_id=document_id, start=cite.start, end=cite.end, problem=problem
                )
            )


def _problem(text: str | None, cite: scan.Cite) -> str:
    if text is None:
        return "text_missing"
    return "other_text" if 0 <= cite.start < cite.end <= len(text) else "out_of_range"
