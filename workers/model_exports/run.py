"""Makes the files of one export of a trained model, under a lease, and keeps them in the blob store.

What a worker that dies has done is not done again where that is dear: merged weights that are whole on disk only
have to be stored.
"""

import contextlib
import os
import shutil
import subprocess
import threading
import zipfile
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import structlog

from app import storage
from app.db import reading, transaction
from app.errors import NotFound
from app.files import blobs
from app.models import ModelExport, Training
from app.settings import settings
from app.stack import guard
from app.stack.locks import try_lock
from workers import environment, lease, shutdown, stage, zipped
from workers.containers.spool import Sink
from workers.model_exports import card, facts, records
from workers.model_exports.records import Merged, MergeSpec, NotMerged, Parity
from workers.training_files import Unreadable

log = structlog.get_logger()

CONFIG, CARD = "adapter_config.json", "README.md"
TICK = 0.5
Files = dict[str, dict[str, Any]]


class _Stopped(Exception):
    """This worker ends, or the lease is another's: others go on with it. `died`: the child did, without a word."""

    def __init__(self, *, died: bool = False) -> None:
        super().__init__()
        self.died = died


class _Failed(Exception):
    def __init__(self, code: str, message: str, parity: Parity | None = None) -> None:
        super().__init__(message)
        self.code, self.parity = code, parity


def run(export_id: str) -> None:
    """Nothing happens unless the export is queued or was left running."""
    owner = lease.new_owner()
    with transaction() as session:
        export = session.get(ModelExport, export_id)
        if export is None or export.deleted or export.status not in ("queued", "running"):
            return
        attempt = lease.take(session, ModelExport, export_id, owner)
        if attempt is None:
            return
        if attempt > settings().unit_max_attempts:
            _fail(export, "killed", "every attempt ended its process without a word")
            return
        export.status = "running"
    with lease.heartbeat(ModelExport, export_id, owner) as lost:
        files: Files = {}
        parity: Parity | None = None
        error: dict[str, Any] | None = None
        try:
            files, parity = _made(export_id, lost)
        except _Stopped as stopped:
            _let_go(export_id, owner, attempt, died=stopped.died)
            return
        except (_Failed, Unreadable) as why:
            error, parity = {"code": why.code, "message": str(why)}, getattr(why, "parity", None)
        except OSError as disk:
            found = Unreadable.of_disk(disk)
            error = {"code": found.code, "message": str(found)}
    _end(export_id, owner, attempt, files, parity, error)


def _let_go(export_id: str, owner: str, attempt: int, *, died: bool) -> None:
    """Free for others; the attempt counts only where the process died."""
    with transaction() as session:
        if lease.still_mine(session, ModelExport, export_id, owner, attempt):
            export = session.get_one(ModelExport, export_id)
            export.owner, export.attempt = None, attempt if died else attempt - 1


def _end(
    export_id: str, owner: str, attempt: int, files: Files, parity: Parity | None, error: dict[str, Any] | None
) -> None:
    with transaction() as session:
        mine = lease.still_mine(session, ModelExport, export_id, owner, attempt)
        if mine:
            export = session.get_one(ModelExport, export_id)
            export.owner, export.files, export.error = None, files, error
            export.parity = parity.model_dump() if parity else None
            export.status, export.finished_at = "failed" if error else "succeeded", datetime.now(UTC)
    if mine:
        shutil.rmtree(folder_of(export_id), ignore_errors=True)
    else:
        blobs.forget(files)


def _fail(export: ModelExport, code: str, message: str) -> None:
    export.status, export.owner, export.finished_at = "failed", None, datetime.now(UTC)
    export.error = {"code": code, "message": message}


def folder_of(export_id: str) -> Path:
    """Where weights are merged."""
    return settings().data_dir / "model_exports" / export_id


def _made(export_id: str, lost: threading.Event) -> tuple[Files, Parity | None]:
    """Raises _Stopped, _Failed, Unreadable or OSError."""
    with reading() as session:
        export = session.get_one(ModelExport, export_id)
        training = session.get_one(Training, export.training_id)
    if training.model_deleted:
        raise Unreadable("invalid_base_model", "the model was deleted", "model")
    return _adapter(export, training) if export.kind == "adapter" else _merged(export, training, lost)


def _adapter(export: ModelExport, training: Training) -> tuple[Files, None]:
    """The job's own files, a configuration that names the base model for others, the card, and all as an archive."""
    files: Files = {name: {**file, "own": False} for name, file in training.adapter.items()}
    try:
        read = b"".join(blobs.read(files[CONFIG]["blob"], files[CONFIG]["bytes"]))
    except (NotFound, KeyError):
        raise Unreadable("invalid_base_model", f"the weights of {training.id} are not in the store", "model") from None
    named = orjson.loads(read) | {"base_model_name_or_path": facts.base_name(export, training)}
    files[CONFIG] = _kept([orjson.dumps(named, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS)])
    files[CARD] = _card(export, training, files, None)
    with storage.storage().upload() as upload:
        with zipfile.ZipFile(Sink(upload), "w") as archive:
            for name, file in sorted(files.items()):
                data = blobs.read(file["blob"], file["bytes"])
                zipped.add(archive, f"{facts.slug(training)}/{name}", data, packed=True, size=file["bytes"])
        files["adapter.zip"] = _file(blobs.keep(upload))
    return files, None


def _merged(export: ModelExport, training: Training, lost: threading.Event) -> tuple[Files, Parity]:
    folder = folder_of(export.id)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    lock = _locked(folder, lost)
    try:
        whole = CONFIG not in training.adapter
        base = None
        if not whole:
            with reading() as session:
                base = stage.base(session, training)[0]
        weights = folder / "weights"
        spec = MergeSpec(
            base_model=base,
            weights=str(weights),
            precision=export.options["precision"],
            reward=training.method == "reward",
        )
        records.prepare(folder, spec)
        if records.ended(folder) is None:
            stage.fetch_adapter(training, weights)
            _child(folder, lock, lost)
        ended = records.ended(folder)
        if ended is None:
            raise _Stopped(died=True)
        if isinstance(ended, NotMerged):
            raise _Failed(ended.code, ended.message, ended.parity)
        return _stored(export, training, folder / records.MODEL, ended, lost), ended.parity
    finally:
        os.close(lock)


def _locked(folder: Path, lost: threading.Event) -> int:
    """The folder for us alone: a child of a worker that died is ending meanwhile. Raises _Stopped."""
    while (lock := try_lock(folder / ".lock")) is None:
        if lost.wait(TICK) or shutdown.requested.is_set():
            raise _Stopped
    return lock


def _child(folder: Path, lock: int, lost: threading.Event) -> None:
    """Merge in a process that has no secrets, whose guard holds the lock with it. Raises _Stopped."""
    with (folder / "child.log").open("ab") as out:
        process = subprocess.Popen(
            guard.command(1.0, records.command(folder), silence=settings().lease_seconds / 2),
            env=environment.without_secrets(),
            bufsize=0,
            stdin=subprocess.PIPE,
            stdout=out,
            stderr=subprocess.STDOUT,
            pass_fds=[lock],
            start_new_session=True,
        )
    assert process.stdin is not None
    try:
        while process.poll() is None:
            if lost.is_set() or shutdown.requested.is_set():
                raise _Stopped
            with contextlib.suppress(OSError):
                process.stdin.write(b".")
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(TICK)
    finally:
        with contextlib.suppress(OSError):
            process.stdin.close()  # the guard ends what is left
        process.wait()


def _stored(export: ModelExport, training: Training, model: Path, merged: Merged, lost: threading.Event) -> Files:
    files: Files = {}
    try:
        for name, digest in merged.files.items():
            files[name] = _kept(_bytes(model / name, lost))
            if files[name]["sha256"] != digest:
                raise _Failed("merge_failed", f"{name} was damaged on the worker's disk")
        files[CARD] = _card(export, training, files, merged)
    except BaseException:
        blobs.forget(files)
        raise
    return files


def _bytes(path: Path, lost: threading.Event) -> Iterator[bytes]:
    """Raises _Stopped."""
    with path.open("rb") as file:
        while data := file.read(storage.READ_BYTES):
            if lost.is_set() or shutdown.requested.is_set():
                raise _Stopped
            yield data


def _card(export: ModelExport, training: Training, files: Files, merged: Merged | None) -> dict[str, Any]:
    with reading() as session:
        found = facts.gather(session, export, training, files, merged)
    return _kept([card.card(found).encode()])


def _kept(data: Iterable[bytes]) -> dict[str, Any]:
    with storage.storage().upload() as upload:
        for some in data:
            upload.write(some)
        return _file(blobs.keep(upload))


def _file(kept: blobs.Kept) -> dict[str, Any]:
    return {"blob": kept.blob, "sha256": kept.sha256, "bytes": kept.size, "own": True}
