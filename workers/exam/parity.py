"""What the trained weights say themselves: greedy tokens of adapter and merged model, to compare a server with.

`python -m workers.exam.parity FOLDER` reads parity.json (ParitySpec) and writes tokens.json (Said). A server that says
something else serves other weights, or another chat template, than was trained.
"""

import sys
from pathlib import Path

from app.domain import Record
from workers.training.files import write_whole

SPEC, SAID = "parity.json", "tokens.json"
PROMPTS = (
    "Say hello.",
    "What is two plus three?",
    "Name a colour.",
    "Which day comes after Monday?",
    "What do cows eat?",
    "Write one sentence about the sea.",
    "Name three fruits.",
    "What is the capital of France?",
    "How many legs does a cat have?",
    "Finish the sentence: the sun is",
    "Tell me a number below ten.",
    "What is ice made of?",
    "Translate 'good morning' into German.",
    "Is the Earth round?",
    "What can you do?",
    "Give me a short list of tools.",
    "Who wrote Hamlet?",
    "Why do leaves fall in autumn?",
    "What is a ferry?",
    "Say goodbye.",
)


class ParitySpec(Record):
    """Folders of the base model and the adapter, and how many tokens are compared."""

    base_model: str
    adapter: str
    tokens: int = 32


class Said(Record):
    """By prompt: its tokens, what adapter and merged weights go on with, and the SHA-256 of the chat template."""

    prompts: tuple[tuple[int, ...], ...]
    adapter: tuple[tuple[int, ...], ...]
    merged: tuple[tuple[int, ...], ...]
    template_sha256: str


def command(folder: Path) -> list[str]:
    return [sys.executable, "-m", "workers.exam.parity", str(folder)]


def prepare(folder: Path, spec: ParitySpec) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / SAID).unlink(missing_ok=True)
    write_whole(folder / SPEC, spec.model_dump_json().encode())


def said(folder: Path) -> Said | None:
    """None: the child ended without a word."""
    path = folder / SAID
    return Said.model_validate_json(path.read_bytes()) if path.exists() else None


def same(one: tuple[tuple[int, ...], ...], other: list[list[int]]) -> float:
    """The share of prompts with equal tokens, as far as the shorter of both goes and at least one."""
    pairs = list(zip(one, other, strict=True))
    return sum(bool(a) and list(a[: len(b)]) == list(b[: len(a)]) for a, b in pairs) / len(pairs)


def main(folder: Path) -> None:
    """Loads the base once, puts the adapter on, generates, merges, generates again."""
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from workers.exam.sitting import generate
    from workers.training.template import encode, render, template_sha256

    spec = ParitySpec.model_validate_json((folder / SPEC).read_bytes())
    tokenizer = AutoTokenizer.from_pretrained(spec.base_model, local_files_only=True, padding_side="left")
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    device = "cuda" if torch.cuda.is_available() else "cpu"
    base = AutoModelForCausalLM.from_pretrained(spec.base_model, local_files_only=True, dtype=torch.bfloat16)
    model = PeftModel.from_pretrained(base.to(device), spec.adapter).eval()
    prompts = [encode(tokenizer, render(tokenizer, [{"role": "user", "content": p}], None, ask=True)) for p in PROMPTS]
    with torch.inference_mode():
        by_adapter = generate(model, tokenizer, prompts, spec.tokens)
        merged = model.merge_and_unload()
        by_merged = generate(merged, tokenizer, prompts, spec.tokens)
    found = Said(
        prompts=tuple(map(tuple, prompts)),
        adapter=tuple(map(tuple, by_adapter)),
        merged=tuple(map(tuple, by_merged)),
        template_sha256=template_sha256(tokenizer),
    )
    write_whole(folder / SAID, found.model_dump_json().encode())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
