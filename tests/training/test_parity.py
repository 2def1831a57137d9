"""The parity gate: rounding does not close it, other weights do."""

from pathlib import Path
from typing import Any

import pytest
import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM

from tests.training import decided
from workers.exam import parity


@pytest.fixture(scope="module")
def sure(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return decided.model(tmp_path_factory.mktemp("sure") / "base")


@pytest.fixture(scope="module")
def adapter(sure: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An adapter that changes what the base says."""
    torch.manual_seed(1)
    folder = tmp_path_factory.mktemp("adapter") / "adapter"
    config = LoraConfig(r=4, lora_alpha=8, target_modules="all-linear", init_lora_weights=False)
    get_peft_model(AutoModelForCausalLM.from_pretrained(sure), config).save_pretrained(folder)
    return folder


def gate(folder: Path, sure: Path, adapter: Path, prompts: list[list[int]], *said: list[list[int]]) -> dict[str, Any]:
    served = tuple(tuple(map(tuple, each)) for each in said)
    spec = parity.ParitySpec(base_model=str(sure), adapter=str(adapter), served=served)
    parity.prepare(folder, spec)
    parity.main(folder)
    found = parity.said(folder)
    assert found is not None
    return parity.compared(spec, found, [prompts] * len(said))


def test_the_same_weights_in_another_precision_pass_and_one_wrong_server_is_enough(
    sure: Path, adapter: Path, tmp_path: Path
) -> None:
    prompts, said = decided.answers(sure, adapter)
    found = gate(tmp_path / "one", sure, adapter, prompts, said)
    assert found["same"] >= 0.95 <= found["merged"], found
    assert found["template"] is True
    assert found["furthest"] > 0 and found["identical"] < 1, found  # equal texts alone would have been too much to ask
    _, wrong = decided.answers(sure, None)
    both = gate(tmp_path / "two", sure, adapter, prompts, said, wrong)
    assert both["same"] < 0.2, both


@pytest.mark.parametrize("served", ["half the adapter", "one token exchanged", "another template"])
def test_other_weights_and_another_template_do_not(served: str, sure: Path, adapter: Path, tmp_path: Path) -> None:
    prompts, said = decided.answers(sure, adapter, 0.5 if served == "half the adapter" else 1.0)
    if served == "one token exchanged":
        said = [[*tokens[:9], (tokens[9] + 1) % 256, *tokens[10:]] for tokens in said]
    if served == "another template":
        prompts = [prompt[1:] for prompt in prompts]
    found = gate(tmp_path, sure, adapter, prompts, said)
    assert (found["same"] < 0.2) == (served != "another template"), found
    assert found["template"] is (served != "another template")
    assert found["merged"] >= 0.95
