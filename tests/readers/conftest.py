"""One shelf of exports for all readers, and a tiny model that their trainers can load."""

from pathlib import Path
from typing import Any

import pytest

from tests.readers.shelf import Shelf


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the model of `model` will be; only tests that load it wait for it to be made."""
    return tmp_path_factory.mktemp("model")


@pytest.fixture(scope="session")
def shelf(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> Shelf:
    return Shelf(tmp_path_factory.mktemp("shelf"), str(tiny_model))


@pytest.fixture(scope="session")
def model(tiny_model: Path) -> Any:
    """A Llama of two layers with random weights, and a tokenizer whose tokens are bytes; returns the tokenizer."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    bytes_ = Tokenizer(models.BPE(vocab={letter: i for i, letter in enumerate(alphabet)}, merges=[]))
    bytes_.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bytes_.decoder = decoders.ByteLevel()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=bytes_,
        eos_token="<|im_end|>",
        pad_token="<|pad|>",
        additional_special_tokens=["<|im_start|>"],
    )
    tokenizer.chat_template = (
        "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}"
        "{% for call in m.tool_calls or [] %}{{ call.function.arguments | tojson }}{% endfor %}<|im_end|>\n{% endfor %}"
        "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
    )
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=2,
        pad_token_id=tokenizer.pad_token_id,
        eos_token_id=tokenizer.eos_token_id,
        bos_token_id=None,
    )
    LlamaForCausalLM(config).save_pretrained(tiny_model)
    tokenizer.save_pretrained(tiny_model)
    return tokenizer
