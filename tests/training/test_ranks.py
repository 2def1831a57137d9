"""One run in two processes, as `accelerate launch` starts them for two GPUs; here by torchrun, on the CPU."""

import subprocess
import sys
from pathlib import Path

import pytest

from app.trainings.run import RunSpec, Stopped
from tests.training.running import Ran, ended, here, spec
from workers.training import control

LAUNCH = ("-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2")


def launched(folder: Path, asked: RunSpec, wish: control.Wish | None = None) -> Ran:
    """The run in two processes, to its end."""
    control.prepare(folder, asked)
    if wish is not None:
        control.ask(folder, wish)
    command = [sys.executable, *LAUNCH, "-m", "workers.training", str(folder)]
    return ended(folder, subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True))


@pytest.mark.parametrize("method", ["sft", pytest.param("dpo", marks=pytest.mark.slow)])
def test_two_processes_learn_what_one_learns(method: str, base: Path, tmp_path: Path) -> None:
    one, two = (spec(tmp_path / name, base, method, held_out=8) for name in ("one", "two"))
    alone, together = here(tmp_path / "one", one), launched(tmp_path / "two", two)
    assert together.result.steps == alone.result.steps == 6
    assert list(together.losses) == list(alone.losses), "told once, by the first"
    assert together.losses == pytest.approx(alone.losses, rel=0.02)
    assert together.result.trained_tokens == alone.result.trained_tokens
    assert set(together.result.files) == set(alone.result.files)
    assert together.result.metrics["valid_loss"] == pytest.approx(alone.result.metrics["valid_loss"], rel=0.02)


@pytest.mark.slow
def test_two_processes_pause_together_and_go_on_as_if_they_had_not(base: Path, tmp_path: Path) -> None:
    whole = launched(tmp_path / "whole", spec(tmp_path / "whole", base))
    asked = spec(tmp_path / "run", base)
    paused = launched(tmp_path / "run", asked, "pause")
    assert paused.outcome == Stopped(type="paused", step=1)
    assert list(paused.checkpoints[0].metrics)
    done = launched(tmp_path / "run", asked)
    assert done.losses == pytest.approx(whole.losses, rel=1e-6)
    assert done.result.trained_tokens == whole.result.trained_tokens


def test_a_batch_that_cannot_be_shared_is_refused_by_name(base: Path, tmp_path: Path) -> None:
    uneven = spec(tmp_path / "run", base, hyperparameters={"batch_size": 4, "micro_batch_size": 4})
    failure = launched(tmp_path / "run", uneven).failure
    assert (failure.code, failure.param) == ("refused_combination", "batch_size")
