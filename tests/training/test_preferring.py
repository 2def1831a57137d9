"""That DPO teaches a real small model what is preferred, and not to write long answers."""

from pathlib import Path
from typing import Any

import pytest
import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

from app.exams.records import Interval
from app.settings import Settings
from app.stack import models
from tests.training import notes, tiny
from tests.training.notes import Noted
from tests.training.running import here, spec
from workers.exam import bootstrap
from workers.exam.sitting import generate
from workers.training.template import encode, render

TRAINED, HELD_OUT, ASKED = 160, 120, 40
SETTINGS = {
    "n_epochs": 2, "batch_size": 8, "micro_batch_size": 4, "learning_rate": 3e-4, "max_length": 160,
    "checkpoint_every": 1000,
}  # fmt: skip


@pytest.mark.model
@pytest.mark.slow
@pytest.mark.timeout(5400)
def test_pairs_teach_which_answer_is_right_and_not_which_is_long(tmp_path: Path) -> None:
    local = models.ensure("smollm2-135m", Settings().cache_dir, print)
    train = notes.pairs(TRAINED, notes.NAMES[::2], seed=1)
    held_out = notes.pairs(HELD_OUT, notes.NAMES[1::2], seed=2)  # other names
    files = [
        tiny.written(tmp_path / f"{name}.jsonl", [pair.row for pair in rows])
        for name, rows in (("train", train), ("held_out", held_out))
    ]
    asked = spec(
        tmp_path / "run", Path(local.path), "dpo", hyperparameters=SETTINGS, seed=1,
        train_files=(str(files[0]),), validation_files=(str(files[1]),),
    )  # fmt: skip
    done = here(tmp_path / "run", asked)

    tokenizer = AutoTokenizer.from_pretrained(local.path, padding_side="left")
    base = AutoModelForCausalLM.from_pretrained(local.path, dtype=torch.float32)
    model = PeftModel.from_pretrained(base, done.result.adapter).eval()
    with torch.inference_mode():
        tuned, tuned_texts = weighed(model, tokenizer, held_out), said(model, tokenizer, held_out[:ASKED])
        with model.disable_adapter():
            before, base_texts = weighed(model, tokenizer, held_out), said(model, tokenizer, held_out[:ASKED])
    margins = [(c - bc) - (r - br) for (c, r), (bc, br) in zip(tuned, before, strict=True)]
    gaps = [length(tokenizer, pair.chosen) - length(tokenizer, pair.rejected) for pair in held_out]
    right = [float(margin > 0) for margin in margins]
    shorter = [one for one, gap in zip(right, gaps, strict=True) if gap < 0]
    longer = [one for one, gap in zip(right, gaps, strict=True) if gap > 0]
    known, guessed = ([float(pair.right in text) for pair, text in zip(held_out, texts, strict=False)]
                      for texts in (tuned_texts, base_texts))  # fmt: skip
    figures = {
        "accuracy": over_chance(right), "chosen_shorter": over_chance(shorter), "chosen_longer": over_chance(longer),
        "pairs": (len(right), len(shorter), len(longer)), "gap": mean(gaps),
        "right_answers": (mean(guessed), mean(known)),
        "gain": interval([one - other for one, other in zip(known, guessed, strict=True)]),
        "answer_tokens": tuple(mean([length(tokenizer, text) for text in texts]) for texts in (base_texts, tuned_texts)),
        "pair_tokens": tuple(mean([length(tokenizer, getattr(pair, side)) for pair in train])
                             for side in ("chosen", "rejected")),
        "of_run": done.result.metrics,
    }  # fmt: skip
    print("\n" + "\n".join(f"{name}: {value}" for name, value in figures.items()))  # noqa: T201 what is wanted
    print(base_texts[:5], tuned_texts[:5])  # noqa: T201

    assert figures["accuracy"].above_zero
    assert figures["chosen_shorter"].above_zero  # the rule holds where length speaks against it
    assert done.result.metrics["valid_accuracy"] == pytest.approx(mean(right), abs=0.03)  # as the run itself said


def weighed(model: Any, tokenizer: Any, pairs: list[Noted]) -> list[tuple[float, float]]:
    """The log-likelihoods of each pair's answers after its prompt."""
    return [
        (likelihood(model, tokenizer, pair, pair.chosen), likelihood(model, tokenizer, pair, pair.rejected))
        for pair in pairs
    ]


def likelihood(model: Any, tokenizer: Any, pair: Noted, answer: str) -> float:
    turns = pair.row["prompt"]
    prompt = encode(tokenizer, render(tokenizer, turns, None, ask=True))
    whole = encode(tokenizer, render(tokenizer, [*turns, {"role": "assistant", "content": answer}], None))
    logits = model(input_ids=torch.tensor([whole]), use_cache=False).logits[0, len(prompt) - 1 : -1]
    wanted = torch.tensor(whole[len(prompt) :])
    return -float(torch.nn.functional.cross_entropy(logits, wanted, reduction="sum"))


def said(model: Any, tokenizer: Any, pairs: list[Noted]) -> list[str]:
    """Greedy answers."""
    prompts = [encode(tokenizer, render(tokenizer, pair.row["prompt"], None, ask=True)) for pair in pairs]
    return [tokenizer.decode(made).strip() for made in generate(model, tokenizer, prompts, 40)]


def length(tokenizer: Any, text: str) -> int:
    return len(encode(tokenizer, text))


def mean(values: list[Any]) -> float:
    return round(sum(values) / len(values), 4)


def over_chance(right: list[float]) -> Interval:
    """By how much more than half of the pairs are right."""
    return interval([one - 0.5 for one in right])


def interval(values: list[float]) -> Interval:
    return bootstrap.paired(values, [str(at) for at in range(len(values))], seed=0)
