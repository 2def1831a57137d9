"""Runs of the tiny model: in a child process as a worker does it, or in this one, where torch is loaded only once."""

import subprocess
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.trainings.run import (
    CheckpointEvent,
    Event,
    Failure,
    Outcome,
    Result,
    RunSpec,
    StepEvent,
    Stopped,
    WarningEvent,
)
from tests.training import tiny
from workers.training import child, control
from workers.training.events import follow
from workers.training.run import Run

QUICK = {"n_epochs": 2, "batch_size": 8, "micro_batch_size": 4, "learning_rate": 1e-2, "max_length": 256}
ROWS = {"sft": tiny.chat_rows, "pretrain": tiny.text_rows}


@dataclass(frozen=True)
class Ran:
    """A run that ended, or was killed: then `outcome` is None."""

    folder: Path
    outcome: Outcome | None
    events: list[Event]
    stderr: str = ""

    @property
    def result(self) -> Result:
        assert isinstance(self.outcome, Result), (self.outcome, self.stderr[-2000:])
        return self.outcome

    @property
    def failure(self) -> Failure:
        assert isinstance(self.outcome, Failure), self.outcome
        return self.outcome

    @property
    def losses(self) -> dict[int, float]:
        """Loss by step; of steps that were done twice the later."""
        return {event.step: event.metrics["loss"] for event in self.events if isinstance(event, StepEvent)}

    @property
    def checkpoints(self) -> list[CheckpointEvent]:
        return [event for event in self.events if isinstance(event, CheckpointEvent)]

    @property
    def warnings(self) -> set[str]:
        return {event.code for event in self.events if isinstance(event, WarningEvent)}


def spec(
    folder: Path,
    base: Path,
    method: str = "sft",
    variant: str = "lora",
    *,
    rows: int = 24,
    held_out: int = 0,
    hyperparameters: dict[str, Any] | None = None,
    **given: Any,
) -> RunSpec:
    """A run over new rows for its method, written beside its folder."""
    made = ROWS.get(method, tiny.pair_rows)
    folder.parent.mkdir(parents=True, exist_ok=True)
    train = tiny.written(folder.with_suffix(".jsonl"), made(rows))
    files = (str(train),)
    validation = (str(tiny.written(folder.with_suffix(".valid.jsonl"), made(held_out))),) if held_out else ()
    settings = {"train_files": files, "validation_files": validation, **given}
    return RunSpec(
        method=method,
        variant=variant,
        base_model=str(base),
        hyperparameters=QUICK | (hyperparameters or {}),
        **settings,
    )


def here(folder: Path, asked: RunSpec) -> Ran:
    """In this process: what the child does, without its start."""
    control.prepare(folder, asked)
    ended = child.main(folder)
    return Ran(folder, ended, follow(folder)[0])


def started(folder: Path, asked: RunSpec) -> "subprocess.Popen[str]":
    """A child that is on its way."""
    control.prepare(folder, asked)
    return subprocess.Popen(control.command(folder), stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)


def ended(folder: Path, running: "subprocess.Popen[str]") -> Ran:
    """The same child once it is over."""
    _, stderr = running.communicate(timeout=600)
    return Ran(folder, control.outcome(folder), follow(folder)[0], stderr)


def paused_once(folder: Path, asked: RunSpec) -> Ran:
    """In this process: paused after the first step, then started again and left to its end."""
    control.prepare(folder, asked)
    control.ask(folder, "pause")
    paused = child.main(folder)
    assert isinstance(paused, Stopped), paused
    assert paused.step == 1
    return here(folder, asked)


def opened(folder: Path, asked: RunSpec) -> AbstractContextManager[Run]:
    """The run as its recipe gets it."""
    control.prepare(folder, asked)
    return child.opened(folder)
