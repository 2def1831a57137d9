"""A trained model taken out over HTTP: merged by a worker that dies once, and read by foreign libraries."""

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import ModelCard

from tests.app.test_cli import base as pointed_at
from tests.app.test_cli import run
from tests.service import wait
from tests.trainings.conftest import quick, sdk, training_service, until

pytestmark = [pytest.mark.timeout(900), pytest.mark.filterwarnings("ignore")]


def test_merged_weights_survive_the_death_of_their_worker_and_say_what_the_adapter_says(
    tmp_path: Path, base: Path, rows: Path
) -> None:
    with training_service(tmp_path, base, lease_seconds=6) as service:
        client = sdk(service)
        file = client.files.create(file=rows, purpose="fine-tune").id
        job = client.fine_tuning.jobs.create(
            model="tiny", training_file=file, extra_body=quick(max_steps=6, learning_rate=1e-2)
        ).id
        until(client, job, "succeeded")
        made = service.http.post(f"/v1/fine_tuning/jobs/{job}/exports", json={"kind": "merged"}).json()

        def status() -> str:
            return str(service.ok(service.http.get(f"/v1/fine_tuning/exports/{made['id']}"))["status"])

        wait(lambda: status() == "running", 60)
        service.kill("gpu1")
        assert status() == "running"
        service.start("gpu1")
        out = tmp_path / "out"
        found = run(pointed_at(service), "export-model", job, "--kind", "merged", "--output", str(out), "--json")
        assert found.exit_code == 0, found.output
        told = json.loads(found.stdout)
        assert told["export"]["id"] == made["id"], "the same export is found again"
        assert told["export"]["parity"]["off"] < 0.05 < told["export"]["parity"]["moved"]
        merged = Path(told["path"])
        assert not (service.folder / "model_exports" / made["id"] / "model").exists()
        packed = run(pointed_at(service), "export-model", job, "--archive", "--output", str(out))
        assert packed.exit_code == 0, packed.output
        with zipfile.ZipFile(out / f"{job}-adapter" / "adapter.zip") as archive:
            archive.extractall(tmp_path / "unpacked")
        (adapter,) = (tmp_path / "unpacked").iterdir()
        _equal(base, adapter, merged)
        for folder, library in ((merged, "transformers"), (adapter, "peft")):
            card = ModelCard.load(folder / "README.md")
            assert (card.data.library_name, card.data.base_model) == (library, "tiny")
            assert "| torch |" in card.text and "max_steps" in card.text
            assert str(tmp_path) not in (folder / "README.md").read_text()
        assert json.loads((adapter / "adapter_config.json").read_text())["base_model_name_or_path"] == "tiny"


def _equal(base: Path, adapter: Path, merged: Path) -> None:
    """Log-probabilities after a prompt, by PEFT over the base and by the merged weights alone."""
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(merged)
    turns: list[Any] = [{"role": "user", "content": "Where is firm 3?"}]
    text = tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True)
    ids = tokenizer(text, return_tensors="pt")
    plain = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
    whole = AutoModelForCausalLM.from_pretrained(merged, dtype=torch.float32).eval()
    with torch.inference_mode():
        alone = plain.eval()(**ids).logits.log_softmax(-1)
        both = PeftModel.from_pretrained(plain, str(adapter)).eval()(**ids).logits.log_softmax(-1)
        found = whole(**ids).logits.log_softmax(-1)
    assert float((both - found).abs().max()) < 0.03
    assert float((both - alone).abs().max()) > 0.3
