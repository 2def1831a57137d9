"""Serving a trained model, with a stand-in for vLLM that answers by real weights: honest ones, or others."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from app.db import reading
from app.models import Training
from app.settings import settings
from tests.training import decided, tiny
from workers import check, serve, train
from workers.exam import parity


class Server(ThreadingHTTPServer):
    """vLLM's three routes. `loads`: whether it takes adapters; `serves`: the answers, by whose weights."""

    def __init__(self, base: Path) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.base, self.loads, self.serves = base, True, "adapter"
        self.adapter: Path | None = None
        self.known: dict[str, tuple[list[int], list[int]]] = {}

    def load(self, adapter: Path) -> None:
        self.adapter = adapter
        prompts, said = decided.answers(self.base, adapter if self.serves != "base" else None)
        self.known = {text: (prompts[at], said[at]) for at, text in enumerate(parity.PROMPTS)}


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        if not self.server.loads:
            self.reply(404, {"detail": "Not Found"})
        elif self.path == "/v1/load_lora_adapter":
            self.server.load(Path(body["lora_path"]))
            self.reply(200, {})
        elif self.path == "/v1/unload_lora_adapter":
            self.server.adapter = None
            self.reply(200, {})
        else:
            prompt, said = self.server.known[body["messages"][0]["content"]]
            tokens = [] if self.server.serves == "text only" else said
            self.reply(200, {"prompt_token_ids": prompt, "choices": [{"token_ids": tokens, "finish_reason": "length"}]})

    def reply(self, status: int, body: dict[str, Any]) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: Any) -> None: ...


@contextmanager
def running(base: Path) -> Iterator[Server]:
    server = Server(base)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.filterwarnings(
    "ignore:`is_gradient_checkpointing`:FutureWarning"
)  # PEFT asks for what Transformers renamed
@pytest.mark.timeout(600)
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_server_that_answers_by_other_weights_is_refused(client: Any, environment: Any, tmp_path: Path) -> None:
    base = decided.model(tmp_path / "base")
    with running(base) as server:
        environment.setenv("CORPUSMITH_BASE_MODELS", json.dumps({"tiny": str(base)}))
        environment.setenv("CORPUSMITH_TRAIN_DEVICES", "cpu")
        environment.setenv("CORPUSMITH_GENERATOR_URL", f"http://127.0.0.1:{server.server_port}/v1")
        environment.setenv("CORPUSMITH_GENERATOR_MODEL", "tiny")
        settings.cache_clear()
        job = trained(client, tmp_path)
        path = f"/v1/fine_tuning/jobs/{job}"

        def asked(serves: str, *, loads: bool = True) -> dict[str, Any]:
            server.serves, server.loads = serves, loads
            assert client.post(f"{path}/serve").json()["status"] == "checking"
            serve.run()
            found: dict[str, Any] = client.get(f"{path}/serving").json()
            return found

        assert asked("adapter", loads=False)["error"]["code"] == "server_loads_none"
        assert asked("text only")["error"]["code"] == "server_refused"
        refused = asked("base")
        assert refused["error"]["code"] == "parity_failed", refused
        assert refused["parity"]["same"] < 0.5, refused
        assert server.adapter is None  # it was taken off again
        served = asked("adapter")
        assert served["status"] == "served", served
        assert served["parity"]["same"] >= 0.95 and served["parity"]["template"] is True
        assert server.adapter is not None
        client.post(f"{path}/unload")
        serve.run()
        assert server.adapter is None


def trained(client: Any, folder: Path) -> str:
    """The id of a job whose adapter changes what the model says."""
    rows = tiny.written(folder / "rows.jsonl", tiny.chat_rows(24))
    with rows.open("rb") as file:
        file_id = client.post("/v1/files", files={"file": file}, data={"purpose": "fine-tune"}).json()["id"]
    numbers = {"n_epochs": 10, "batch_size": 8, "micro_batch_size": 8, "learning_rate": 2e-2, "max_length": 64}
    # Of this seed one answer is nothing but its end.
    body = {"model": "tiny", "training_file": file_id, "seed": 3, "corpusmith": {"hyperparameters": numbers}}
    job: str = client.post("/v1/fine_tuning/jobs", json=body).json()["id"]
    check.run(job)
    train.run()
    with reading() as session:
        training = session.get_one(Training, job)
        assert training.status == "succeeded", training.error
    return job
