"""A tiny model with random weights and a tokenizer of single bytes, made in a second; and rows for it."""

import json
import random
from pathlib import Path
from typing import Any

CHATML = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
MARKED = (
    "{% for m in messages %}{% if m['role'] == 'assistant' %}<|im_start|>assistant\n"
    "{% generation %}{{ m['content'] }}<|im_end|>{% endgeneration %}{{ '\n' }}{% else %}"
    "<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def tokenizer(template: str | None = CHATML) -> Any:
    """Every byte is a token; `<|im_start|>`, `<|im_end|>` and `<|endoftext|>` are special."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    made = Tokenizer(models.BPE(vocab={letter: i for i, letter in enumerate(letters)}, merges=[]))
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    fast = PreTrainedTokenizerFast(
        tokenizer_object=made,
        eos_token="<|im_end|>",
        pad_token="<|endoftext|>",
        additional_special_tokens=["<|im_start|>"],
    )
    fast.chat_template = template
    return fast


def model(
    folder: Path,
    architecture: str = "llama",
    template: str | None = CHATML,
    weights: float | None = None,
    **changed: Any,
) -> Path:
    """A causal language model of 2 layers and 32 dimensions, as a folder. `weights`: what its last ones all are."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    words = tokenizer(template)
    shape: dict[str, Any] = {
        "vocab_size": len(words),
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "num_key_value_heads": 2,
        "max_position_embeddings": 512,
        "eos_token_id": words.eos_token_id,
        "bos_token_id": None,
        "pad_token_id": words.pad_token_id,
        "tie_word_embeddings": False,
    }
    torch.manual_seed(0)
    config = AutoConfig.for_model(architecture, **{**shape, **changed})
    made = AutoModelForCausalLM.from_config(config)
    if weights is not None:
        torch.nn.init.constant_(made.get_output_embeddings().weight, weights)
    made.save_pretrained(folder)
    words.save_pretrained(folder)
    return folder


TOWNS = ["Orlin", "Tavesk", "Brumel", "Kaston", "Pelur", "Sandvo", "Wexham", "Dorsin"]


def question(i: int) -> str:
    return f"Where is firm {i}?"


def chat_rows(count: int, seed: int = 0) -> list[dict[str, Any]]:
    drawn = random.Random(seed)
    return [
        {
            "messages": [
                {"role": "user", "content": question(i)},
                {"role": "assistant", "content": f"In {drawn.choice(TOWNS)}."},
            ]
        }
        for i in range(count)
    ]


def pair_rows(count: int, seed: int = 0) -> list[dict[str, Any]]:
    """The chosen answer names a town, the rejected one another."""
    drawn = random.Random(seed)
    return [
        {
            "prompt": [{"role": "user", "content": question(i)}],
            "chosen": [{"role": "assistant", "content": f"In {right}."}],
            "rejected": [{"role": "assistant", "content": f"In {wrong}!"}],
        }
        for i in range(count)
        for right, wrong in [drawn.sample(TOWNS, 2)]
    ]


def text_rows(count: int) -> list[dict[str, Any]]:
    towns = [TOWNS[i % len(TOWNS)] for i in range(count)]
    return [{"text": f"Firm {i} has its seat in {town}, and so it was for {i} years."} for i, town in enumerate(towns)]


def written(file: Path, rows: list[dict[str, Any]]) -> Path:
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return file
