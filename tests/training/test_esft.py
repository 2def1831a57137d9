"""ESFT trains the experts that the rows are routed to, and leaves every other bit as it was."""

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from app.trainings.basecheck import check_base
from app.trainings.basemodel import BaseModel
from app.trainings.choice import choose
from tests.training import tiny
from tests.training.running import here, spec
from workers.training.esft import chosen_of, fewest, unchanged

MIXTURES: dict[str, dict[str, Any]] = {
    "olmoe": {"num_experts": 8, "num_experts_per_tok": 2},
    "qwen3_moe": {"num_experts": 8, "num_experts_per_tok": 2, "moe_intermediate_size": 32, "head_dim": 16},
    "mixtral": {"num_local_experts": 8, "num_experts_per_tok": 2, "head_dim": 16},
}


def weights(folder: Path) -> dict[str, Any]:
    from transformers import AutoModelForCausalLM

    return dict(AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).state_dict())


@pytest.mark.parametrize("architecture", MIXTURES)
def test_frozen_experts_are_unchanged_bit_for_bit_weight_decay_included(architecture: str, tmp_path: Path) -> None:
    base = tiny.model(tmp_path / "base", architecture, **MIXTURES[architecture])
    settings = {"weight_decay": 0.1, "learning_rate": 1e-3, "checkpoint_every": 3}
    asked = spec(tmp_path / "run", base, variant="esft", hyperparameters=settings, variant_options={"share": 0.3})
    done = here(tmp_path / "run", asked)
    chosen = chosen_of(done.folder)
    assert all(0 < len(numbers) < 8 for numbers in chosen.values())
    right, wrong = unchanged(weights(base), weights(Path(done.result.adapter)), chosen)
    assert wrong == []
    assert len(right) == 2 * sum(map(len, chosen.values()))  # gate_up and down of each chosen expert


@pytest.mark.parametrize("architecture", MIXTURES)
def test_lora_on_a_mixture_trains_router_and_experts_and_says_so(architecture: str, base: Path, tmp_path: Path) -> None:
    mixture = tiny.model(tmp_path / "base", architecture, **MIXTURES[architecture])
    asked = spec(tmp_path / "run", mixture, hyperparameters={"n_epochs": 1})
    done = here(tmp_path / "run", asked)
    adapter = load_file(Path(done.result.adapter) / "adapter_model.safetensors")
    assert {part for part in (".experts.", ".gate.", ".self_attn.") if any(part in name for name in adapter)} == {
        ".experts.", ".gate.", ".self_attn.",
    }  # fmt: skip
    assert "mixture_of_experts" in done.warnings
    for folder, told in ((mixture, True), (base, False)):
        chosen = choose("sft", "lora", {}, {}, {})
        notes = {note.code for note in check_base(BaseModel(folder), chosen, asked.train_files).notes}
        assert ("mixture_of_experts" in notes) is told


def test_lora_on_the_attention_of_a_mixture_leaves_its_experts_alone(tmp_path: Path) -> None:
    mixture = tiny.model(tmp_path / "base", "mixtral", **MIXTURES["mixtral"])
    options = {"target_modules": ["q_proj", "v_proj"]}
    done = here(tmp_path / "run", spec(tmp_path / "run", mixture, variant_options=options))
    assert not any("mlp" in name for name in load_file(Path(done.result.adapter) / "adapter_model.safetensors"))
    assert "mixture_of_experts" not in done.warnings


def test_a_dense_model_is_refused(base: Path, tmp_path: Path) -> None:
    failure = here(tmp_path / "run", spec(tmp_path / "run", base, variant="esft")).failure
    assert (failure.code, failure.param) == ("refused_combination", "variant")


def test_the_fewest_experts_that_carry_the_share() -> None:
    scores = torch.tensor([0.1, 0.4, 0.2, 0.3], dtype=torch.float64)
    assert [fewest(scores, share) for share in (0.3, 0.4, 0.5, 0.7, 1.0)] == [[1], [1], [1, 3], [1, 3], [0, 1, 2, 3]]
