"""Axolotl: one YAML file."""

from typing import Any

from app.catalog.bundled import Bundled, Trainer, yaml_file

_SHAREGPT_ROLES = {"user": ["human"], "assistant": ["gpt"], "system": ["system"], "tool": ["observation"]}
# format: what the entry of `datasets` says, and what the file says beside
_KNOWN: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "messages": (
        {
            "type": "chat_template",
            "field_messages": "messages",
            "message_property_mappings": {"role": "role", "content": "content"},
            "roles_to_train": ["assistant"],
        },
        {},
    ),
    "sharegpt": (
        {
            "type": "chat_template",
            "field_messages": "conversations",
            "message_property_mappings": {"role": "from", "content": "value"},
            "roles": _SHAREGPT_ROLES,
            "roles_to_train": ["assistant"],
        },
        {},
    ),
    "alpaca": ({"type": "alpaca"}, {}),
    "chatml": ({"type": "completion", "field": "text"}, {}),
    "text": ({"type": "completion", "field": "text"}, {}),
    "dpo": (
        {
            "type": "chat_template.default",
            "field_messages": "prompt",
            "field_chosen": "chosen",
            "field_rejected": "rejected",
        },
        {"rl": "dpo"},
    ),
    "dpo_implicit": ({"type": "chat_template.argilla_chat"}, {"rl": "dpo"}),
}


def files(bundled: Bundled) -> dict[str, str]:
    return {"train.yaml": _config(bundled)}


def commands(bundled: Bundled) -> list[str]:
    return ["axolotl train trainers/axolotl/train.yaml"]


def _config(bundled: Bundled) -> str:
    told, beside = _KNOWN[bundled.format]
    read = {"ds_type": bundled.builder, "split": "train", **told}
    values: dict[str, Any] = {"base_model": bundled.base_model, **beside}
    values["datasets"] = [{"path": bundled.train, **read}]
    if bundled.validation:
        values["test_datasets"] = [{"path": bundled.validation, **read}]
    if told["type"].startswith("chat_template"):
        values["chat_template"] = "tokenizer_default"
    values |= {
        "adapter": "lora",
        "lora_r": 16,
        "lora_alpha": 32,
        "lora_target_linear": True,
        "sequence_len": 2048,
        "micro_batch_size": 2,
        "gradient_accumulation_steps": 8,
        "num_epochs": 2,
        "learning_rate": 5e-6 if beside else 2e-4,
        "optimizer": "adamw_torch",
        "lr_scheduler": "cosine",
        "warmup_ratio": 0.03,
        "bf16": "auto",
        "logging_steps": 10,
        "seed": 0,
        "output_dir": f"{bundled.name}-axolotl",
    }
    said = "In the bundle's folder: axolotl train trainers/axolotl/train.yaml"
    left_out = sorted({"system", "history"} & bundled.columns) if bundled.format == "alpaca" else []
    if left_out:
        said += f"\nAxolotl's type alpaca does not read {' and '.join(left_out)}; format `messages` keeps them."
    return yaml_file(said, values)


AXOLOTL = Trainer(
    summary="Axolotl: one YAML file for `axolotl train`, with LoRA.",
    formats=frozenset(_KNOWN),
    files=files,
    commands=commands,
)
