"""LLaMA-Factory: `dataset_info.json`, which says where the rows are and what columns mean, and a run's YAML file."""

import json
from typing import Any

from app.catalog.bundled import Bundled, Trainer, yaml_file

_FOLDER = "trainers/llama_factory"
_MESSAGES = {
    "role_tag": "role",
    "content_tag": "content",
    "user_tag": "user",
    "assistant_tag": "assistant",
    "system_tag": "system",
    "observation_tag": "tool",
    "function_tag": "function",
}
# format: stage, and what dataset_info.json says of it; a column is named only where some row has it
_KNOWN: dict[str, tuple[str, dict[str, Any]]] = {
    "alpaca": (
        "sft",
        {
            "formatting": "alpaca",
            "columns": {
                "prompt": "instruction",
                "query": "input",
                "response": "output",
                "system": "system",
                "history": "history",
            },
        },
    ),
    "sharegpt": ("sft", {"formatting": "sharegpt", "columns": {"messages": "conversations", "tools": "tools"}}),
    "messages": ("sft", {"formatting": "openai", "columns": {"messages": "messages"}, "tags": _MESSAGES}),
    "sharegpt_preference": (
        "dpo",
        {
            "formatting": "sharegpt",
            "ranking": True,
            "columns": {"messages": "conversations", "chosen": "chosen", "rejected": "rejected"},
        },
    ),
    "text": ("pt", {"formatting": "alpaca", "columns": {"prompt": "text"}}),
}
_RATES = {"sft": 2e-4, "dpo": 5e-6, "pt": 1e-4}


def files(bundled: Bundled) -> dict[str, str]:
    return {
        "dataset_info.json": json.dumps(_info(bundled), indent=2) + "\n",
        "train.yaml": _config(bundled),
    }


def commands(bundled: Bundled) -> list[str]:
    return [f"llamafactory-cli train {_FOLDER}/train.yaml"]


def _info(bundled: Bundled) -> dict[str, Any]:
    """File names are relative to the folder of dataset_info.json."""
    _, known = _KNOWN[bundled.format]
    columns = {meaning: column for meaning, column in known["columns"].items() if column in bundled.columns}
    told = known | {"columns": columns}
    found = {bundled.name: {"file_name": f"../../{bundled.train}"} | told}
    if bundled.validation:
        found[f"{bundled.name}-validation"] = {"file_name": f"../../{bundled.validation}"} | told
    return found


def _config(bundled: Bundled) -> str:
    stage, _ = _KNOWN[bundled.format]
    values: dict[str, Any] = {
        "model_name_or_path": bundled.base_model,
        "stage": stage,
        "do_train": True,
        "finetuning_type": "lora",
        "lora_rank": 16,
        "lora_alpha": 32,
        "lora_target": "all",
        "dataset_dir": _FOLDER,
        "dataset": bundled.name,
    }
    if bundled.validation:
        values |= {"eval_dataset": f"{bundled.name}-validation", "eval_strategy": "epoch"}
    if stage == "dpo":
        values |= {"pref_beta": 0.1, "pref_loss": "sigmoid"}
    values |= {
        "cutoff_len": 2048,
        "per_device_train_batch_size": 2,
        "gradient_accumulation_steps": 8,
        "learning_rate": _RATES[stage],
        "num_train_epochs": 2.0,
        "lr_scheduler_type": "cosine",
        "warmup_ratio": 0.03,
        "logging_steps": 10,
        "report_to": "none",
        "bf16": True,
        "seed": 0,
        "output_dir": f"{bundled.name}-{stage}",
    }
    started = f"In the bundle's folder: llamafactory-cli train {_FOLDER}/train.yaml"
    return yaml_file(f"{started}\nWithout `template` the chat template is the tokenizer's.", values)


LLAMA_FACTORY = Trainer(
    summary="LLaMA-Factory: `dataset_info.json` and a YAML file for `llamafactory-cli train`, with LoRA.",
    formats=frozenset(_KNOWN),
    files=files,
    commands=commands,
    tools=frozenset({"sharegpt"}),
    containers=frozenset({"jsonl", "parquet"}),
)
