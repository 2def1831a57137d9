"""Lays out a training run's folder: its row files, the adapter it goes on from, and its spec."""

from pathlib import Path

import orjson
from sqlalchemy.orm import Session

from app.db import reading
from app.errors import NotFound, Problem
from app.files import blobs
from app.models import Training
from app.settings import settings
from app.trainings import asked
from app.trainings.run import RunSpec
from workers import training_files
from workers.training import control
from workers.training_files import Part, Unreadable


def stage(training_id: str, folder: Path) -> int:
    """Make the folder ready for a child; checkpoints in it stay. Gives the offset from which to follow its events.

    Raises Unreadable when a file or model is not there.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with reading() as session:
        training = session.get_one(Training, training_id)
        folder_of_base, parent = base(session, training)
        reward = _reward_model(session, training)
    files: dict[Part, str] = {"train": training.train_file_id or ""}
    if training.validation_file_id:
        files["validation"] = training.validation_file_id
    paths = training_files.write(files, folder)
    spec = RunSpec(
        method=training.method,
        variant=training.variant,
        method_options=training.spec["method_options"],
        variant_options=training.spec["variant_options"],
        hyperparameters=training.spec["hyperparameters"],
        base_model=folder_of_base,
        adapter=str(fetch_adapter(parent, folder / "parent")) if parent else None,
        train_files=(str(paths["train"]),),
        validation_files=(str(paths["validation"]),) if "validation" in paths else (),
        reward_model=_fetch_reward_model(*reward, folder / "reward") if reward else None,
        seed=training.seed,
        device=training.spec["device"],
    )
    try:
        control.prepare(folder, spec)
    except Problem as refused:
        raise Unreadable("refused_combination", refused.detail, refused.param or "method") from None
    told = folder / control.EVENTS
    # Another machine's folder has other events; what it will say is new.
    return training.offset if told.exists() and told.stat().st_size >= training.offset else 0


def base(session: Session, training: Training) -> tuple[str, Training | None]:
    """The folder of the base model, and the job whose adapter is trained further. Raises Unreadable."""
    name, parent = training.model, None
    while name.startswith("ft:"):
        earlier = asked.trained(session, training.tenant_id, name)
        if earlier is None:
            raise Unreadable("invalid_base_model", f"model {name} was deleted", "model")
        name, parent = earlier.model, parent or earlier
    folder = settings().base_models.get(name)
    if folder is None or not (Path(folder).expanduser() / "config.json").exists():
        raise Unreadable("invalid_base_model", f"base model {name} has no folder with a config.json here", "model")
    return str(Path(folder).expanduser().absolute()), parent


def _reward_model(session: Session, training: Training) -> tuple[Training, str] | None:
    """The job that made the model to score with, and the folder of that one's base. Raises Unreadable."""
    name = training.spec["method_options"].get("reward_model")
    if training.method != "online_dpo" or name is None:
        return None
    made = asked.trained(session, training.tenant_id, name)
    if made is None:
        raise Unreadable("invalid_base_model", f"reward model {name} was deleted", "method")
    return made, base(session, made)[0]


def _fetch_reward_model(made: Training, base: str, folder: Path) -> str:
    """Its files in `folder`; an adapter's configuration names the folder that its base has on this machine."""
    fetch_adapter(made, folder)
    config = folder / "adapter_config.json"
    if config.exists():
        told = orjson.loads(config.read_bytes()) | {"base_model_name_or_path": base}
        config.write_bytes(orjson.dumps(told))
    return str(folder)


def fetch_adapter(training: Training, folder: Path) -> Path:
    """The files of a trained model in `folder`. Raises Unreadable when the model was deleted."""
    for name, file in training.adapter.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with path.open("wb") as out:
                out.writelines(blobs.read(file["blob"], file["bytes"]))
        except NotFound:
            raise Unreadable("invalid_base_model", f"the weights of {training.id} were deleted", "model") from None
    return folder
