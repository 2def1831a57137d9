"""The row files of a fine-tuning job: found, or made of a dataset, and laid where a run reads them."""

import errno
import hashlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Literal, Self

import structlog
from sqlalchemy import select

from app import ids, storage
from app.db import reading, transaction
from app.errors import NotFound
from app.exports.schemas import ExportCreate
from app.files import blobs
from app.files import service as files
from app.models import Dataset, Export, File, Training
from app.settings import settings
from app.trainings.asked import DATASET, format_for
from workers import export as exporting
from workers.exam import questions

log = structlog.get_logger()

Part = Literal["train", "validation"]


class Unreadable(Exception):
    """A file of the job is not there any more, a dataset gives no rows, or the disk cannot take them."""

    def __init__(self, code: str, message: str, param: str | None) -> None:
        super().__init__(message)
        self.code, self.param = code, param

    @classmethod
    def of_disk(cls, error: OSError) -> Self:
        """What the disk said, by name."""
        log.error("training.disk", errno=error.errno)
        if storage.is_full(error):
            return cls("no_space", "there is no room for the job's files", None)
        return cls("storage_failed", f"the disk failed: {os.strerror(error.errno or errno.EIO)}", None)


def root() -> Path:
    """Where runs have their folders; gpu workers of several machines that share it can go on with each other's runs."""
    return settings().data_dir / "trainings"


def resolve(training: Training) -> dict[Part, str]:
    """Ids of the files to read; rows of a dataset become an immutable file first. Raises Unreadable."""
    found: dict[Part, str] = {"train": _file(training, "train", training.training_file, "training_file")}
    if training.validation_file is not None:
        found["validation"] = _file(training, "validation", training.validation_file, "validation_file")
    return found


def _file(training: Training, part: Part, name: str, param: str) -> str:
    if not name.startswith(DATASET):
        return name
    with reading() as session:
        dataset = session.get_one(Dataset, name)
    written = format_for(training.method, dataset)
    export = _exported(dataset, written or "messages")
    kept = export.files[f"{part}.jsonl"]
    if not kept["rows"]:
        raise Unreadable("invalid_training_file", f"dataset {name} has no {part} rows", param)
    asked = questions.of_dataset(training, name) if part == "train" and training.spec.get("exam") else set()
    with storage.storage().upload() as upload:
        for data in _left(storage.storage().read(kept["blob"], kept["start"], kept["start"] + kept["bytes"]), asked):
            upload.write(data)
        copy = blobs.keep(upload)
    with transaction() as session:
        return files.add(session, training.tenant_id, copy, f"{name}-{part}.jsonl", "fine-tune").id


def _left(data: Iterable[bytes], asked: set[bytes]) -> Iterator[bytes]:
    """The same lines without those that the exam asks."""
    if not asked:
        yield from data
        return
    rest = b""
    for piece in data:
        *lines, rest = (rest + piece).split(b"\n")
        yield from (line + b"\n" for line in lines if line and questions.is_kept(line, asked))
    if rest and questions.is_kept(rest, asked):
        yield rest


def _exported(dataset: Dataset, written: str) -> Export:
    """The dataset's rows in this format: an export that is there, or a new one. Raises Unreadable."""
    with reading() as session:
        same = (Export.dataset_id == dataset.id, Export.format == written, Export.status == "succeeded")
        since = select(Export).where(*same, Export.created_at >= (dataset.finished_at or dataset.created_at))
        plain = ExportCreate(format=written).model_dump(exclude={"format"})
        there = [one for one in session.scalars(since.order_by(Export.created_at)) if one.options == plain]
    if there:
        return there[0]
    with transaction() as session:
        export = Export(
            id=ids.new("exp"), tenant_id=dataset.tenant_id, dataset_id=dataset.id, format=written, options=plain
        )
        session.add(export)
    exporting.run(export.id)
    with reading() as session:
        done = session.get_one(Export, export.id)
    if done.status != "succeeded":
        message = (done.error or {}).get("message", "the export did not end")
        raise Unreadable("export_failed", f"rows of {dataset.id} could not be written: {message}", "training_file")
    return done


def write(found: dict[Part, str], folder: Path) -> dict[Part, Path]:
    """The files in `folder` by part, each checked by its hash; what is there already is left. Raises Unreadable."""
    written: dict[Part, Path] = {}
    for part, file_id in found.items():
        with reading() as session:
            file = session.get(File, file_id)
        if file is None:
            param = "training_file" if part == "train" else "validation_file"
            raise Unreadable("file_missing", f"file {file_id} was deleted", param)
        written[part] = folder / f"{part}.jsonl"
        if not (written[part].exists() and _sha256(written[part]) == file.sha256):
            _write(file, written[part])
    return written


def _write(file: File, path: Path) -> None:
    digest = hashlib.sha256()
    try:
        with path.open("wb") as out:
            for data in blobs.read(file.blob, file.size):
                digest.update(data)
                out.write(data)
    except NotFound:
        raise Unreadable("file_missing", f"the bytes of file {file.id} are not in the store", "training_file") from None
    if digest.hexdigest() != file.sha256:
        raise Unreadable("file_missing", f"file {file.id} is damaged in the store", "training_file")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
