"""A tiny base model that has favourites, as trained ones do, and what a server of its weights answers."""

from pathlib import Path
from typing import Any

from tests.training import tiny

SHARPER = 20  # random weights like all tokens nearly alike


def model(folder: Path) -> Path:
    import torch
    from transformers import AutoModelForCausalLM

    tiny.model(folder)
    made = AutoModelForCausalLM.from_pretrained(folder)
    with torch.no_grad():
        made.lm_head.weight *= SHARPER
    made.save_pretrained(folder)
    return folder


def answers(base: Path, adapter: Path | None, scale: float = 1.0) -> tuple[list[list[int]], list[list[int]]]:
    """Prompts of the parity gate and greedy answers, in float32: rounded otherwise than the gate does.

    As vLLM's, an answer that ended has the token that ends it: an empty one says that the server tells no tokens.
    `scale` multiplies what the adapter adds.
    """
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    from workers.exam import parity
    from workers.exam.sitting import generate
    from workers.serve import TOKENS
    from workers.training.template import encode, render

    words = tiny.tokenizer()
    turns = ([{"role": "user", "content": prompt}] for prompt in parity.PROMPTS)
    prompts = [encode(words, render(words, turn, None, ask=True)) for turn in turns]
    found: Any = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
    if adapter is not None:
        found = PeftModel.from_pretrained(found, adapter)
        for name, parameter in found.named_parameters():
            if "lora_B" in name:
                parameter.data *= scale
    with torch.inference_mode():
        said = generate(found.eval(), words, prompts, TOKENS)
    return prompts, [answer + [words.eos_token_id] * (len(answer) < TOKENS) for answer in said]
