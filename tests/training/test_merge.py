"""Merged weights say what base and adapter say, read back from disk; weights that do not are not given away."""

from pathlib import Path
from typing import Any

import pytest

from tests.training import tiny
from tests.training.running import here, spec
from workers.model_exports import records
from workers.model_exports.merge import main, merge
from workers.model_exports.records import Merged, MergeSpec, NotMerged

TOLERANCE = {"bf16": 0.03, "f16": 0.004}  # of a log-probability; the weights keep 8 and 11 bits
ASKED = [[{"role": "user", "content": tiny.question(i)}] for i in range(6)]


def logits(folder: Path, adapter: Path | None = None) -> Any:
    """Log-probabilities of what follows the questions, computed here and not by the code that is tested."""
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(adapter or folder)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    if adapter:
        model = PeftModel.from_pretrained(model, str(adapter))
    found = []
    with torch.inference_mode():
        for turns in ASKED:
            text = tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True)
            found.append(model.eval()(**tokenizer(text, return_tensors="pt")).logits[0].log_softmax(-1))
    return torch.cat(found)


@pytest.mark.parametrize(
    ("variant", "precision"), [("lora", "bf16"), ("lora", "f16"), ("dora", "f16"), ("vera", "f16"), ("qlora", "bf16")]
)
def test_merged_weights_say_what_base_and_adapter_say(base: Path, tmp_path: Path, variant: str, precision: Any) -> None:
    rate = {"learning_rate": 0.1} if variant == "vera" else {}  # two vectors a layer move little at that of others
    trained = here(tmp_path / "run", spec(tmp_path / "run", base, variant=variant, hyperparameters=rate)).result
    adapter, target = Path(trained.adapter), tmp_path / "model"
    found = merge(MergeSpec(base_model=str(base), weights=str(adapter), precision=precision), target)
    assert isinstance(found, Merged), found
    assert found.dequantised is False, "training had a quantised copy of the base; the base itself is whole"
    both, merged, alone = logits(base, adapter), logits(target), logits(base)
    assert float((both - merged).abs().max()) < TOLERANCE[precision]
    assert float((both - alone).abs().max()) > 10 * TOLERANCE[precision], (
        "the adapter says something else than the base"
    )
    assert found.parity.off < TOLERANCE[precision] < found.parity.moved
    assert set(found.files) == {path.name for path in target.iterdir()} >= {"config.json", "chat_template.jinja"}
    assert str(base) not in (target / "config.json").read_text()


def test_a_base_whose_own_files_have_4_bits_is_dequantised_first(base: Path, tmp_path: Path) -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, BitsAndBytesConfig

    small = BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type="nf4")
    folder = tmp_path / "base4"
    AutoModelForCausalLM.from_pretrained(base, quantization_config=small, dtype=torch.float32).save_pretrained(folder)
    AutoTokenizer.from_pretrained(base).save_pretrained(folder)
    trained = here(tmp_path / "run", spec(tmp_path / "run", base, variant="lora")).result
    target = tmp_path / "model"
    found = merge(MergeSpec(base_model=str(folder), weights=trained.adapter, precision="bf16"), target)
    assert isinstance(found, Merged), found
    assert found.dequantised is True
    assert "quantization_config" not in (target / "config.json").read_text()
    assert float((logits(folder, Path(trained.adapter)) - logits(target)).abs().max()) < 0.1


def test_whole_weights_are_rounded_and_nothing_else(base: Path, tmp_path: Path) -> None:
    trained = here(tmp_path / "run", spec(tmp_path / "run", base, variant="full")).result
    target = tmp_path / "model"
    found = merge(MergeSpec(base_model=None, weights=trained.adapter, precision="bf16"), target)
    assert isinstance(found, Merged), found
    assert float((logits(Path(trained.adapter)) - logits(target)).abs().max()) < TOLERANCE["bf16"]


def test_a_reward_model_keeps_its_head(base: Path, tmp_path: Path) -> None:
    from transformers import AutoModelForSequenceClassification

    trained = here(tmp_path / "run", spec(tmp_path / "run", base, "reward")).result
    target = tmp_path / "model"
    asked = MergeSpec(base_model=str(base), weights=trained.adapter, precision="bf16", reward=True)
    found = merge(asked, target)
    assert isinstance(found, Merged), found
    assert found.parity.same >= 0.95
    assert AutoModelForSequenceClassification.from_pretrained(target).config.num_labels == 1


def test_weights_that_do_not_fit_into_16_bits_are_not_given_away(base: Path, tmp_path: Path) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    trained = here(tmp_path / "run", spec(tmp_path / "run", base, hyperparameters={"max_steps": 1})).result
    model, large = AutoModelForCausalLM.from_pretrained(base), tmp_path / "large"
    model.get_output_embeddings().weight.data.mul_(1e7)  # above what f16 can say
    model.save_pretrained(large)
    AutoTokenizer.from_pretrained(base).save_pretrained(large)
    folder = tmp_path / "merge"
    folder.mkdir()
    asked = MergeSpec(base_model=str(large), weights=trained.adapter, precision="f16")
    records.prepare(folder, asked)
    main(folder)
    ended = records.ended(folder)
    assert isinstance(ended, NotMerged) and ended.code == "parity_failed", ended
    assert not (folder / records.MODEL).exists()
    records.prepare(folder, asked)
    assert records.ended(folder) is None, "what failed is tried anew when it is asked for again"


def test_what_is_merged_is_not_merged_again_and_a_folder_without_a_model_is_named(base: Path, tmp_path: Path) -> None:
    folder = tmp_path / "merge"
    folder.mkdir()
    asked = MergeSpec(base_model=None, weights=str(base), precision="bf16")
    records.prepare(folder, asked)
    main(folder)
    first = records.ended(folder)
    assert isinstance(first, Merged)
    records.prepare(folder, asked)
    assert records.ended(folder) == first
    records.prepare(folder, asked.model_copy(update={"base_model": str(tmp_path), "weights": str(base)}))
    main(folder)
    ended = records.ended(folder)
    assert isinstance(ended, NotMerged) and ended.code == "invalid_base_model", ended
