"""A run in its child process: trains, is asked to stop, fails by name, and leaves a whole adapter."""

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from app.trainings.run import PhaseEvent, Stopped
from tests.training import tiny
from tests.training.running import ended, here, spec, started
from workers.training import checkpoint, control
from workers.training.child import failure_of
from workers.training.files import files_below


def test_a_child_trains_pauses_when_asked_goes_on_and_leaves_an_adapter(base: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    asked = spec(folder, base, held_out=4, hyperparameters={"n_epochs": 40, "checkpoint_every": 50})
    child = started(folder, asked)
    while not (folder / control.EVENTS).exists() or b'"step"' not in (folder / control.EVENTS).read_bytes():
        assert child.poll() is None
        time.sleep(0.01)
    control.ask(folder, "pause")
    paused = ended(folder, child)
    assert isinstance(paused.outcome, Stopped)
    assert paused.outcome.type == "paused"
    assert [found.step for found in paused.checkpoints] == [paused.outcome.step]

    done = ended(folder, started(folder, asked))
    assert done.result.steps == max(done.losses) == 120
    assert done.losses[120] < done.losses[1] - 0.4
    assert done.result.metrics["valid_loss"] == done.checkpoints[-1].metrics["valid_loss"]
    assert done.result.files == files_below(Path(done.result.adapter))
    assert {"adapter_config.json", "adapter_model.safetensors", "tokenizer.json"} <= done.result.files.keys()
    phases = [event.phase for event in done.events if isinstance(event, PhaseEvent)]
    assert phases[:3] == phases[3:6] == ["validating", "loading", "training"]
    assert phases[6:] == ["saving"]
    newest = checkpoint.newest(folder)
    assert newest is not None
    assert newest.manifest.tokens == done.result.trained_tokens


def test_a_bad_line_is_found_before_torch_is_loaded(base: Path, tmp_path: Path) -> None:
    asked = spec(tmp_path / "run", base)
    with Path(asked.train_files[0]).open("a") as file:
        file.write(json.dumps({"messages": [{"role": "user", "content": "And now?"}]}) + "\n")
    control.prepare(tmp_path / "run", asked)
    code = (
        "import sys; from pathlib import Path; from workers.training.child import main; "
        f"main(Path({str(tmp_path / 'run')!r})); print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
    failure = control.outcome(tmp_path / "run")
    assert failure is not None
    assert failure.model_dump() == {
        "type": "failed",
        "code": "invalid_training_file",
        "message": "run.jsonl, line 25: the last turn is not the assistant's",
        "param": "training_file",
        "line": 25,
    }


def test_what_goes_wrong_has_a_name(base: Path, tmp_path: Path) -> None:
    def code(name: str, base: Path = base, **given: Any) -> str:
        return here(tmp_path / name, spec(tmp_path / name, base, **given)).failure.code

    assert code("gpu", device="cuda") == "no_device"
    assert code("broken", base=tiny.model(tmp_path / "infinite", weights=float("inf"))) == "non_finite_loss"
    assert code("no", base=tmp_path) == "invalid_base_model"
    silent = tiny.model(tmp_path / "silent", template=None)
    failure = here(tmp_path / "mute", spec(tmp_path / "mute", silent)).failure
    assert (failure.code, "chat template" in failure.message) == ("invalid_base_model", True)


def test_memory_that_runs_out_has_a_name() -> None:
    import torch

    with pytest.raises(RuntimeError) as torchs:
        torch.empty(2**62, dtype=torch.uint8)
    for wrong in (
        torchs.value,
        MemoryError(),
        torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate ..."),
    ):
        failure = failure_of(wrong)
        assert (failure.code, "micro_batch_size" in failure.message) == ("out_of_memory", True)
    assert failure_of(ValueError("no")).code == "training_failed"
