"""Stream a dataset's accepted rows through a catalogue format into the files of a container, and tell how they came."""

import errno
import hashlib
import os
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from itertools import chain
from typing import Any

import orjson
import structlog
from pydantic import TypeAdapter
from sqlalchemy import Text, cast, func, select
from sqlalchemy.orm import Session

from app import catalog, storage
from app.db import reading, transaction
from app.domain import Sample, Span, Verdict
from app.models import Context, Dataset, Export
from app.models import Sample as Row
from app.settings import settings
from app.version import VERSION
from workers import accepted, containers, lease
from workers.containers import File, Part, Spool

log = structlog.get_logger()


def run(export_id: str) -> None:
    """Write the export's files, under a lease; nothing happens unless it is queued or was left running."""
    owner = lease.new_owner()
    with transaction() as session:
        export = session.get(Export, export_id)
        if export is None or export.status not in ("queued", "running"):
            return
        attempt = lease.take(session, Export, export_id, owner)
        if attempt is None:
            return
        if attempt > settings().unit_max_attempts:
            export.status, export.error = (
                "failed",
                {"code": "export_failed", "message": "every attempt ended its worker"},
            )
            return
        export.status = "running"
    with lease.heartbeat(Export, export_id, owner):
        try:
            files = _write(export_id)
        except OSError as error:
            log.error("export.failed", export_id=export_id, error=type(error).__name__, errno=error.errno)
            full = storage.is_full(error)
            code, message = (
                ("no_space", "the store has no room for the export")
                if full
                else ("storage_failed", f"the store could not be written: {os.strerror(error.errno or errno.EIO)}")
            )
            _end(export_id, owner, attempt, error={"code": code, "message": message})
        except _MissingExtra as error:
            _end(export_id, owner, attempt, error={"code": "missing_extra", "message": str(error)})
        else:
            _end(export_id, owner, attempt, files=files)


class _MissingExtra(Exception):
    """The container's library is not installed where this worker runs, though it was where the API does."""


def _end(export_id: str, owner: str, attempt: int, *, files: Any = None, error: Any = None) -> None:
    with transaction() as session:
        if not lease.still_mine(session, Export, export_id, owner, attempt):
            return
        export = session.get_one(Export, export_id)
        export.owner, export.error = None, error
        export.status = "failed" if error else "succeeded"
        export.finished_at = datetime.now(UTC)
        export.version += 1
        if files:
            export.files = files
            data = files[f"data.{catalog.CONTAINERS[export.options.get('container', 'jsonl')].suffix}"]
            export.rows, export.size, export.sha256 = data["rows"], data["bytes"], data["sha256"]


def _write(export_id: str) -> dict[str, Any]:
    store = storage.storage()
    with reading() as session:
        export = session.get_one(Export, export_id)
        dataset = session.get_one(Dataset, export.dataset_id)
    entry, container = catalog.FORMATS[export.format], export.options.get("container", "jsonl")
    extra = catalog.CONTAINERS[container].extra
    if extra and extra.missing:
        raise _MissingExtra(f"the worker needs `pip install corpusmith[{extra.name}]` to write {container}")
    render = _Once(entry.render) if entry.once else _each(entry.render)
    lines = partial(_lines, render, export.options.get("include_sources", False))
    tally = _Tally()
    # The rows are read once. Those of the two splits wait in a file each, since they come in the order of their text.
    with store.upload() as upload, store.upload() as held_out:
        spool = Spool(Part(upload), Part(held_out), entry.json_members | _OPEN)
        # Rows of a dataset that was cancelled have no split yet; they count as train.
        for row in chain.from_iterable(accepted.pages(dataset.id, *_COLUMNS)):
            sample = tally.count(row)
            part = spool.validation if row.split == "validation" else spool.train
            for data in lines(row, sample):
                part.add(data)
        written = containers.writer(container)(spool, store, export.options)
    suffix = catalog.CONTAINERS[container].suffix
    files = {f"{name}.{suffix}": file for name, file in written.items()}
    manifest = orjson.dumps(_manifest(export, dataset, written, files, tally), option=orjson.OPT_INDENT_2)
    sha256 = storage.keep_bytes(manifest)
    files["manifest.json"] = {"blob": sha256, "start": 0, "bytes": len(manifest), "sha256": sha256, "rows": None}
    return dict(files)


class _Tally:
    """Makes the records of rows, and counts what the manifest tells of them."""

    def __init__(self) -> None:
        self.kinds: Counter[str] = Counter()
        self.prompts: set[tuple[str, str]] = set()

    def count(self, row: Any) -> Sample:
        lineage = orjson.loads(row.lineage)
        self.kinds[row.kind] += 1
        self.prompts |= lineage["prompts"].items()
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


_OPEN = frozenset({"attributes", "scores"})  # of rows with sources: members that no two tasks share
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


def _manifest(
    export: Export, dataset: Dataset, written: dict[str, File], files: dict[str, File], tally: _Tally
) -> dict[str, Any]:
    with reading() as session:
        contexts = _count_contexts(session, dataset.id)
    return {
        "format": export.format,
        "options": export.options,
        "dataset": {
            "id": dataset.id,
            "name": dataset.name,
            "task": dataset.task,
            "status": dataset.status,
            "spec": dataset.spec,
            "shortfall": dataset.shortfall,
        },
        "counts": {
            **{counted: written[name]["rows"] for counted, name in _COUNTED.items()},
            "original": tally.kinds["original"],
            "evolved": tally.kinds["evolved"],
            "contexts": contexts,
            "units": dataset.units_total,
            "units_failed": dataset.units_failed,
        },
        "dropped": dict(sorted(dataset.dropped.items())),
        "usage": {
            "calls": dataset.calls,
            "replayed_calls": dataset.replayed_calls,
            "prompt_tokens": dataset.prompt_tokens,
            "cached_tokens": dataset.cached_tokens,
            "completion_tokens": dataset.completion_tokens,
        },
        "model": dataset.spec["model"],
        "prompts": [{"id": ref, "sha256": sha256} for ref, sha256 in sorted(tally.prompts)],
        "files": {
            name: {"bytes": file["bytes"], "sha256": file["sha256"], "rows": file["rows"]}
            for name, file in files.items()
        },
        "created_by": f"corpusmith {VERSION}",
    }


_COUNTED = {"rows": "data", "train": "train", "validation": "validation"}


def _count_contexts(session: Session, dataset_id: str) -> int:
    return session.scalar(select(func.count()).where(Context.dataset_id == dataset_id)) or 0
