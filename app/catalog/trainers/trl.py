"""TRL's command line: one YAML file for each method that can learn from the format."""

from typing import Any

from app.catalog.bundled import Bundled, Trainer, yaml_file

_METHODS = {
    "messages": ("sft",),
    "prompt_completion": ("sft",),
    "chatml": ("sft",),
    "text": ("sft",),
    "trl_tools": ("sft",),
    "dpo": ("dpo", "reward"),
    "dpo_implicit": ("dpo", "reward"),
    "reward": ("reward",),
    "kto": ("kto",),
}
_RATES = {"sft": 2e-4, "dpo": 5e-6, "kto": 5e-6, "reward": 1e-4}


def files(bundled: Bundled) -> dict[str, str]:
    return {f"{method}.yaml": _config(bundled, method) for method in _METHODS[bundled.format]}


def commands(bundled: Bundled) -> list[str]:
    return [f"trl {method} --config trainers/trl/{method}.yaml" for method in _METHODS[bundled.format]]


def _config(bundled: Bundled, method: str) -> str:
    held_out: dict[str, Any] = {"eval_strategy": "no"}
    if bundled.validation:
        held_out = {"dataset_test_split": "validation", "eval_strategy": "epoch"}
    values = {
        "model_name_or_path": bundled.base_model,
        "dataset_name": bundled.train.partition("/")[0],
        **held_out,
        "learning_rate": _RATES[method],
        "num_train_epochs": 2,
        "lr_scheduler_type": "cosine",
        "warmup_steps": 0.03,
        "per_device_train_batch_size": 2,
        "gradient_accumulation_steps": 8,
        "max_length": 2048,
        "use_peft": True,
        "lora_r": 16,
        "lora_alpha": 32,
        "lora_target_modules": "all-linear",
        "logging_steps": 10,
        "report_to": "none",
        "seed": 0,
        "output_dir": f"{bundled.name}-{method}",
    }
    if method == "reward":
        values["lora_task_type"] = "SEQ_CLS"
    started = f"In the bundle's folder: trl {method} --config trainers/trl/{method}.yaml"
    return yaml_file(
        f"{started}\n`dataset_name` is the folder of the rows; its files are the splits by their names.", values
    )


TRL = Trainer(
    summary="TRL: `trl sft`, `trl dpo`, `trl kto`, `trl reward` with LoRA.",
    formats=frozenset(_METHODS),
    files=files,
    commands=commands,
    shapes=frozenset({"chat", "preference", "trajectories", "text"}),
    tools=frozenset({"trl_tools"}),
)
