"""Loss on held-out rows, at checkpoints. Where measuring would spoil the model (guard.py), another process does it.

python -m workers.training.heldout RUN_FOLDER CHECKPOINT_FOLDER
"""

import subprocess
import sys
from pathlib import Path
from typing import Any

import orjson

from workers.training import ranks
from workers.training.checkpoint import Checkpoint
from workers.training.files import write_whole
from workers.training.randomness import random_state_kept
from workers.training.run import Run, RunFailed

MEASURED = "heldout.json"


class HeldOut:
    """What was measured at which step; kept in the run's folder, so that a resumed run knows it too."""

    def __init__(self, run: Run, trainer: Any, *, from_step: int) -> None:
        self.run, self.trainer = run, trainer
        path = run.folder / MEASURED
        known = orjson.loads(path.read_bytes()) if path.exists() else {}
        self.measured: dict[int, dict[str, float]] = {int(k): v for k, v in known.items() if int(k) <= from_step}

    @property
    def best(self) -> int | None:
        """The step with the lowest held-out loss."""
        losses = {step: found["valid_loss"] for step, found in self.measured.items() if "valid_loss" in found}
        return min(losses, key=lambda step: (losses[step], step)) if losses else None

    def measure(self, saved: Checkpoint) -> dict[str, float]:
        """`valid_loss` and, for preferences, `valid_accuracy` of this checkpoint; nothing without held-out rows."""
        if not self.run.spec.validation_files:
            return {}
        found: dict[str, float] = ranks.agreed(self._measured(saved))
        self.measured[saved.manifest.step] = found
        if ranks.first():
            write_whole(self.run.folder / MEASURED, orjson.dumps({str(k): v for k, v in self.measured.items()}))
        return found

    def patience_is_over(self) -> bool:
        patience, best = self.run.hyperparameters.early_stop, self.best
        return patience is not None and best is not None and sum(step > best for step in self.measured) >= patience

    def _measured(self, saved: Checkpoint) -> dict[str, float]:
        """Here all processes take their part; another process is one for all, and the first one's."""
        if self.run.fragile:
            return self._in_another_process(saved) if ranks.first() else {}
        with random_state_kept():
            return readable(self.trainer.evaluate())

    def _in_another_process(self, saved: Checkpoint) -> dict[str, float]:
        command = [sys.executable, "-m", "workers.training.heldout", str(self.run.folder), str(saved.folder)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=ranks.alone())
        if done.returncode:
            raise RunFailed("training_failed", f"held-out loss was not measured: {done.stderr.strip()[-300:]}")
        return {name: float(value) for name, value in orjson.loads(done.stdout.splitlines()[-1]).items()}


def readable(metrics: dict[str, float]) -> dict[str, float]:
    """Of what a trainer's evaluate() gives, what people ask for."""
    names = {
        "eval_loss": "valid_loss",
        "eval_rewards/accuracies": "valid_accuracy",
        "eval_accuracy": "valid_accuracy",
        "eval_rewards/margins": "valid_margin",
        "eval_margin": "valid_margin",
        "eval_mean_token_accuracy": "valid_mean_token_accuracy",
    }
    return {names[name]: float(value) for name, value in metrics.items() if name in names}


def main(folder: Path, checkpoint: Path) -> None:
    """Builds the same trainer around the saved tensors, measures, and prints one line of JSON."""
    from workers.training.child import opened
    from workers.training.recipes import recipe

    with opened(folder, silent=True) as run:
        trainer = recipe(run.choice.method).build(run)
        trainer._load_from_checkpoint(str(checkpoint))
        print(orjson.dumps(readable(trainer.evaluate())).decode())  # noqa: T201 the reply


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
