"""What share of each document and section the rows cite. One document's text in memory at a time."""

import hashlib
from array import array
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from app.coverage import intervals, sections
from app.coverage.scan import Cite, Cited, Cites, texts
from app.coverage.sentences import widen
from app.models import Document

Unit = Literal["span", "sentence"]

FARTHEST_GAP = 100  # characters of white space: more is a layout of its own


class SectionCoverage(NamedTuple):
    """`cited` of `characters` lie in a source; `rows` have one here."""

    path: str
    start: int
    end: int
    cited: int
    rows: int

    @property
    def characters(self) -> int:
        return self.end - self.start


class DocumentCoverage(NamedTuple):
    """A document's sections, packed five numbers each (`sections()` unpacks them), and their sums."""

    id: str
    name: str
    characters: int
    cited: int
    rows: int
    paths: tuple[str, ...]
    numbers: "array[int]"

    @property
    def share(self) -> float:
        return self.cited / self.characters if self.characters else 1.0

    def sections(self) -> list[SectionCoverage]:
        numbers = iter(self.numbers)
        return [SectionCoverage(path, *four) for path, *four in zip(self.paths, *[numbers] * 4, strict=True)]


@dataclass(slots=True)
class Coverage:
    """Of the documents measured: all of them in the order given, and sums over them."""

    documents: list[DocumentCoverage] = field(default_factory=list)
    rows: int = 0
    rows_without_source: int = 0
    spans: int = 0
    spans_elsewhere: int = 0
    spans_not_located: int = 0
    unreadable: int = 0
    characters: int = 0
    cited: int = 0
    sections: int = 0
    sections_uncited: int = 0
    gini: float | None = None

    @property
    def share(self) -> float:
        return self.cited / self.characters if self.characters else 1.0


def measure(documents: Iterable[Document], found: Cited, unit: Unit) -> Coverage:
    """Coverage of `documents` by the spans `found`. A span that is not where it says it is counts as not located.

    `sentence` widens each span to the sentences it touches; characters between two such that are white space count.
    """
    coverage = Coverage(rows=found.rows, rows_without_source=found.rows_without_source, spans=found.spans)
    known: set[str] = set()
    amounts, sizes = array("d"), array("d")
    for document, text in texts(documents):
        known.add(document.id)
        cites = found.documents.get(document.id, Cites())
        if text is None:
            coverage.unreadable += 1
            coverage.spans_not_located += len(cites)
            continue
        good = [cite for cite in cites if located(text, cite)]
        coverage.spans_not_located += len(cites) - len(good)
        measured = _document(document, text, good, unit)
        coverage.documents.append(measured)
        coverage.characters += measured.characters
        coverage.cited += measured.cited
        for section in measured.sections():
            coverage.sections += 1
            coverage.sections_uncited += section.cited == 0
            amounts.append(section.rows)
            sizes.append(section.characters)
    coverage.spans_elsewhere = sum(len(cites) for key, cites in found.documents.items() if key not in known)
    coverage.gini = intervals.gini(amounts, sizes)
    return coverage


def located(text: str, cite: Cite) -> bool:
    """Do these characters of the text have the hash that was stored with the span?"""
    if not 0 <= cite.start < cite.end <= len(text):
        return False
    return hashlib.sha256(text[cite.start : cite.end].encode()).digest() == cite.sha256


def _document(document: Document, text: str, cites: Sequence[Cite], unit: Unit) -> DocumentCoverage:
    spans = {(cite.start, cite.end) for cite in cites}
    if unit == "sentence":
        spans = {widen(text, *span) for span in spans}
    union = intervals.union(spans)
    if unit == "sentence":
        union = _joined(text, union)
    parts = sections.of(text, document.layout or {})
    rows = _rows(parts, cites)
    numbers = array("i")
    characters = cited = 0
    for part, count in zip(parts, rows, strict=True):
        found = intervals.covered(union, part.start, part.end)
        numbers.extend((part.start, part.end, found, count))
        characters += part.end - part.start
        cited += found
    names = tuple(part.path for part in parts)
    distinct = len({cite.row for cite in cites})
    return DocumentCoverage(document.id, document.name, characters, cited, distinct, names, numbers)


def _joined(text: str, union: list[intervals.Interval]) -> list[intervals.Interval]:
    """Neighbours with nothing but white space between them as one: the space between two sentences is no gap."""
    joined: list[intervals.Interval] = []
    for start, end in union:
        gap = start - joined[-1][1] if joined else FARTHEST_GAP
        if gap < FARTHEST_GAP and not text[start - gap : start].strip():
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    return joined


def _rows(parts: Sequence[sections.Section], cites: Sequence[Cite]) -> list[int]:
    """How many different rows touch each section."""
    touching: list[set[int]] = [set() for _ in parts]
    starts = [part.start for part in parts]
    for cite in cites:
        at = max(0, bisect_right(starts, cite.start) - 1)
        while at < len(parts) and starts[at] < cite.end:
            if parts[at].end > cite.start:
                touching[at].add(cite.row)
            at += 1
    return [len(rows) for rows in touching]
