"""The keeper's side of a run: prepares its folder, starts the child, asks it for something, reads how it ended."""

import sys
from pathlib import Path
from typing import Literal

from app.catalog import VARIANTS
from app.domain import Record
from app.errors import RefusedCombination
from app.trainings.choice import choose
from app.trainings.run import OUTCOME, Outcome, RunSpec
from workers.training.files import write_whole

SPEC, ASKED, OUTCOME_FILE, EVENTS, CHECKPOINTS, ADAPTER = (
    "spec.json",
    "asked.json",
    "outcome.json",
    "events.jsonl",
    "checkpoints",
    "adapter",
)
Wish = Literal["pause", "cancel", "checkpoint"]


class Asked(Record):
    """The last wish and how many there were: a second `checkpoint` is another one."""

    wish: Wish
    count: int


def prepare(folder: Path, spec: RunSpec) -> None:
    """Writes `spec.json` and forgets old wishes and the old outcome; checkpoints and events stay, so that it goes on.

    Raises what `choose` raises: a combination that is refused never reaches a child.
    """
    choose(spec.method, spec.variant, spec.method_options, spec.variant_options, spec.hyperparameters)
    if spec.adapter is not None and not VARIANTS[spec.variant].goes_on:
        raise RefusedCombination(f"{spec.variant} cannot go on from an adapter; lora and qlora can", param="variant")
    folder.mkdir(parents=True, exist_ok=True)
    for name in (ASKED, OUTCOME_FILE):
        (folder / name).unlink(missing_ok=True)
    write_whole(folder / SPEC, spec.model_dump_json(indent=1).encode())


def command(folder: Path) -> list[str]:
    """What to start, with the environment of this process. It ends with 0 when it wrote an outcome of any kind."""
    return [sys.executable, "-m", "workers.training", str(folder)]


def ask(folder: Path, wish: Wish) -> None:
    """Asks a running child; it looks after every optimiser step. `pause` saves first, `cancel` does not."""
    before = asked(folder)
    wanted = Asked(wish=wish, count=1 + (before.count if before else 0))
    write_whole(folder / ASKED, wanted.model_dump_json().encode())


def asked(folder: Path) -> Asked | None:
    """What was asked last, or None."""
    path = folder / ASKED
    return Asked.model_validate_json(path.read_bytes()) if path.exists() else None


def spec_of(folder: Path) -> RunSpec:
    """What the run in this folder was asked to do."""
    return RunSpec.model_validate_json((folder / SPEC).read_bytes())


def outcome(folder: Path) -> Outcome | None:
    """How the run ended; None: it has not, or its child died without a word (then it may be started again)."""
    path = folder / OUTCOME_FILE
    return OUTCOME.validate_json(path.read_bytes()) if path.exists() else None
