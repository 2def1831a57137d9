"""The sources of one row, each looked up again in the stored text and shown with what stands around it."""

import hashlib
from typing import Any

from sqlalchemy.orm import Session

from app.coverage import scan, sections
from app.coverage.schemas import SourceRead, SourcesRead
from app.datasets import service as datasets
from app.errors import NotFound
from app.models import Document, Sample


def read(session: Session, tenant_id: str, dataset_id: str, sample_id: str, around: int) -> SourcesRead:
    """The row's sources in their order, with up to `around` characters on either side. Raises NotFound."""
    datasets.get(session, tenant_id, dataset_id)
    plain = sample_id.isascii() and sample_id.isdecimal() and len(sample_id) <= 18
    sample = session.get(Sample, int(sample_id)) if plain else None
    if sample is None or sample.dataset_id != dataset_id:
        raise NotFound(f"row {sample_id} of dataset {dataset_id}", param="sample_id")
    texts: dict[str, tuple[Document | None, str | None]] = {}
    found = []
    for span in sample.sources:
        key = span["document_id"]
        if key not in texts:
            document = session.get(Document, key)
            document = document if document is not None and document.tenant_id == tenant_id else None
            texts[key] = document, scan.stored_text(document) if document else None
        found.append(_source(span, *texts[key], around))
    return SourcesRead(sample_id=sample_id, data=found)


def _source(span: dict[str, Any], document: Document | None, text: str | None, around: int) -> SourceRead:
    start, end = span["start"], span["end"]
    problem = _problem(span, document, text)
    about: dict[str, Any] = {"section": "", "before": "", "quote": span["quote"], "after": ""}
    if problem is None and document is not None and text is not None:
        about = {
            "section": _section(text, document, start),
            "before": text[max(0, start - around) : start],
            "quote": text[start:end],
            "after": text[end : end + around],
        }
    named = {name: span[name] for name in ("document_id", "document_name", "page", "start", "end", "sha256")}
    return SourceRead(**named, **about, score=span.get("score"), located=problem is None, problem=problem)


def _problem(span: dict[str, Any], document: Document | None, text: str | None) -> str | None:
    if document is None:
        return "the document is not there any more"
    if text is None:
        return "the document's text is not in the store any more"
    start, end = span["start"], span["end"]
    if not 0 <= start < end <= len(text):
        return f"the stored text ends at {len(text)}"
    if hashlib.sha256(text[start:end].encode()).hexdigest() != span["sha256"]:
        return "the stored text has other words there"
    return None


def _section(text: str, document: Document, start: int) -> str:
    """The path of the section that holds this offset, or of the last one that begins before it."""
    before = [section for section in sections.of(text, document.layout or {}) if section.start <= start]
    return before[-1].path if before else ""
