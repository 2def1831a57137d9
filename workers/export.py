"""Stream a dataset's accepted rows through a catalogue format into the files of a container, and tell how they came."""

import errno
import os
from datetime import UTC, datetime
from typing import Any

import orjson
import structlog

from app import catalog, storage
from app.db import reading, transaction
from app.models import Dataset, Export
from app.settings import settings
from workers import bundles, containers, lease, rendered
from workers.containers import File, Part, Spool
from workers.manifest import manifest

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
    # Those of the two splits wait in a file each, since they come in the order of their text.
    with store.upload() as upload, store.upload() as held_out:
        spool = Spool(Part(upload), Part(held_out), entry.json_members | rendered.OPEN_MEMBERS)
        tally = rendered.spool(dataset.id, entry, export.options.get("include_sources", False), spool)
        bundle = export.options.get("bundle")
        columns = spool.columns if bundle is not None else {}
        written = containers.writer(container)(spool, store, export.options)
    suffix = catalog.CONTAINERS[container].suffix
    files = {f"{name}.{suffix}": file for name, file in written.items()}
    told = manifest(export, dataset, written, files, tally)
    files["manifest.json"] = _kept(orjson.dumps(told, option=orjson.OPT_INDENT_2))
    if bundle is not None:
        files["bundle.zip"] = bundles.pack(export, dataset, bundle, written, columns, told)
    return dict(files)


def _kept(data: bytes) -> File:
    sha256 = storage.keep_bytes(data)
    return {"blob": sha256, "start": 0, "bytes": len(data), "sha256": sha256, "rows": None}
