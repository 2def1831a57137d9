"""Checks a fine-tuning job before any device is taken: its rows, one by one, and what the job will take."""

import tempfile
from pathlib import Path
from typing import Any

from app import catalog
from app.db import transaction
from app.models import Training
from app.queue import ring
from app.settings import settings
from app.trainings import service
from app.trainings.asked import DATASET
from app.trainings.rows import BadRow
from app.trainings.rows import check as count_rows
from workers import lease, training_files
from workers.exam import questions
from workers.forecast import forecast
from workers.training_files import Unreadable

Error = tuple[str, str, str | None, int | None]  # code, message, param, line


def run(training_id: str) -> None:
    """Under a lease; nothing happens unless the job is waiting for it."""
    owner = lease.new_owner()
    with transaction() as session:
        training = session.get(Training, training_id)
        if training is None or training.status != "validating_files":
            return
        attempt = lease.take(session, Training, training_id, owner)
        if attempt is None:
            return
        training.failures += 1
        if training.failures > settings().unit_max_attempts:
            service.fail(session, training, "validation_failed", "every attempt to check the files ended its worker")
            return
    with lease.heartbeat(Training, training_id, owner):
        error: Error | None = None
        found: dict[str, Any] = {}
        try:
            found = _look(training)
        except BadRow as bad:
            param = "training_file" if bad.file.stem == "train" else "validation_file"
            error = ("invalid_training_file", str(bad), param, bad.line or None)
        except Unreadable as why:
            error = (why.code, str(why), why.param, None)
        except OSError as disk:
            failed = Unreadable.of_disk(disk)
            error = (failed.code, str(failed), failed.param, None)
    _end(training_id, owner, attempt, found, error)


def _look(training: Training) -> dict[str, Any]:
    """The files and their estimate. Raises BadRow or Unreadable."""
    files = training_files.resolve(training)
    root = training_files.root()
    root.mkdir(parents=True, exist_ok=True, mode=0o700)
    with tempfile.TemporaryDirectory(dir=root, prefix=".check-") as folder:
        staged = training_files.write(files, Path(folder))
        shapes = catalog.METHODS[training.method].rows
        rows = {name: count_rows([path], shapes) for name, path in staged.items()}
        if training.spec.get("exam") and not training.training_file.startswith(DATASET):
            questions.of_files(training, staged["train"], staged["validation"])
        return {"files": files, "estimate": forecast(training, staged, rows)}


def _end(training_id: str, owner: str, attempt: int, found: dict[str, Any], error: Error | None) -> None:
    with transaction() as session:
        if not lease.still_mine(session, Training, training_id, owner, attempt):
            return
        training = session.get_one(Training, training_id)
        training.owner, training.failures = None, 0
        if training.status != "validating_files":
            return  # cancelled meanwhile
        if error is not None:
            service.fail(session, training, *error)
            return
        training.train_file_id = found["files"]["train"]
        training.validation_file_id = found["files"].get("validation")
        training.estimate, training.steps = found["estimate"], found["estimate"]["steps"]
        for note in found["estimate"].get("base", {}).get("notes", ()):
            service.record(session, training, note["message"], level="warn", code=note["code"])
        if training.dry_run:
            service.move(session, training, "succeeded", "Dry run: files validated, nothing was trained")
            return
        waits = "; the job waits for its start" if training.held else ""
        service.move(session, training, "queued", f"Files validated, moving job to queued state{waits}")
        if not training.held:
            ring(session, "train")
