"""Between trainer and keeper: every step is told, wishes are heard, held-out loss is measured at checkpoints."""

import math
import re
import time
from typing import Any, Literal

from transformers import TrainerCallback

from app.trainings.run import CheckpointEvent, StepEvent
from workers.training import checkpoint, ranks
from workers.training.control import asked
from workers.training.files import sha256
from workers.training.heldout import HeldOut
from workers.training.run import Run, RunFailed
from workers.training.trainer import Recoverable


class Reporter(TrainerCallback):  # type: ignore[misc]
    """Tells each step to the journal; ends the training when it is asked to, when it diverges, or when it is done."""

    def __init__(self, run: Run, trainer: Recoverable, held_out: HeldOut) -> None:
        self.run, self.trainer, self.held_out = run, trainer, held_out
        self.stopped: Literal["paused", "cancelled"] | None = None
        self.last: dict[str, float] = {}
        self._heard = 0
        self._looked = False

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, Any] | None = None, **_: Any) -> None:
        """A step's metrics. Raises RunFailed (`non_finite_loss`) before such a state can be saved."""
        metrics = {name: float(value) for name, value in (logs or {}).items() if isinstance(value, int | float)}
        if "loss" not in metrics:
            return  # the summary at the end
        for name in ("loss", "grad_norm"):
            if not math.isfinite(metrics.get(name, 0.0)):
                message = f"{name} is {metrics[name]} at step {state.global_step}; a lower learning rate may help"
                raise RunFailed("non_finite_loss", message)
        self.last = {name: value for name, value in metrics.items() if math.isfinite(value)}
        self.run.journal.say(
            StepEvent(
                at=time.time(),
                step=state.global_step,
                steps=state.max_steps,
                epoch=float(state.epoch or 0),
                tokens=self.trainer.tokens,
                metrics=self.last,
            )
        )

    def on_pre_optimizer_step(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """In the first step: gradients must have come through to the first layer."""
        if not self._looked:
            self._looked = True
            if not reaches_first_layer(self.trainer.model):  # type: ignore[attr-defined]
                raise RunFailed("training_failed", "no gradient reaches the first layer: nothing would be learnt there")

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        wish = ranks.agreed(asked(self.run.folder) if ranks.first() else None)
        if wish is None or wish.count == self._heard:
            return
        self._heard = wish.count
        control.should_save = control.should_save or wish.wish in ("pause", "checkpoint")
        if wish.wish != "checkpoint":
            control.should_training_stop = True
            self.stopped = "paused" if wish.wish == "pause" else "cancelled"

    def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """A whole checkpoint is there: held-out rows are measured, older checkpoints go."""
        saved = self.trainer.last_checkpoint
        if saved is None or self.stopped == "cancelled":
            return
        measured = self.held_out.measure(saved) if self.stopped is None else {}
        metrics = {"train_loss": self.last.get("loss", 0.0), **measured}
        if "mean_token_accuracy" in self.last:
            metrics["train_mean_token_accuracy"] = self.last["mean_token_accuracy"]
        digest = sha256(saved.folder / checkpoint.MANIFEST)
        self.run.journal.say(
            CheckpointEvent(
                at=time.time(), step=saved.manifest.step, folder=str(saved.folder), sha256=digest, metrics=metrics
            )
        )
        if self.held_out.patience_is_over():
            self.run.journal.message(f"held-out loss did not fall any more; the best was at step {self.held_out.best}")
            control.should_training_stop = True
        if ranks.first():
            checkpoint.prune(self.run.folder, self.run.hyperparameters.keep_checkpoints, self.held_out.best)


def reaches_first_layer(model: Any) -> bool:
    """Whether some tensor that trains in the first of the layers has a gradient that is not zero."""
    layers: dict[int, list[Any]] = {}
    for name, parameter in model.named_parameters():
        number = re.search(r"\.(\d+)\.", name)
        if parameter.requires_grad and number:
            layers.setdefault(int(number[1]), []).append(parameter.grad)
    first = layers[min(layers)] if layers else []
    return not layers or any(gradient is not None and bool(gradient.count_nonzero()) for gradient in first)
