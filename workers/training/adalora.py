"""AdaLoRA (arXiv 2303.10512): ranks are cut while training, as PEFT allocates them; nothing in TRL calls it for us."""

import math
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig
from safetensors.torch import save_file
from transformers import TrainerCallback

ORTHOGONALITY = 0.5  # weight of the penalty that keeps A and B orthogonal, as in PEFT


def schedule(options: Any, steps: int) -> dict[str, int]:
    """When cutting begins, when it ends, how often. At least one step lies between, however short the run."""
    begins, rest = math.floor(options.warmup_share * steps), math.floor(options.final_share * steps)
    rest = max(min(rest, steps - begins - 2), 0)
    return {"tinit": begins, "tfinal": rest, "deltaT": options.every, "total_step": max(steps, begins + rest + 1)}


def attach(trainer: Any) -> None:
    """Has ranks allocated after each optimiser step, orthogonality penalised, and the allocation checkpointed."""
    model = trainer.model.base_model
    trainer.add_callback(_Allocate(model))
    trainer.extra_loss = lambda: ORTHOGONALITY * penalty(model)
    trainer.extra_state = Allocation(model)


def penalty(model: Any) -> Any:
    """Mean distance of A A^T and B^T B from the identity."""
    found = []
    for name, p in model.named_parameters():
        if p.requires_grad and ("lora_A" in name or "lora_B" in name):
            product = p @ p.T if "lora_A" in name else p.T @ p
            found.append(torch.linalg.matrix_norm(product - torch.eye(len(product), dtype=p.dtype, device=p.device)))
    return torch.stack(found).mean()


class _Allocate(TrainerCallback):  # type: ignore[misc]
    """After the optimiser's step, before the gradients are cleared: the importance of a rank is read from them."""

    def __init__(self, model: Any) -> None:
        self.model = model

    def on_optimizer_step(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self.model.update_and_allocate(state.global_step + 1)


class Allocation:
    """The importances met so far and the ranks left, as a part of checkpoints."""

    def __init__(self, model: Any) -> None:
        self.model = model

    @property
    def _config(self) -> Any:
        return self.model.peft_config[self.model.trainable_adapter_name]

    def state_dict(self) -> dict[str, Any]:
        ranks = self.model.rankallocator
        return {"ipt": [ranks.ipt, ranks.exp_avg_ipt, ranks.exp_avg_unc], "pattern": self._config.rank_pattern}

    def load_state_dict(self, saved: dict[str, Any]) -> None:
        ranks = self.model.rankallocator
        ranks.ipt, ranks.exp_avg_ipt, ranks.exp_avg_unc = saved["ipt"]
        self._config.rank_pattern = saved["pattern"]


def write_as_lora(model: Any, folder: Path) -> None:
    """The adapter as plain LoRA, which servers load: the singular values go into A. Ranks that were cut are zeros."""
    config = model.peft_config["default"]
    state = {name: p.detach() for name, p in model.named_parameters() if p.requires_grad}
    plain = {}
    for name, p in state.items():
        if "lora_E" not in name:
            value = p * state[name.replace("lora_A", "lora_E")] if "lora_A" in name else p
            plain[name.replace(".default", "") + ".weight"] = value.contiguous()
    folder.mkdir(parents=True, exist_ok=True)
    LoraConfig(
        r=config.init_r,
        lora_alpha=config.lora_alpha,
        target_modules=config.target_modules,
        task_type=config.task_type,
        base_model_name_or_path=config.base_model_name_or_path,
        inference_mode=True,
    ).save_pretrained(folder)
    save_file(plain, folder / "adapter_model.safetensors", metadata={"format": "pt"})
