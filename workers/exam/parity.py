"""Whether a server's answers are those of the trained weights: each of their tokens is weighed by the adapter itself.

Two programs that compute the same weights in bfloat16 add up in another order, so of two tokens that are nearly as
likely either can win, and from there on the texts differ. Equal texts are therefore no fair test. Instead the adapter
(under PEFT) reads the prompt and the server's answer, and tells for each token by how many nats its own favourite at
that place is more likely. Up to TOLERANCE both said the same. The merged weights weigh the adapter's answers likewise.

`python -m workers.exam.parity FOLDER` reads parity.json (ParitySpec) and writes tokens.json (Said).
"""

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from app.domain import Record
from workers.training.files import write_whole

SPEC, SAID = "parity.json", "tokens.json"
TOLERANCE = 0.25  # nats
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
    """Folders of the base model and the adapter, how many tokens are compared, and each server's by prompt."""

    base_model: str
    adapter: str
    tokens: int = 32
    served: tuple[tuple[tuple[int, ...], ...], ...]


class Said(Record):
    """By prompt: its tokens, the greedy answers of adapter and merged weights, and two distances (see `distances`).

    `served_off`: of each server's answer from the adapter; `merged_off`: of the adapter's from the merged weights.
    """

    prompts: tuple[tuple[int, ...], ...]
    adapter: tuple[tuple[int, ...], ...]
    merged: tuple[tuple[int, ...], ...]
    served_off: tuple[tuple[float, ...], ...]
    merged_off: tuple[float, ...]
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


def compared(spec: ParitySpec, said: Said, prompts: Sequence[Sequence[Sequence[int]]]) -> dict[str, Any]:
    """What is told of the gate (ParityRead), by the worst server. `prompts`: as each server renders them, in tokens."""
    return {
        "prompts": len(said.prompts),
        "tokens": spec.tokens,
        "tolerance": TOLERANCE,
        "same": min(_share(off <= TOLERANCE for off in each) for each in said.served_off),
        "merged": _share(off <= TOLERANCE for off in said.merged_off),
        "identical": min(_share(map(_alike, said.adapter, each)) for each in spec.served),
        "merged_identical": _share(map(_alike, said.adapter, said.merged)),
        "furthest": round(max(map(max, said.served_off)), 4),
        "template": all([tuple(prompt) for prompt in each] == list(said.prompts) for each in prompts),
    }


def _share(found: Iterable[bool]) -> float:
    each = list(found)
    return round(sum(each) / len(each), 4)


def _alike(one: Sequence[int], other: Sequence[int]) -> bool:
    """Equal, up to the token that ends an answer, which only a server's has."""
    return list(one) in (list(other), list(other[:-1]))


def distances(model: Any, prompts: Sequence[Sequence[int]], answers: Sequence[Sequence[int]]) -> tuple[float, ...]:
    """By prompt: by how many nats `model` prefers another token, at that token of the answer where it is most."""
    import torch

    found = []
    for prompt, answer in zip(prompts, answers, strict=True):
        if not answer:
            found.append(0.0)
            continue
        ids = torch.tensor([[*prompt, *answer]], device=model.device)
        logits = model(input_ids=ids, use_cache=False).logits[0, len(prompt) - 1 : -1].float()
        said = logits.gather(1, torch.tensor(answer, device=model.device)[:, None])[:, 0]
        found.append(float((logits.max(dim=1).values - said).max()))
    return tuple(found)


def main(folder: Path) -> None:
    """Loads the base once, puts the adapter on, answers and weighs, merges, answers and weighs again."""
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
        served_off = tuple(distances(model, prompts, each) for each in spec.served)
        merged = model.merge_and_unload()
        by_merged = generate(merged, tokenizer, prompts, spec.tokens)
        merged_off = distances(merged, prompts, by_adapter)
    found = Said(
        prompts=tuple(map(tuple, prompts)),
        adapter=tuple(map(tuple, by_adapter)),
        merged=tuple(map(tuple, by_merged)),
        served_off=served_off,
        merged_off=merged_off,
        template_sha256=template_sha256(tokenizer),
    )
    write_whole(folder / SAID, found.model_dump_json().encode())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
