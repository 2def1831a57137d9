"""What the child that merges is asked, and how it ends; in a folder of its own. Knows no torch."""

import sys
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from app.domain import Record
from workers.training.files import write_whole

SPEC, ENDED, MODEL = "merge.json", "merged.json", "model"


class MergeSpec(Record):
    """`base_model`: a folder, or None where `weights` are whole already. `reward`: the model has one score as head."""

    base_model: str | None
    weights: str
    precision: Literal["bf16", "f16"]
    reward: bool = False


class Parity(Record):
    """See app/model_exports/schemas.py."""

    prompts: int
    tokens: int
    same: float
    off: float
    moved: float


class Merged(Record):
    """The folder `model` is whole. `dequantised`: the base's own files were quantised."""

    type: Literal["merged"] = "merged"
    files: dict[str, str]  # name -> sha256
    parity: Parity
    dequantised: bool


class NotMerged(Record):
    """Why there is nothing."""

    type: Literal["failed"] = "failed"
    code: Literal["parity_failed", "out_of_memory", "invalid_base_model", "no_space", "merge_failed"]
    message: str
    parity: Parity | None = None


Ended = Annotated[Merged | NotMerged, Field(discriminator="type")]
ENDED_AS: TypeAdapter[Ended] = TypeAdapter(Ended)


def prepare(folder: Path, spec: MergeSpec) -> None:
    """Writes what is asked; what was asked otherwise, or failed, is forgotten. Merged weights stay: they are done."""
    wanted = spec.model_dump_json(indent=1).encode()
    path = folder / SPEC
    if not path.exists() or path.read_bytes() != wanted or not isinstance(ended(folder), Merged):
        (folder / ENDED).unlink(missing_ok=True)
        write_whole(path, wanted)


def command(folder: Path) -> list[str]:
    return [sys.executable, "-m", "workers.model_exports.merge", str(folder)]


def ended(folder: Path) -> Ended | None:
    """None: the child has not ended, or ended without a word."""
    path = folder / ENDED
    return ENDED_AS.validate_json(path.read_bytes()) if path.exists() else None
