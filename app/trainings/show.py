"""Rows of fine-tuning jobs as the API shows them."""

from datetime import UTC, datetime
from typing import Any

from app import catalog
from app.models import Training, TrainingCheckpoint, TrainingEvent
from app.trainings.schemas import CheckpointRead, EstimateRead, HyperparametersRead, JobEventRead, JobRead, OursRead

EVENT = "ftevent_"


def job(training: Training) -> JobRead:
    """A job, with everything resolved that was left to us."""
    theirs = {
        name: getattr(training, name)
        for name in (
            *("id", "model", "training_file", "validation_file", "result_files", "seed", "status"),
            *("fine_tuned_model", "trained_tokens", "error"),
        )
    }
    numbers = hyperparameters(training)
    return JobRead(
        **theirs,
        created_at=int(training.created_at.timestamp()),
        finished_at=_unix(training.finished_at),
        organization_id=training.tenant_id,
        estimated_finish=_estimated_finish(training),
        hyperparameters=numbers,
        method=_method(training, numbers),
        metadata=training.labels,
        integrations=[],
        corpusmith=_ours(training),
    )


def hyperparameters(training: Training) -> HyperparametersRead:
    """OpenAI's three of them."""
    resolved = training.spec["resolved"]
    epochs: float = resolved["n_epochs"]
    return HyperparametersRead(
        n_epochs=int(epochs) if epochs == int(epochs) else epochs,
        batch_size=resolved["batch_size"],
        learning_rate_multiplier=training.spec["hyperparameters"].get("learning_rate_multiplier", 1.0),
    )


def _method(training: Training, numbers: HyperparametersRead) -> dict[str, Any] | None:
    kind = catalog.METHODS[training.method].openai
    if kind is None:
        return None
    beta = {"beta": training.spec["method_options"].get("beta", 0.1)} if kind == "dpo" else {}
    return {"type": kind, kind: {"hyperparameters": numbers.model_dump() | beta}}


def _ours(training: Training) -> OursRead:
    same = ("method", "variant", "dry_run", "train_file_id", "validation_file_id", "estimate", "step", "steps")
    return OursRead(
        **{name: getattr(training, name) for name in (*same, "metrics", "judge_calls", "packages")},
        method_options=training.spec["method_options"],
        variant_options=training.spec["variant_options"],
        hyperparameters=training.spec["resolved"],
        device=training.spec["device"],
        exam=training.spec.get("exam"),
        start=not training.held,
        running_on=training.device,
        adapter={name: file["bytes"] for name, file in training.adapter.items()},
    )


def _estimated_finish(training: Training) -> int | None:
    """By the pace of the last steps."""
    if training.status != "running" or training.seconds_per_step is None or training.steps is None:
        return None
    left = max(0, training.steps - training.step)
    return int(datetime.now(UTC).timestamp() + training.seconds_per_step * left)


def event(row: TrainingEvent) -> JobEventRead:
    return JobEventRead(
        id=f"{EVENT}{row.id}",
        created_at=int(row.created_at.timestamp()),
        level=row.level,
        message=row.message,
        type="message" if row.step is None else "metrics",
        data=row.data,
    )


def checkpoint(training: Training, row: TrainingCheckpoint) -> CheckpointRead:
    return CheckpointRead(
        id=row.id,
        created_at=int(row.created_at.timestamp()),
        fine_tuned_model_checkpoint=f"{model_name(training)}:ckpt-step-{row.step}",
        fine_tuning_job_id=row.training_id,
        step_number=row.step,
        metrics={"step": float(row.step), **row.metrics},
    )


def model_name(training: Training) -> str:
    """`ft:<base>:<tenant>:<suffix>:<end of the job's id>`; a model trained further keeps the name of its base."""
    base = training.model.split(":")[1] if training.model.startswith("ft:") else training.model
    return f"ft:{base}:{training.tenant_id}:{training.suffix or ''}:{training.id.rpartition('_')[2][-10:]}"


def estimate(training: Training) -> EstimateRead:
    return EstimateRead(job_id=training.id, status=training.status, estimate=training.estimate, error=training.error)


def _unix(when: datetime | None) -> int | None:
    return int(when.timestamp()) if when else None
