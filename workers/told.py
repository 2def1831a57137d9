"""What a training run says, as rows: an event for people, the numbers of each step once, and the checkpoints."""

from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import ids
from app.models import Training, TrainingCheckpoint, TrainingEvent
from app.models.trainings import FINAL
from app.trainings import service
from app.trainings.run import CheckpointEvent, Event, MessageEvent, PhaseEvent, StepEvent, WarningEvent

PHASES = {
    "validating": "Checking the rows once more",
    "loading": "Loading the base model",
    "training": "Training",
    "saving": "Saving the model",
}
_NAMES = {"loss": "train_loss", "mean_token_accuracy": "train_mean_token_accuracy"}
_RECENT = 0.2  # weight of the newest step in the pace


def store(session: Session, training: Training, told: Sequence[Event]) -> None:
    """Write what was told. A step that was done again after a crash takes the place of its first time."""
    if training.status in FINAL or not told:
        return
    steps = [event.step for event in told if isinstance(event, StepEvent | CheckpointEvent)]
    known = _known(session, training.id, steps)
    last: StepEvent | None = None
    for event in told:
        match event:
            case StepEvent():
                _step(session, training, event, known)
                _pace(training, last, event)
                last = event
            case CheckpointEvent():
                _checkpoint(session, training, event, known)
            case PhaseEvent():
                service.record(session, training, PHASES[event.phase], phase=event.phase)
            case WarningEvent():
                service.record(session, training, event.message, level="warn", code=event.code)
            case MessageEvent():
                service.record(session, training, event.message)
    training.version += 1


def _known(session: Session, training_id: str, steps: Sequence[int]) -> dict[int, TrainingEvent]:
    """The events of these steps that are there already."""
    if not steps:
        return {}
    between = TrainingEvent.step.between(min(steps), max(steps))
    rows = session.scalars(select(TrainingEvent).where(TrainingEvent.training_id == training_id, between))
    return {row.step: row for row in rows if row.step is not None}


def _step(session: Session, training: Training, event: StepEvent, known: dict[int, TrainingEvent]) -> None:
    data = {_NAMES.get(name, name): value for name, value in event.metrics.items()}
    data = {"step": event.step, "total_steps": event.steps, "epoch": event.epoch, **data}
    row = known.get(event.step)
    if row is None:
        row = TrainingEvent(tenant_id=training.tenant_id, training_id=training.id, step=event.step, level="info")
        row.created_at = datetime.fromtimestamp(event.at, UTC)
        known[event.step] = row
        session.add(row)
    row.message = f"Step {event.step}/{event.steps}: training loss={data.get('train_loss', 0.0):.4f}"
    row.data = data
    training.step, training.steps, training.trained_tokens = event.step, event.steps, event.tokens


def _pace(training: Training, before: StepEvent | None, event: StepEvent) -> None:
    """Seconds a step takes, lately. Two events of one batch are of one process."""
    if before is None or event.step <= before.step:
        return
    seconds = (event.at - before.at) / (event.step - before.step)
    old = training.seconds_per_step
    training.seconds_per_step = seconds if old is None else (1 - _RECENT) * old + _RECENT * seconds


def _checkpoint(session: Session, training: Training, event: CheckpointEvent, known: dict[int, TrainingEvent]) -> None:
    query = select(TrainingCheckpoint).where(
        TrainingCheckpoint.training_id == training.id, TrainingCheckpoint.step == event.step
    )
    row = session.scalar(query)
    if row is None:
        row = TrainingCheckpoint(
            id=ids.new("ftckpt"), tenant_id=training.tenant_id, training_id=training.id, step=event.step
        )
        session.add(row)
        service.record(session, training, f"Checkpoint created at step {event.step}", checkpoint=event.step)
    row.folder, row.sha256, row.metrics = event.folder, event.sha256, event.metrics
    measured = known.get(event.step)
    if measured is not None:
        measured.data = measured.data | {name: value for name, value in event.metrics.items() if "valid" in name}
    session.flush()
    training.failures = 1  # of this very worker, should it die: the run got further
