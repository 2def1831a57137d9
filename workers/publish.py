"""What a training run leaves behind: its adapter in the blob store, its metrics as a file, its model's name."""

import csv
import io
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import storage
from app.db import reading
from app.files import blobs
from app.files import service as files
from app.files.blobs import Kept
from app.models import Training, TrainingEvent
from app.trainings import service, show
from app.trainings.run import Result

FIRST = ("step", "train_loss", "train_mean_token_accuracy", "valid_loss", "valid_mean_token_accuracy")


class Published(NamedTuple):
    """Durable, and not known to anybody yet."""

    adapter: dict[str, dict[str, Any]]
    csv: Kept


def keep(training_id: str, result: Result) -> Published:
    """Store the adapter's files and the metrics of every step."""
    adapter = {}
    for name in result.files:
        with (Path(result.adapter) / name).open("rb") as source, storage.storage().upload() as upload:
            while data := source.read(storage.READ_BYTES):
                upload.write(data)
            adapter[name] = _file(blobs.keep(upload))
    return Published(adapter, blobs.keep_bytes(_metrics(training_id)))


def _file(kept: Kept) -> dict[str, Any]:
    return {"blob": kept.blob, "sha256": kept.sha256, "bytes": kept.size}


def _metrics(training_id: str) -> bytes:
    """A line a step, as CSV."""
    query = select(TrainingEvent.data).where(TrainingEvent.training_id == training_id)
    with reading() as session:
        rows = list(session.scalars(query.where(TrainingEvent.step.is_not(None)).order_by(TrainingEvent.step)))
    more = sorted({name for row in rows for name in row} - set(FIRST))
    out = io.StringIO()
    writer = csv.DictWriter(out, [*FIRST, *more], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode()


def finish(session: Session, training: Training, result: Result, kept: Published) -> None:
    """The job has succeeded: its model has a name and its result file an id."""
    name = show.model_name(training)
    file = files.add(session, training.tenant_id, kept.csv, "step_metrics.csv", "fine-tune-results")
    training.adapter, training.result_files = kept.adapter, [file.id]
    training.trained_tokens, training.step, training.steps = result.trained_tokens, result.steps, result.steps
    training.metrics, training.fine_tuned_model = dict(result.metrics), name
    training.packages = result.packages
    service.record(session, training, f"New fine-tuned model created: {name}", model=name)
    service.move(session, training, "succeeded", "The job has successfully completed")
