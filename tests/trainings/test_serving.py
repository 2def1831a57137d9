"""A trained adapter on a real vLLM: loaded while it runs, through the parity gate, and asked with OpenAI's SDK."""

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from openai import NotFoundError

from app.settings import Settings
from app.stack import model_server, model_venv, models
from app.stack.models import LocalModel
from app.stack.sockets import free_port
from app.stack.supervisor import Part, Supervisor
from tests.service import Service
from tests.training import tiny
from tests.trainings.conftest import sdk, until

ASKED = "Where is firm 3?"


@pytest.fixture(scope="module")
def local() -> LocalModel:
    return models.ensure("smollm2-135m", Settings().cache_dir, print)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, local: LocalModel) -> Iterator[str]:
    """The base URL of a vLLM that loads adapters."""
    supervisor = Supervisor(tmp_path_factory.mktemp("logs"))
    port = free_port()
    python = model_venv.ensure(Settings().cache_dir, print)
    argv = model_server.argv(python, local, port, eager=True, lora_rank=16)
    environment = model_server.environment(os.environ, local)
    health = model_server.Health(f"http://127.0.0.1:{port}", local.name)
    supervisor.start(Part("model", argv, environment, ready=health, restart=False, start_seconds=600.0))
    began = time.monotonic()
    while (state := supervisor.parts[0].state) != "ready":
        assert state == "starting", next(iter(supervisor._log_dir.iterdir())).read_text()[-3000:]
        assert time.monotonic() - began < 600
        time.sleep(0.5)
    yield f"http://127.0.0.1:{port}/v1"
    supervisor.stop()


@pytest.mark.model
@pytest.mark.slow
@pytest.mark.timeout(1500)
def test_a_tuned_model_answers_under_its_name_through_vllm(tmp_path: Path, server: str, local: LocalModel) -> None:
    rows = tiny.written(tmp_path / "rows.jsonl", tiny.chat_rows(8))
    service = Service(
        tmp_path, model_url=server, llm_workers=0, gpu_workers=1, generator_model=local.name, lease_seconds=30,
        base_models=json.dumps({local.name: local.path}), train_devices="cpu", serve_max_rank=16,
    )  # fmt: skip
    with service:
        client = sdk(service)
        file = client.files.create(file=rows, purpose="fine-tune").id
        numbers = {"max_steps": 6, "batch_size": 8, "micro_batch_size": 8, "max_length": 64, "learning_rate": 2e-3}
        ours: dict[str, Any] = {"variant_options": {"r": 8}, "hyperparameters": numbers}
        job = client.fine_tuning.jobs.create(
            model=local.name, training_file=file, suffix="towns", extra_body={"corpusmith": ours}
        )
        model = until(client, job.id, "succeeded", seconds=600).fine_tuned_model
        assert model in {found.id for found in client.models.list()}
        with pytest.raises(NotFoundError) as missing:
            client.chat.completions.create(model=model, messages=[{"role": "user", "content": ASKED}])
        assert missing.value.param == "model"
        path = f"/v1/fine_tuning/jobs/{job.id}"
        service.ok(service.http.post(f"{path}/serve"))
        found = _ended(service, f"{path}/serving")
        print(f"\nparity: {found.get('parity')}")  # noqa: T201 the figures are what is wanted
        assert found["status"] == "served", found
        assert found["parity"]["template"] is True
        assert found["parity"]["same"] >= 0.95 <= found["parity"]["merged"]
        question: Any = [{"role": "user", "content": ASKED}]
        tuned = client.chat.completions.create(model=model, messages=question, temperature=0, max_tokens=16)
        base = client.chat.completions.create(model=local.name, messages=question, temperature=0, max_tokens=16)
        assert tuned.model == model
        assert tuned.choices[0].message.content != base.choices[0].message.content
        parts = client.chat.completions.create(
            model=model, messages=question, temperature=0, max_tokens=16, stream=True
        )
        told = "".join(part.choices[0].delta.content or "" for part in parts if part.choices)
        assert told == tuned.choices[0].message.content
        service.ok(service.http.post(f"{path}/unload"))
        with pytest.raises(NotFoundError):
            client.chat.completions.create(model=model, messages=question)


def _ended(service: Service, path: str) -> dict[str, Any]:
    """The serving, once it was decided."""
    end = time.monotonic() + 600
    while (found := service.ok(service.http.get(path)))["status"] == "checking":
        assert time.monotonic() < end, found
        time.sleep(0.5)
    return found
