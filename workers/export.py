"""Stream a dataset's accepted rows through a catalogue format into one immutable blob, with a manifest beside it."""

import hashlib
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import orjson
import structlog
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app import catalog, storage
from app.db import reading, transaction
from app.domain import Sample
from app.models import Context, Dataset, Export, Unit
from app.models import Sample as Row
from app.settings import settings
from workers import lease

log = structlog.get_logger()

UNITS_AT_ONCE = 200


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
            log.error("export.failed", export_id=export_id, error=type(error).__name__)
            _end(
                export_id, owner, attempt, error={"code": "no_space", "message": "the store has no room for the export"}
            )
        else:
            _end(export_id, owner, attempt, files=files)


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
            export.rows, export.size = files["data.jsonl"]["rows"], files["data.jsonl"]["bytes"]
            export.sha256 = files["data.jsonl"]["sha256"]


class _Part:
    """A stretch of the blob that is a file of its own: train.jsonl and validation.jsonl lie one behind the other."""

    def __init__(self, start: int) -> None:
        self.start, self.size, self.rows, self.hash = start, 0, 0, hashlib.sha256()

    def add(self, line: bytes) -> None:
        self.hash.update(line)
        self.size += len(line)
        self.rows += 1

    def file(self, blob: str) -> dict[str, Any]:
        return {
            "blob": blob,
            "start": self.start,
            "bytes": self.size,
            "sha256": self.hash.hexdigest(),
            "rows": self.rows,
        }


def _write(export_id: str) -> dict[str, Any]:
    store = storage.storage()
    with reading() as session:
        export = session.get_one(Export, export_id)
        dataset = session.get_one(Dataset, export.dataset_id)
    render = catalog.FORMATS[export.format].render
    with_sources = export.options.get("include_sources", False)
    counts: Counter[str] = Counter()
    refs: set[tuple[str, str]] = set()
    with store.upload() as upload:
        parts = {}
        for split in ("train", "validation"):
            part = parts[split] = _Part(upload.size)
            for row, sample in _rows(dataset.id, split):
                value = render(sample)
                if with_sources:
                    value |= _provenance(row, sample)
                line = orjson.dumps(value, option=orjson.OPT_APPEND_NEWLINE)
                upload.write(line)
                part.add(line)
                counts[f"kind:{sample.kind}"] += 1
                refs |= sample.lineage["prompts"].items()
        blob = store.keep(upload)
        size = upload.size
    files = {
        "data.jsonl": {
            "blob": blob,
            "start": 0,
            "bytes": size,
            "sha256": blob,
            "rows": sum(part.rows for part in parts.values()),
        },
        **{f"{split}.jsonl": part.file(blob) for split, part in parts.items()},
    }
    manifest = orjson.dumps(_manifest(export, dataset, files, counts, refs), option=orjson.OPT_INDENT_2)
    sha256 = storage.keep_bytes(manifest)
    files["manifest.json"] = {"blob": sha256, "start": 0, "bytes": len(manifest), "sha256": sha256, "rows": None}
    return files


def _rows(dataset_id: str, split: str) -> Iterator[tuple[Row, Sample]]:
    """Accepted rows in the order of their contexts, some hundred units at a time: memory does not grow with them.

    The order depends on what was generated and not on when, so the same rows always give the same bytes. Rows of a
    dataset that was cancelled have no split yet; they count as train.
    """
    wanted = Row.split == split
    if split == "train":
        wanted = wanted | Row.split.is_(None)
    place = -1
    while True:
        page = (
            select(Unit.id, Unit.position)
            .where(Unit.dataset_id == dataset_id, Unit.position > place)
            .order_by(Unit.position)
            .limit(UNITS_AT_ONCE)
        )
        with reading() as session:
            places = {unit_id: position for unit_id, position in session.execute(page)}
            rows = session.scalars(select(Row).where(Row.unit_id.in_(places), Row.state == "accepted", wanted)).all()
        for row in sorted(rows, key=lambda row: (places[row.unit_id], row.key)):
            yield row, _sample(row)
        if len(places) < UNITS_AT_ONCE:
            return
        place = max(places.values())


def _sample(row: Row) -> Sample:
    return Sample.model_validate({name: getattr(row, name) for name in Sample.model_fields})


def _provenance(row: Row, sample: Sample) -> dict[str, Any]:
    return {
        "sources": [span.model_dump() for span in sample.sources],
        "kind": sample.kind,
        "evolution": sample.evolution,
        "scores": {verdict.metric: verdict.score for verdict in sample.verdicts},
        "sample_id": str(row.id),
    }


def _manifest(
    export: Export, dataset: Dataset, files: dict[str, Any], counts: Counter[str], refs: set[tuple[str, str]]
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
            "rows": files["data.jsonl"]["rows"],
            "train": files["train.jsonl"]["rows"],
            "validation": files["validation.jsonl"]["rows"],
            "original": counts["kind:original"],
            "evolved": counts["kind:evolved"],
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
        "prompts": [{"id": ref, "sha256": sha256} for ref, sha256 in sorted(refs)],
        "files": {name: {key: file[key] for key in ("bytes", "sha256", "rows")} for name, file in files.items()},
        "created_by": "corpusmith 0.1.0",
    }


def _count_contexts(session: Session, dataset_id: str) -> int:
    return session.scalar(select(func.count()).where(Context.dataset_id == dataset_id)) or 0
