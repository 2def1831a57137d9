"""What a model server can load beside a base model, seen before it is asked to. Knows no torch."""

from pathlib import Path
from typing import Any

import orjson

CONFIG = "adapter_config.json"


class NotServable(Exception):
    """This adapter cannot be loaded, or must not be: why, in one word and in one sentence."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


def check(folder: Path, most_rank: int) -> None:
    """Raises NotServable for what vLLM cannot load at run time (its documentation of LoRA adapters)."""
    path = folder / CONFIG
    if not path.exists():
        message = "this variant changed the weights themselves: serve its exported folder as a model of its own"
        raise NotServable("whole_weights", message)
    config: dict[str, Any] = orjson.loads(path.read_bytes())
    if config.get("peft_type") != "LORA":
        raise NotServable("not_lora", f"model servers load LoRA adapters; this one is {config.get('peft_type')}")
    ranks = [int(config.get("r") or 0), *map(int, (config.get("rank_pattern") or {}).values())]
    if max(ranks) > most_rank:
        message = f"its rank is {max(ranks)}; the servers load up to {most_rank} (CORPUSMITH_SERVE_MAX_RANK)"
        raise NotServable("rank_too_high", message)
    if config.get("use_dora"):
        raise NotServable("not_lora", "DoRA adapters are not loaded by model servers: merge them")
    if config.get("modules_to_save"):
        names = ", ".join(config["modules_to_save"])
        raise NotServable("whole_modules", f"it holds whole modules ({names}), which model servers do not load")
    if config.get("bias", "none") != "none":
        raise NotServable("whole_modules", "it holds biases, which model servers do not load")
    wanted = config.get("target_modules") or []
    head = {"lm_head", "embed_tokens"} & set(wanted if isinstance(wanted, list) else [wanted])
    if head:
        message = f"it adapts {', '.join(sorted(head))}, which model servers do not load"
        raise NotServable("whole_modules", message)
