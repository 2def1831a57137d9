"""A run that is killed goes on from its newest whole checkpoint, and ends as one that was never killed."""

import random
import shutil
import time
from pathlib import Path

import pytest

from app.trainings.run import RunSpec
from tests.training.running import Ran, ended, here, spec, started
from workers.training import checkpoint, control

SETTINGS = {"n_epochs": 6, "checkpoint_every": 2, "keep_checkpoints": 2}  # 18 steps
SHORT, LONG = (1,), (0, *range(2, 20))  # the short one dies in the middle of a save


def asked(folder: Path, base: Path, variant: str = "lora") -> RunSpec:
    return spec(folder, base, variant=variant, hyperparameters=SETTINGS, variant_options={"dropout": 0.1})


@pytest.fixture(scope="module")
def whole(base: Path, tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """The same run, never killed."""
    folder = tmp_path_factory.mktemp("whole") / "run"
    return here(folder, asked(folder, base))


def killed(folder: Path, run: RunSpec, seed: int) -> Ran:
    """A child that is killed after some step, or (odd seeds) in the middle of writing some checkpoint."""
    drawn = random.Random(seed)
    child = started(folder, run)
    step, in_a_save = drawn.randrange(2, 18), seed % 2 == 1
    target = checkpoint.folder_of(folder, step - step % 2)
    partial, events = target.with_name(f".{target.name}.partial"), folder / control.EVENTS
    while child.poll() is None:
        if in_a_save and partial.exists() and any(partial.rglob("*")):
            time.sleep(drawn.uniform(0, 0.02))
            break
        if not in_a_save and events.exists() and f'"step":{step},'.encode() in events.read_bytes():
            break
        time.sleep(0 if in_a_save else 0.002)
    child.kill()
    return ended(folder, child)


def survives(seed: int, whole: Ran, base: Path, folder: Path) -> None:
    run = asked(folder, base)
    first = killed(folder, run, seed)
    assert first.outcome is None
    done = ended(folder, started(folder, run))
    assert done.losses == whole.losses  # steps done twice included: the later loss is the same
    for step, loss in first.losses.items():
        assert whole.losses[step] == loss
    assert done.result.trained_tokens == whole.result.trained_tokens
    assert done.result.files == whole.result.files
    assert not list((folder / control.CHECKPOINTS).glob(".*"))


@pytest.mark.parametrize("seed", SHORT)
def test_a_killed_run_ends_as_one_that_was_not(seed: int, whole: Ran, base: Path, tmp_path: Path) -> None:
    survives(seed, whole, base, tmp_path / "run")


@pytest.mark.slow
@pytest.mark.parametrize("seed", LONG)
def test_a_killed_run_ends_as_one_that_was_not_with_many_seeds(
    seed: int, whole: Ran, base: Path, tmp_path: Path
) -> None:
    survives(seed, whole, base, tmp_path / "run")


def test_a_damaged_checkpoint_is_left_out_and_an_older_one_taken(whole: Ran, base: Path, tmp_path: Path) -> None:
    run = asked(tmp_path / "run", base)
    shutil.copytree(whole.folder, tmp_path / "run")
    newest = checkpoint.newest(tmp_path / "run")
    assert newest is not None
    assert newest.manifest.step == 18
    with (newest.folder / "optimizer.pt").open("r+b") as file:
        file.seek(200)
        file.write(b"\0\1\2\3")
    (tmp_path / "run" / control.EVENTS).unlink()
    done = here(tmp_path / "run", run)
    assert done.warnings == {"damaged_checkpoint"}
    assert done.losses == {step: whole.losses[step] for step in (17, 18)}
    assert done.result.files == whole.result.files


def test_a_4_bit_run_goes_on_in_the_same_precision(base: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file

    from tests.training.running import paused_once

    runs = {name: asked(tmp_path / name, base, "qlora") for name in ("whole", "paused")}
    whole, paused = here(tmp_path / "whole", runs["whole"]), paused_once(tmp_path / "paused", runs["paused"])
    precisions = [
        {name: str(tensor.dtype) for name, tensor in load_file(found.folder / "trainable.safetensors").items()}
        for folder in (whole.folder, paused.folder)
        if (found := checkpoint.newest(folder))
    ]
    assert precisions[0] == precisions[1]
    assert set(precisions[0].values()) == {"torch.bfloat16"}
    assert paused.losses == whole.losses
