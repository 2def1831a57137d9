"""That DPO teaches a real small model what is preferred, and not to write long answers."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
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

TRAINED, HELD_OUT, ASKED = 280, 100, 24
SETTINGS = {
    "n_epochs": 1, "batch_size": 8, "micro_batch_size": 4, "learning_rate": 1e-3, "max_length": 160,
    "checkpoint_every": 1000,
}  # fmt: skip


@dataclass(frozen=True)
class Seen:
    """A model on the held-out pairs: log-likelihoods of chosen and rejected, and its own greedy answers."""

    weighed: list[tuple[float, float]]
    said: list[str]


@pytest.fixture
def all_cores() -> Iterator[None]:
    """The other tests here have models so small that one is faster."""
    before = torch.get_num_threads()
    torch.set_num_threads(os.cpu_count() or 1)
    yield
    torch.set_num_threads(before)


@pytest.mark.model
@pytest.mark.slow
@pytest.mark.timeout(5400)
@pytest.mark.usefixtures("all_cores")
def test_pairs_teach_which_answer_is_right_and_not_which_is_long(tmp_path: Path) -> None:
    local = models.ensure("smollm2-135m", Settings().cache_dir, print)
    train = notes.pairs(TRAINED, notes.NAMES[::2], seed=1)
    held_out = notes.pairs(HELD_OUT, notes.NAMES[1::2], seed=2)  # other names
    files = [
        str(tiny.written(tmp_path / f"{name}.jsonl", [pair.row for pair in rows]))
        for name, rows in (("train", train), ("held_out", held_out))
    ]
    asked = spec(
        tmp_path / "run", Path(local.path), "dpo", hyperparameters=SETTINGS, method_options={"sft_weight": 0.5}, seed=1,
        train_files=files[:1], validation_files=files[1:],
    )  # fmt: skip
    done = here(tmp_path / "run", asked)

    tokenizer = AutoTokenizer.from_pretrained(local.path, padding_side="left")
    model = PeftModel.from_pretrained(
        AutoModelForCausalLM.from_pretrained(local.path, dtype=torch.float32), done.result.adapter
    ).eval()
    with torch.inference_mode():
        tuned = look(model, tokenizer, held_out)
        with model.disable_adapter():
            base = look(model, tokenizer, held_out)

    right = [  # by the implicit reward, log(policy / reference), as DPO has it
        float(chosen - of_chosen > rejected - of_rejected)
        for (chosen, rejected), (of_chosen, of_rejected) in zip(tuned.weighed, base.weighed, strict=True)
    ]
    gaps = [length(tokenizer, pair.chosen) - length(tokenizer, pair.rejected) for pair in held_out]
    shorter = [one for one, gap in zip(right, gaps, strict=True) if gap < 0]
    longer = [one for one, gap in zip(right, gaps, strict=True) if gap > 0]
    knew, knows = (
        [float(pair.right in text) for pair, text in zip(held_out, seen.said, strict=False)] for seen in (base, tuned)
    )
    gain = interval([after - before for after, before in zip(knows, knew, strict=True)])
    wrote = [mean([length(tokenizer, text) for text in seen.said]) for seen in (base, tuned)]
    longest = max(length(tokenizer, side) for pair in train for side in (pair.chosen, pair.rejected))
    for line in (
        f"reward accuracy {accuracy(right)}; chosen is shorter {accuracy(shorter)}; is longer {accuracy(longer)}",
        f"mean gap chosen - rejected {mean(gaps)} tokens; right by likelihood alone {by_likelihood(base)}",
        f"right answers {mean(knew)} -> {mean(knows)}, gain {told(gain)}; tokens an answer {wrote[0]} -> {wrote[1]}",
        f"of the run: {done.result.metrics}",
        f"answers: {base.said[:4]} -> {tuned.said[:4]}",
    ):
        print(line)  # noqa: T201 the figures are what is wanted

    assert over_chance(right).above_zero
    assert over_chance(shorter).above_zero  # what was learnt holds where length speaks against it
    assert wrote[1] < longest  # and answers did not grow beyond what was shown
    assert done.result.metrics["valid_accuracy"] == pytest.approx(mean(right), abs=0.03)  # as the run itself said


def look(model: Any, tokenizer: Any, pairs: list[Noted]) -> Seen:
    weighed = [
        (likelihood(model, tokenizer, pair, pair.chosen), likelihood(model, tokenizer, pair, pair.rejected))
        for pair in pairs
    ]
    prompts = [encode(tokenizer, render(tokenizer, pair.row["prompt"], None, ask=True)) for pair in pairs[:ASKED]]
    return Seen(weighed, [tokenizer.decode(made).strip() for made in generate(model, tokenizer, prompts, 40)])


def likelihood(model: Any, tokenizer: Any, pair: Noted, answer: str) -> float:
    """Of the answer with its end, after the prompt, in nats."""
    turns = pair.row["prompt"]
    prompt = encode(tokenizer, render(tokenizer, turns, None, ask=True))
    whole = encode(tokenizer, render(tokenizer, [*turns, {"role": "assistant", "content": answer}], None))
    logits = model(input_ids=torch.tensor([whole]), use_cache=False).logits[0, len(prompt) - 1 : -1]
    return -float(torch.nn.functional.cross_entropy(logits, torch.tensor(whole[len(prompt) :]), reduction="sum"))


def by_likelihood(seen: Seen) -> str:
    return accuracy([float(chosen > rejected) for chosen, rejected in seen.weighed])


def length(tokenizer: Any, text: str) -> int:
    return len(encode(tokenizer, text))


def mean(values: list[Any]) -> float:
    return round(float(sum(values)) / len(values), 4)


def accuracy(right: list[float]) -> str:
    found = over_chance(right)
    return f"{mean(right):.3f} [{found.low + 0.5:.3f}, {found.high + 0.5:.3f}] of {len(right)}"


def over_chance(right: list[float]) -> Interval:
    """By how much more than half of the pairs are right."""
    return interval([one - 0.5 for one in right])


def interval(values: list[float]) -> Interval:
    return bootstrap.paired(values, [str(at) for at in range(len(values))], seed=0)


def told(found: Interval) -> str:
    return f"{found.value:+.3f} [{found.low:+.3f}, {found.high:+.3f}]"
