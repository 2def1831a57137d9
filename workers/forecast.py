"""What a fine-tuning job will take and what its base model is like, where the model's folder is at hand."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from app.catalog.methods.online_dpo import OnlineDpoOptions
from app.db import reading
from app.models import Training
from app.trainings.basecheck import check_base
from app.trainings.basemodel import BaseModel
from app.trainings.choice import choose
from app.trainings.estimate import estimate
from workers import devices, stage
from workers.training_files import Part, Unreadable


def forecast(training: Training, staged: Mapping[Part, Path], rows: Mapping[Part, int]) -> dict[str, Any]:
    """Rows, tokens, steps, bytes of memory, seconds, and below `base` what was found of the model.

    On a machine without the model's folder: rows and steps alone. Raises BadRow, or Unreadable for a folder that holds
    no model.
    """
    known = {"rows": rows["train"], "validation_rows": rows.get("validation", 0)}
    folder = _folder(training)
    if folder is None:
        return known | {"steps": _rounds(training) * _steps(training.spec["resolved"], rows["train"])}
    spec, files = training.spec, [str(staged["train"])]
    choice = choose(
        training.method, training.variant, spec["method_options"], spec["variant_options"], spec["hyperparameters"]
    )
    base = _model(folder)
    found = estimate(base, choice, files, _device(spec["device"])).model_dump()
    return found | known | {"base": check_base(base, choice, files).model_dump(mode="json")}


def _folder(training: Training) -> Path | None:
    try:
        with reading() as session:
            return Path(stage.base(session, training)[0])
    except Unreadable:  # the worker that trains has it, or says that it has not
        return None


def _model(folder: Path) -> BaseModel:
    try:
        return BaseModel(folder)
    except Exception as error:  # the tokenizers' own has no name; all of them mean the same to who asked
        message = f"{folder.name} cannot be trained: {error}"
        raise Unreadable("invalid_base_model", message, "model") from error


def _device(wanted: str) -> str:
    """Whose speed is assumed: that of what was asked for, else of what this machine has."""
    if wanted != "auto":
        return wanted
    return "cuda" if devices.names()[0].startswith("cuda") else "cpu"


def _rounds(training: Training) -> int:
    options: dict[str, Any] = training.spec["method_options"]
    return OnlineDpoOptions(**options).rounds if training.method == "online_dpo" else 1


def _steps(resolved: Mapping[str, Any], rows: int) -> int:
    batch: int = resolved["batch_size"]
    epochs: float = resolved["n_epochs"]
    most: int | None = resolved["max_steps"]
    steps = max(1, math.ceil(math.ceil(rows / batch) * epochs))
    return min(steps, most or steps)
