"""Accepted rows as the lines that a format makes of them, and what is counted on the way."""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import chain
from typing import Any

import orjson
from pydantic import TypeAdapter
from sqlalchemy import Text, cast

from app.catalog.kinds import ExportFormat
from app.domain import Sample, Span, Verdict
from app.models import Sample as Row
from workers import accepted
from workers.containers import Spool

OPEN_MEMBERS = frozenset({"attributes", "scores"})  # of rows with sources: members that no two tasks share


def spool(dataset_id: str, entry: ExportFormat, with_sources: bool, into: Spool) -> "Tally":
    """Write every accepted row of the dataset to where the rows of its split wait. The rows are read once."""
    tally = Tally()
    render = _Once(entry.render) if entry.once else _each(entry.render)
    for row in chain.from_iterable(accepted.pages(dataset_id, *_COLUMNS)):
        sample = tally.count(row)
        # Rows of a dataset that was cancelled have no split yet; they count as train.
        part = into.validation if row.split == "validation" else into.train
        for line in _lines(render, with_sources, row, sample):
            part.add(line)
    return tally


class Tally:
    """Makes the records of rows, and counts what the manifest tells of them."""

    def __init__(self) -> None:
        self.kinds: Counter[str] = Counter()
        self.prompts: set[tuple[str, str]] = set()

    def count(self, row: Any) -> Sample:
        lineage = orjson.loads(row.lineage)
        self.kinds[row.kind] += 1
        self.prompts |= lineage.get("prompts", {}).items()
        return Sample(
            kind=row.kind,
            question=row.question,
            answer=row.answer,
            evolution=row.evolution,
            parent_question=row.parent_question,
            attributes=orjson.loads(row.attributes),
            sources=_SOURCES.validate_json(row.sources),
            verdicts=_VERDICTS.validate_json(row.verdicts),
            lineage=lineage,
        )


# JSON stays text until pydantic's own parser makes the records of it: on the way through dicts it cost half the export.
_SOURCES, _VERDICTS = TypeAdapter(tuple[Span, ...]), TypeAdapter(tuple[Verdict, ...])
_COLUMNS = (
    *(Row.id, Row.kind, Row.question, Row.answer, Row.evolution, Row.parent_question, Row.split),
    *(cast(column, Text).label(column.key) for column in (Row.attributes, Row.sources, Row.verdicts, Row.lineage)),
)


Rendered = dict[str, Any] | list[dict[str, Any]]


Render = Callable[[Any, Sample], list[dict[str, Any]]]


def _each(render: Callable[[Sample], Rendered]) -> Render:
    def values(row: Any, sample: Sample) -> list[dict[str, Any]]:
        rendered = render(sample)
        return rendered if isinstance(rendered, list) else [rendered]

    return values


class _Once:
    """Leaves out what an earlier row of the same unit has given already; rows come unit by unit."""

    def __init__(self, render: Callable[[Sample], Rendered]) -> None:
        self._values, self._unit = _each(render), ""
        self._given: set[bytes] = set()

    def __call__(self, row: Any, sample: Sample) -> list[dict[str, Any]]:
        if row.unit_id != self._unit:
            self._unit, self._given = row.unit_id, set()
        found = []
        for value in self._values(row, sample):
            digest = hashlib.sha256(orjson.dumps(value)).digest()
            if digest not in self._given:
                self._given.add(digest)
                found.append(value)
        return found


def _lines(render: Render, with_sources: bool, row: Any, sample: Sample) -> Iterator[bytes]:
    for value in render(row, sample):
        if with_sources:
            value |= {
                "sources": orjson.Fragment(_SOURCES.dump_json(sample.sources)),
                "kind": sample.kind,
                "evolution": sample.evolution,
                "attributes": sample.attributes,
                "scores": {verdict.metric: verdict.score for verdict in sample.verdicts},
                "sample_id": str(row.id),
            }
        yield orjson.dumps(value, option=orjson.OPT_APPEND_NEWLINE)
