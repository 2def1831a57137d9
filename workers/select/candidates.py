"""One pass over the accepted rows of a dataset: what is dropped for its own words, and what little the rest is kept as.

Rows are read some hundred units at a time, in the order of their contexts and never by time, so memory holds what the
later stages need of a row (about 1 kB) and not the row.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import blake2b
from itertools import chain
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Row as Record

from app.catalog import pairs
from app.datasets.schemas import Selection
from app.models import Sample
from workers import accepted
from workers.select import duplicates
from workers.select.contamination import TestSet
from workers.select.screen import MASKING, Finding, Policies, clean, mask, screen, strings
from workers.select.words import words

_COLUMNS = (
    Sample.id,
    Sample.context_id,
    Sample.kind,
    Sample.question,
    Sample.answer,
    Sample.parent_question,
    Sample.attributes,
    Sample.sources,
    Sample.findings,
)


Alike = Callable[[str, str, dict[str, Any]], str]


class Drop(NamedTuple):
    row: int
    reason: str
    detail: str


class Row(NamedTuple):
    """What the later stages know of a row. `context` and `document` are places in the scan's lists.

    Of a preference pair `lengths` are the characters of the chosen and the rejected way on, and `prompt` stands for the
    question: rows that have both in common are pairs of one ranking.
    """

    id: int
    context: int
    kind: str
    document: int
    spans: tuple[tuple[int, int, int], ...]
    digest: bytes
    findings: tuple[str, ...]
    label: str = ""
    lengths: tuple[int, int] | None = None
    prompt: bytes = b""


@dataclass(slots=True)
class Scan:
    """What a pass found. `masked` rows must be rewritten; `found` is what to store of each row with findings."""

    rows: list[Row] = field(default_factory=list)
    hashes: list[NDArray[np.uint64]] = field(default_factory=list)
    drops: list[Drop] = field(default_factory=list)
    masked: set[int] = field(default_factory=set)
    found: dict[int, list[dict[str, Any]]] = field(default_factory=dict)
    contexts: dict[str, int] = field(default_factory=dict)
    documents: dict[str, int] = field(default_factory=dict)


def policies(selection: Selection) -> Policies:
    return Policies(secret=selection.secrets, pii=selection.pii)


def scan(
    dataset_id: str,
    selection: Selection,
    tests: TestSet | None,
    alive: Callable[[], None],
    alike: Alike | None = None,
    known: duplicates.Known | None = None,
) -> Scan:
    """Secrets, personal data, test sets and copies, in that order. `alive` is called a page and may raise.

    `alike`: see `DatasetTask.alike`. `known`: rows of other datasets that count as seen.
    """
    known = known or duplicates.Known(selection.near_copy)
    result, seen, policy = Scan(), known.seen, policies(selection)
    for page in accepted.pages(dataset_id, *_COLUMNS):
        alive()
        left = []
        for record in page:
            texts, findings = _screened(result, record, policy)
            if leak := _leak(findings):
                result.drops.append(Drop(record.id, *leak))
                continue
            question, answer, *rejected = map(words, [*texts, *pairs.rejected(record.attributes)])
            if tests and (common := next(filter(None, map(tests.holds, (question, answer, *rejected))), "")):
                result.drops.append(Drop(record.id, "contaminated", f"a test set has this too: {common[:200]}"))
                continue
            own = [*question, *answer, *chain.from_iterable(rejected)]
            told = words(alike(texts[0], texts[1], record.attributes)) if alike else own
            left.append((record, told, findings))
        split = [both for _, both, _ in left]
        repeats = seen.repeats([(record.id, both) for record, both, _ in left])
        for (record, both, findings), shingled, copy in zip(left, duplicates.hashes(split), repeats, strict=True):
            if copy:
                detail = f"repeats row {copy[0]}{known.whose(copy[0])} (similarity {copy[1]:g})"
                result.drops.append(Drop(record.id, "duplicate", detail))
            else:
                result.rows.append(_row(result, record, both, findings))
                result.hashes.append(shingled)
    return result


def _screened(result: Scan, record: Record[Any], policy: Policies) -> tuple[list[str], list[Finding]]:
    """Question and answer, masked, and what stands in what would be trained on; takes down what is to be written."""
    shown = [record.parent_question or "", *(span["quote"] for span in record.sources)]
    nested = list(strings(record.attributes, "attributes"))
    if clean([record.question, record.answer, *(text for _, text in nested), *shown], policy):
        return [record.question, record.answer], []
    texts, findings = [], []
    for name, text in (("question", record.question), ("answer", record.answer)):
        masked, found = screen(text, name, policy)
        texts.append(masked)
        findings += found
    for path, text in nested:
        findings += screen(text, path, policy)[1]
    if any(finding.action in MASKING for finding in findings) or any(mask(text, policy) != text for text in shown):
        result.masked.add(record.id)
    stored = [finding.stored() for finding in findings]
    if stored and stored != record.findings:
        result.found[record.id] = stored
    return texts, findings


def _leak(findings: list[Finding]) -> tuple[str, str] | None:
    """Why the row must go: the reason, and the types found with the fields they are in."""
    worst = [finding for finding in findings if finding.action == "drop"]
    if not worst:
        return None
    return worst[0].detector, ", ".join(sorted({f"{finding.type} in {finding.field}" for finding in worst}))


def _row(result: Scan, record: Record[Any], both: list[str], findings: list[Finding]) -> Row:
    spans = tuple(
        (result.documents.setdefault(span["document_id"], len(result.documents)), span["start"], span["end"])
        for span in record.sources
    )
    context = result.contexts.setdefault(record.context_id, len(result.contexts))
    types = {f"{finding.detector}.{finding.type}" for finding in findings}
    types |= {f"{stored['detector']}.{stored['type']}" for stored in record.findings}
    return Row(
        id=record.id,
        context=context,
        kind=record.kind,
        document=spans[0][0] if spans else -1 - context,  # without a source, a context counts as a document
        spans=spans,
        digest=blake2b(" ".join(both).encode(), digest_size=8).digest(),
        findings=tuple(sorted(types)),
        label=", ".join(record.attributes.get("labels", ())),
        lengths=pairs.lengths(record.answer, record.attributes),
        prompt=blake2b(record.question.encode(), digest_size=8).digest(),
    )
