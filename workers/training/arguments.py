"""Hyperparameters as the trainers' arguments. All recipes share them; what differs stands in the recipe."""

import math
from typing import Any

from workers.training import ranks
from workers.training.control import CHECKPOINTS
from workers.training.run import Run, RunFailed

_OPTIMIZERS = {
    "adamw": "adamw_torch",
    "adamw_8bit": "adamw_8bit",
    "paged_adamw_8bit": "paged_adamw_8bit",
    "paged_adamw_32bit": "paged_adamw_32bit",
}


def steps_of(run: Run, rows: int) -> int:
    """Optimiser steps over `rows` (packed sequences count as rows), as the trainer counts them."""
    settings = run.hyperparameters
    batches = math.ceil(rows / (settings.micro_batch_size * ranks.world()))
    each = max(math.ceil(batches / _accumulation(run)), 1)
    whole = math.ceil(settings.n_epochs * each)
    return min(whole, settings.max_steps) if settings.max_steps else whole


def _accumulation(run: Run) -> int:
    """Micro-batches of each process in a batch. Raises RunFailed where they do not make one."""
    settings = run.hyperparameters
    at_once = settings.micro_batch_size * ranks.world()
    if ranks.world() > 1 and settings.batch_size % at_once:
        message = f"batch_size {settings.batch_size} is not a multiple of {ranks.world()} processes' micro-batches"
        raise RunFailed("refused_combination", message, param="batch_size")
    return max(settings.batch_size // at_once, 1)


def arguments(run: Run, steps: int) -> dict[str, Any]:
    """Keyword arguments of `transformers.TrainingArguments`."""
    settings = run.hyperparameters
    return {
        "output_dir": str(run.folder / CHECKPOINTS),
        "seed": run.spec.seed,
        "data_seed": run.spec.seed,
        "max_steps": steps,
        "per_device_train_batch_size": settings.micro_batch_size,
        "per_device_eval_batch_size": settings.micro_batch_size,
        "gradient_accumulation_steps": _accumulation(run),
        "learning_rate": settings.learning_rate,
        "lr_scheduler_type": settings.schedule,
        "warmup_steps": math.floor(settings.warmup_ratio * steps),  # the first warm-up step has a rate of 0
        "optim": _OPTIMIZERS[settings.optimizer],
        "weight_decay": settings.weight_decay,
        "max_grad_norm": settings.max_grad_norm,
        "bf16": run.bf16,
        "use_cpu": run.device == "cpu",
        "gradient_checkpointing": settings.gradient_checkpointing,
        "save_strategy": "steps",
        "save_steps": settings.checkpoint_every,
        "eval_strategy": "no",  # held-out rows are measured at checkpoints (heldout.py)
        "logging_steps": 1,
        "logging_nan_inf_filter": False,  # otherwise a loss that is no number would be logged as the one before it
        "report_to": "none",
        "disable_tqdm": True,
    }
