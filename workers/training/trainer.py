"""What every TRL trainer gets in a run: whole checkpoints, resuming in the same precision, a count of tokens."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from transformers import Trainer

from workers.training import checkpoint, ranks
from workers.training.randomness import random_state_kept
from workers.training.run import Run

TRAINABLE = "trainable.safetensors"


class Recoverable:
    """Goes before a TRL trainer in the bases of a recipe's trainer."""

    run: Run
    tokens: int = 0  # trained on, over all starts of the run
    write_adapter: Callable[[Path], None] | None = None  # the adapter as it is served; None: whole weights are trained
    own_optimizer: Callable[[Any], Any] | None = None
    extra_loss: Callable[[], Any] | None = None
    extra_state: Any = None  # something with state_dict and load_state_dict that belongs into a checkpoint
    last_checkpoint: checkpoint.Checkpoint | None = None

    def create_model_card(self, *_: Any, **__: Any) -> None:
        """None: the card of a tuned model is written elsewhere, and says more."""

    def create_optimizer(self: Any, model: Any = None) -> Any:
        if self.optimizer is None and self.own_optimizer is not None:
            self.optimizer = self.own_optimizer(self)
        return super().create_optimizer(model)  # type: ignore[misc]

    def training_step(self: Any, model: Any, inputs: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        self.tokens += ranks.total(_count(inputs))
        loss = super().training_step(model, inputs, *args, **kwargs)  # type: ignore[misc]
        if self.extra_loss is not None:  # not in the loss that is told, which stays that of the rows
            self.accelerator.backward(self.extra_loss() / self.args.gradient_accumulation_steps)
        return loss

    def _get_output_dir(self: Any, trial: Any = None) -> str:
        return str(self._partial) if getattr(self, "_partial", None) else str(super()._get_output_dir(trial))  # type: ignore[misc]

    def _save_checkpoint(self: Any, model: Any, trial: Any) -> None:
        """As Trainer does, but into a folder beside; only a whole one gets its name. TRL's own would write a card."""

        def write(folder: Path) -> None:
            self._partial = folder
            try:
                Trainer._save_checkpoint(self, model, trial)
            finally:
                self._partial = None

        self.last_checkpoint = checkpoint.save(self.run.folder, self.state.global_step, write, self.tokens)

    def save_model(self: Any, output_dir: str | None = None, _internal_call: bool = False) -> None:
        """The tensors that train, as they are in memory; and the adapter as it is served. The first process writes."""
        if not ranks.first():
            return
        folder = Path(output_dir or self.args.output_dir)
        folder.mkdir(parents=True, exist_ok=True)
        save_file({name: p.detach().contiguous() for name, p in _trained(self.model)}, folder / TRAINABLE)
        if self.extra_state is not None:
            torch.save(self.extra_state.state_dict(), folder / "extra.pt")
        if self.write_adapter is not None:
            with random_state_kept():
                self.write_adapter(folder / "adapter")

    def _load_from_checkpoint(self: Any, resume_from_checkpoint: str, model: Any = None) -> None:
        """Copies the tensors back into those that train: neither their names nor their precision can change."""
        saved = load_file(Path(resume_from_checkpoint) / TRAINABLE)
        with torch.no_grad():
            for name, parameter in _trained(self.model):
                parameter.copy_(saved.pop(name))
        if saved:
            raise ValueError(f"the checkpoint holds tensors that do not train here: {sorted(saved)[:3]}")
        extra = Path(resume_from_checkpoint) / "extra.pt"
        if self.extra_state is not None and extra.exists():
            self.extra_state.load_state_dict(torch.load(extra, weights_only=True))


def _trained(model: Any) -> list[tuple[str, Any]]:
    return [(name, parameter) for name, parameter in model.named_parameters() if parameter.requires_grad]


def _count(inputs: dict[str, Any]) -> int:
    """Tokens of a batch, padding left out."""
    total = 0
    for name, value in inputs.items():
        if name.endswith("input_ids") and hasattr(value, "numel"):
            mask = inputs.get(name.replace("input_ids", "attention_mask"))
            total += int(mask.sum()) if mask is not None else value.numel()
    return total
