"""Every variant trains, and a run that was paused ends exactly as one that was not."""

from pathlib import Path
from typing import Any

import pytest
import torch

from app import catalog
from tests.training import tiny
from tests.training.running import Ran, here, paused_once, spec

QUICK_ONES = [("sft", "lora"), ("sft", "adalora")]
MIXTURE: dict[str, Any] = {"num_local_experts": 4, "num_experts_per_tok": 2, "head_dim": 16}
ALL = [("sft", variant) for variant in catalog.VARIANTS] + [
    (method, variant)
    for method in ("pretrain", "dpo", "kto", "orpo", "reward")
    for variant in ("lora", "qlora", "full")
]


def both(base: Path, folder: Path, method: str, variant: str, **given: Any) -> tuple[Ran, Ran]:
    """The same run, paused once and not."""
    options = {"dropout": 0.1} if "dropout" in catalog.VARIANTS[variant].options.model_fields else {}
    settings = {"n_epochs": 2 if method != "kto" else 1, "checkpoint_every": 2}
    runs = [
        spec(folder / name, base, method, variant, hyperparameters=settings, variant_options=options, **given)
        for name in ("whole", "paused")
    ]
    return here(folder / "whole", runs[0]), paused_once(folder / "paused", runs[1])


def test_ranks_are_allocated_and_the_adapter_is_plain_lora(base: Path, tmp_path: Path) -> None:
    options = {"r": 4, "initial_r": 8}
    asked = spec(tmp_path / "run", base, variant="adalora", variant_options=options, hyperparameters={"n_epochs": 8})
    done = here(tmp_path / "run", asked)
    from safetensors.torch import load_file

    tensors = load_file(Path(done.result.adapter) / "adapter_model.safetensors")
    left = [int((a.abs().sum(1) > 0).sum()) for name, a in tensors.items() if "lora_A" in name]
    assert sum(left) == 4 * len(left)  # on average r, of 8 at the start
    assert len(set(left)) > 1
    assert {name.rsplit(".", 2)[1] for name in tensors} == {"lora_A", "lora_B"}


@pytest.mark.parametrize("variant", ["pissa", "adalora"])
def test_what_is_left_on_disk_is_the_model_that_was_trained(variant: str, base: Path, tmp_path: Path) -> None:
    settings = {"n_epochs": 8, "learning_rate": 3e-2}
    done = here(tmp_path / "run", spec(tmp_path / "run", base, variant=variant, held_out=8, hyperparameters=settings))
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
    bare = held_out_loss(model, 8)
    tuned = held_out_loss(PeftModel.from_pretrained(model, done.result.adapter), 8)
    assert tuned == pytest.approx(done.result.metrics["valid_loss"], abs=2e-3)
    assert tuned < bare - 0.01


def held_out_loss(model: Any, rows: int) -> float:
    """Mean loss of the answers' tokens, a row at a time."""
    from app.trainings.rows import Chat
    from workers.training.template import tokens

    losses, words = [], tiny.tokenizer()
    for row in tiny.chat_rows(rows):
        coded = tokens(words, Chat(row["messages"], [False, True]))
        ids, labels = torch.tensor([coded.input_ids]), torch.tensor(coded.labels[1:])
        with torch.no_grad():
            logits = model.eval()(input_ids=ids).logits[0, :-1]
        losses.append(torch.nn.functional.cross_entropy(logits, labels, reduction="none")[labels != -100])
    return float(torch.cat(losses).mean())


@pytest.mark.parametrize(("method", "variant"), QUICK_ONES)
def test_a_paused_run_ends_as_one_that_was_not(method: str, variant: str, base: Path, tmp_path: Path) -> None:
    whole, paused = both(base, tmp_path, method, variant)
    assert paused.losses == whole.losses
    assert paused.result.trained_tokens == whole.result.trained_tokens
    assert weights_of(paused.result.files) == weights_of(whole.result.files)


@pytest.mark.slow
@pytest.mark.parametrize(("method", "variant"), [one for one in ALL if one not in QUICK_ONES])
def test_every_variant_trains_and_goes_on_exactly(method: str, variant: str, base: Path, tmp_path: Path) -> None:
    if variant == "esft":
        base = tiny.model(tmp_path / "mixture", "mixtral", **MIXTURE)
    test_a_paused_run_ends_as_one_that_was_not(method, variant, base, tmp_path)


def weights_of(files: dict[str, str]) -> dict[str, str]:
    return {name: digest for name, digest in files.items() if name.endswith(".safetensors")}
