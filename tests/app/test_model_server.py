"""The real model server with a small real model: it answers, counts, drops aborted calls, and leaves nothing behind."""

import json
import os
import re
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from app.llm import loss
from app.settings import Settings
from app.stack import model_server, model_venv, models
from app.stack.models import LocalModel
from app.stack.sockets import free_port
from app.stack.supervisor import Part, Supervisor

SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string", "maxLength": 40}, "large": {"type": "boolean"}},
    "required": ["city", "large"],
    "additionalProperties": False,
}
CONTEXT = "Harbour rules: every ship reports its length, its cargo and its crew before it enters. " * 20


def test_the_cache_gets_half_of_what_the_weights_leave() -> None:
    gib = 1024**3
    assert model_server.kv_space_gib(free=24 * gib, weights=3 * gib) == 4
    assert model_server.kv_space_gib(free=13 * gib, weights=3 * gib) == 2
    assert model_server.kv_space_gib(free=4 * gib, weights=3 * gib) == 1


@pytest.mark.parametrize(
    ("flags", "free", "found"),
    [
        ({"sse4_2", "avx2"}, 24, "float32"),
        ({"sse4_2", "avx2"}, 12, "bfloat16"),  # no room
        ({"avx2", "avx512f", "avx512_bf16"}, 24, "bfloat16"),
        (set(), 24, "bfloat16"),  # another kind of processor
    ],
)
def test_weights_are_held_in_what_the_processor_is_fast_in(flags: set[str], free: int, found: str) -> None:
    gib = 1024**3
    assert model_server.precision(free=free * gib, weights=3 * gib, flags=flags) == found


def test_its_environment_keeps_nothing_that_slows_it() -> None:
    local = LocalModel("org/name", "org/name", None, None)
    base = {"OPENBLAS_CORETYPE": "Haswell", "OMP_NUM_THREADS": "1", "CORPUSMITH_GENERATOR_API_KEY": "x", "PATH": "/bin"}
    env = model_server.environment(base, local)
    assert env["PATH"] == "/bin"
    assert not set(base) & set(env) - {"PATH"}
    assert "HF_HUB_OFFLINE" not in env


class Pretender(BaseHTTPRequestHandler):
    """A model server that says it is healthy, with these counters."""

    metrics = ""
    warmed = 0
    busy = False  # with others: the warm-up gets no turn

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(type(self).metrics.encode() if self.path == "/metrics" else b"")

    def do_POST(self) -> None:
        type(self).warmed += 1
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(503 if type(self).busy else 200)
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_: object) -> None:
        pass


def test_a_server_that_runs_calls_and_makes_no_step_is_not_healthy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_server, "STALL_SECONDS", 0.3)

    def counters(running: int, steps: int) -> str:
        return f'vllm:num_requests_running{{e="0"}} {running}.0\nvllm:iteration_tokens_total_count{{e="0"}} {steps}.0\n'

    with ThreadingHTTPServer(("127.0.0.1", 0), Pretender) as pretender:
        threading.Thread(target=pretender.serve_forever, daemon=True).start()
        health = model_server.Health(f"http://127.0.0.1:{pretender.server_port}", "any")
        for running, steps, good in [
            (0, 5, True),
            (0, 5, True),
            (2, 6, True),
            (2, 7, True),
            (2, 7, False),
            (2, 8, True),
        ]:
            Pretender.metrics = counters(running, steps)
            assert health() is good, (running, steps)
            time.sleep(0.4)
        assert Pretender.warmed == 1
        pretender.shutdown()
    assert health() is False


def test_a_server_that_answers_others_is_ready_though_the_warm_up_gets_no_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    def counters(stopped: int, aborted: int) -> str:
        name = "vllm:request_success_total"
        reasons = {"stop": stopped, "abort": aborted}
        return "".join(f'{name}{{e="0",finished_reason="{why}",m="x"}} {n}.0\n' for why, n in reasons.items())

    monkeypatch.setattr(Pretender, "busy", True)
    with ThreadingHTTPServer(("127.0.0.1", 0), Pretender) as pretender:
        threading.Thread(target=pretender.serve_forever, daemon=True).start()
        health = model_server.Health(f"http://127.0.0.1:{pretender.server_port}", "any")
        for stopped, aborted, good in [(0, 0, False), (0, 3, False), (1, 3, True)]:
            Pretender.metrics = counters(stopped, aborted)
            assert health() is good, (stopped, aborted)
        pretender.shutdown()


@pytest.fixture(scope="module")
def supervisor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Supervisor]:
    supervisor = Supervisor(tmp_path_factory.mktemp("logs"))
    yield supervisor
    supervisor.stop()


@pytest.fixture(scope="module")
def server(supervisor: Supervisor) -> str:
    """The URL of a server with smollm2-135m, prepared if it was not yet."""
    cache_dir = Settings().cache_dir
    local = models.ensure("smollm2-135m", cache_dir, print)
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    argv = model_server.argv(model_venv.ensure(cache_dir, print), local, port, eager=True)
    health = model_server.Health(url, local.name)
    began = time.monotonic()
    supervisor.start(
        Part(
            "model", argv, model_server.environment(os.environ, local), ready=health, restart=False, start_seconds=300.0
        )
    )
    while (state := supervisor.parts[0].state) != "ready":
        assert state == "starting", next(iter(supervisor._log_dir.iterdir())).read_text()[-3000:]
        assert time.monotonic() - began < 300
        time.sleep(0.5)
    return url


def metric(url: str, name: str) -> float:
    found = re.findall(rf"^vllm:{name}\S* (\S+)$", httpx.get(f"{url}/metrics", timeout=10.0).text, re.MULTILINE)
    assert found, name
    return sum(map(float, found))


def chat(url: str, question: str) -> str:
    reply = httpx.post(
        f"{url}/v1/chat/completions",
        json={
            "model": "smollm2-135m",
            "messages": [{"role": "user", "content": f"{CONTEXT}\n\n{question}"}],
            "max_tokens": 80,
            "temperature": 0,
            "response_format": {"type": "json_schema", "json_schema": {"name": "city", "schema": SCHEMA}},
        },
        timeout=120.0,
    )
    reply.raise_for_status()
    return str(reply.json()["choices"][0]["message"]["content"])


@pytest.mark.model
@pytest.mark.timeout(900)
def test_the_server_answers_in_the_asked_shape_and_reuses_a_shared_prefix(server: str) -> None:
    assert httpx.get(f"{server}/health", timeout=10.0).status_code == 200
    first = json.loads(chat(server, "Name a city and say whether it is large."))
    assert set(first) == {"city", "large"}
    hits = metric(server, "prefix_cache_hits_total")
    json.loads(chat(server, "Name another city and say whether it is large."))
    assert metric(server, "prefix_cache_hits_total") - hits >= 128
    assert metric(server, "prefix_cache_queries_total") > 0


@pytest.mark.model
@pytest.mark.timeout(900)
def test_a_text_is_less_of_a_surprise_after_words_that_lead_to_it(server: str) -> None:
    text = "Паром «Аврора» 🚢 уходит из Норвика в 07:40."
    assert measured(server, f"{text} И ещё раз: ", text) < 0.6 * measured(server, "", text)
    assert measured(server, "The capital of France is", " Paris.") < measured(server, "Bees live in a", " Paris.")
    # A token of several bytes is found whole: the loss of a text is that of its parts, one after the other.
    whole, first, second = (prompt_logprobs(server, t) for t in ("🚢 船は七時に", "🚢 船は", "🚢 船は七時に"))
    parts = loss.mean(first, "🚢 船は") * (scored(first)) + loss.mean(second, "七時に") * (
        scored(whole) - scored(first)
    )
    assert parts == pytest.approx(loss.mean(whole, "🚢 船は七時に") * scored(whole), rel=0.02)


def prompt_logprobs(url: str, prompt: str) -> dict[str, Any]:
    reply = httpx.post(f"{url}/v1{loss.PATH}", json=loss.request("smollm2-135m", "", prompt), timeout=120.0)
    reply.raise_for_status()
    found: dict[str, Any] = reply.json()
    assert loss.has_logprobs(found)
    return found


def scored(body: dict[str, Any]) -> int:
    return len(body["choices"][0]["prompt_logprobs"]) - 1


def measured(url: str, prefix: str, text: str) -> float:
    return loss.mean(prompt_logprobs(url, prefix + text), text)


@pytest.mark.model
@pytest.mark.timeout(900)
def test_a_call_whose_client_went_away_is_not_generated_to_its_end(server: str) -> None:
    wanted = 3500
    body = {
        "model": "smollm2-135m",
        "prompt": "Once upon a time",
        "max_tokens": wanted,
        "ignore_eos": True,
        "stream": True,
    }
    before = metric(server, "generation_tokens_total")
    with httpx.stream("POST", f"{server}/v1/completions", json=body, timeout=120.0) as stream:
        assert stream.status_code == 200
        assert '"text"' in next(stream.iter_lines())
    assert 0 < at_rest(server, before) - before < wanted


def at_rest(server: str, before: float) -> float:
    """The tokens generated so far, once there are more than `before` and none come any more."""
    until, last, found = time.monotonic() + 120, before, metric(server, "generation_tokens_total")
    while found == before or found != last or metric(server, "num_requests_running"):
        assert time.monotonic() < until, (before, last, found)
        time.sleep(3)
        last, found = found, metric(server, "generation_tokens_total")
    return found


@pytest.mark.model
@pytest.mark.timeout(900)
def test_stopping_leaves_no_process_of_the_server(server: str, supervisor: Supervisor) -> None:
    running = supervisor.parts[0]
    assert running.pid is not None
    family = [psutil.Process(running.pid), *psutil.Process(running.pid).children(recursive=True)]
    assert len(family) > 1  # the engine is a process of its own
    supervisor.stop()
    assert [process for process in family if process.is_running()] == []
    assert not Path(f"/proc/{running.pid}").exists()
