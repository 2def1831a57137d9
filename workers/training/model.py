"""Loads the base model and its tokenizer from a folder, in the precision the variant wants. Nothing is downloaded."""

from pathlib import Path
from typing import Any

import torch
from transformers import (
    AutoModelForCausalLM,
    AutoModelForSequenceClassification,
    AutoTokenizer,
    BitsAndBytesConfig,
)

from app.catalog import VARIANTS
from workers.training import ranks
from workers.training.run import Run, RunFailed, no_memory_left


def load_tokenizer(run: Run, *, chat: bool) -> Any:
    """The base model's tokenizer, with a padding token. `chat`: it must have a chat template."""
    try:
        tokenizer = AutoTokenizer.from_pretrained(run.spec.base_model, local_files_only=True)
    except (OSError, ValueError, KeyError) as wrong:
        raise RunFailed("invalid_base_model", f"no tokenizer: {_first_line(wrong)}", param="model") from wrong
    if chat and not tokenizer.chat_template:
        message = "the model has no chat template, and these rows are conversations"
        raise RunFailed("invalid_base_model", message, param="model")
    if tokenizer.eos_token is None:
        raise RunFailed("invalid_base_model", "the tokenizer has no end-of-sequence token", param="model")
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer


def load_model(run: Run, *, reward: bool = False) -> Any:
    """The base model: quantised, in bfloat16, or in float32 where all weights train. `reward`: with one score as head.

    Raises RunFailed (`invalid_base_model`); running out of memory is told apart by child.py.
    """
    kind = AutoModelForSequenceClassification if reward else AutoModelForCausalLM
    whole_weights = not VARIANTS[run.choice.variant].adapter
    dtype = torch.bfloat16 if run.bf16 and not whole_weights else torch.float32
    torch.manual_seed(run.spec.seed)  # a reward head begins at random
    try:
        return kind.from_pretrained(
            run.spec.base_model,
            local_files_only=True,
            dtype=dtype,
            device_map={"": ranks.device()} if run.device == "cuda" else None,
            quantization_config=_quantisation(run, dtype),
            **({"num_labels": 1} if reward else {}),
        )
    except (OSError, ValueError, KeyError) as wrong:
        if no_memory_left(wrong):
            raise
        raise RunFailed("invalid_base_model", f"no model: {_first_line(wrong)}", param="model") from wrong


def _quantisation(run: Run, dtype: Any) -> BitsAndBytesConfig | None:
    if run.quantised == "nf4":
        return BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_use_double_quant=getattr(run.choice.variant_options, "double_quantisation", True),
            bnb_4bit_compute_dtype=dtype,
        )
    return BitsAndBytesConfig(load_in_8bit=True) if run.quantised == "int8" else None


def load_adapter(run: Run, model: Any, folder: Path) -> Any:
    """`model` with the adapter of an earlier run, to be trained further."""
    from peft import PeftModel

    try:
        loaded = PeftModel.from_pretrained(model, str(folder), is_trainable=True, local_files_only=True)
    except (OSError, ValueError, KeyError, RuntimeError) as wrong:
        if no_memory_left(wrong):
            raise
        raise RunFailed("invalid_base_model", f"no adapter: {_first_line(wrong)}", param="adapter") from wrong
    kind = str(loaded.peft_config["default"].peft_type.value)
    if (kind == "VERA") != (run.choice.variant == "vera"):
        message = f"the adapter is of kind {kind}, which {run.choice.variant} does not train further"
        raise RunFailed("refused_combination", message, param="variant")
    return loaded


def _first_line(wrong: Exception) -> str:
    return str(wrong).strip().split("\n", 1)[0][:300]
