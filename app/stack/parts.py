"""The parts that `up` runs: each one's command, environment and health."""

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

import httpx
from pydantic import SecretStr

from app.settings import Settings
from app.stack import loopback, model_server, model_venv, valkey
from app.stack.models import LocalModel
from app.stack.supervisor import Part

ROOT = Path(__file__).parent.parent.parent
# Several worker processes that each take all cores only take them from each other, and from the model.
ONE_THREAD = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "RAYON_NUM_THREADS")


def environment(settings: Settings) -> dict[str, str]:
    """What every part of ours runs with: all settings spelt out, so that none of them reads another configuration."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("CORPUSMITH_")}
    for name in Settings.model_fields:
        value = getattr(settings, name)
        if isinstance(value, SecretStr):
            value = value.get_secret_value()
        text = json.dumps(value) if isinstance(value, dict) else str(value)
        env[f"CORPUSMITH_{name.upper()}"] = text
    paths = [str(ROOT), *filter(None, [env.get("PYTHONPATH")])]
    # A folder named `app` where the user happens to stand must not be taken for ours.
    return env | {"PYTHONPATH": os.pathsep.join(paths), "PYTHONSAFEPATH": "1"}


def broker(data_dir: Path) -> Part:
    """The embedded Valkey."""
    return Part("valkey", valkey.prepare(data_dir), dict(os.environ), ready=lambda: valkey.answers(data_dir))


def api(env: dict[str, str], host: str, port: int, url: str) -> Part:
    """The REST API. It is restarted when it does not answer, not when something it needs is away."""
    argv = (
        *(sys.executable, "-m", "uvicorn", "app.main:create_app", "--factory", "--app-dir", str(ROOT)),
        *("--host", host, "--port", str(port), "--no-access-log", "--timeout-graceful-shutdown", "5"),
    )
    return Part("api", argv, env, ready=_answers(f"{url}/readyz"), healthy=_answers(f"{url}/healthz"))


def workers(
    env: dict[str, str], data_dir: Path, llm_workers: int, cpu_concurrency: int, *, train: bool = True
) -> list[Part]:
    """The Celery workers, by queue, and the clock that rings for them. A training run may use all cores there are."""
    of_run = env
    env = {**dict.fromkeys(ONE_THREAD, "1"), "TOKENIZERS_PARALLELISM": "false"} | env
    celery = (sys.executable, "-m", "celery", "-A", "workers.celery_app")
    quiet = ("--loglevel", "WARNING", "--without-gossip", "--without-mingle")

    def worker(name: str, *options: str, env: dict[str, str] = env, grace: float = 10.0) -> Part:
        return Part(name, (*celery, "worker", "-n", f"{name}@%h", *options, *quiet), env, grace_seconds=grace)

    return [
        worker("cpu", "-Q", "cpu", "-c", str(cpu_concurrency)),
        *(
            worker(f"llm{n}", "-Q", "llm", "--pool", "threads", "-c", "1", "-I", "workers.drain")
            for n in range(1, llm_workers + 1)
        ),
        *(
            [worker("gpu", "-Q", "gpu", "--pool", "threads", "-c", "1", "-I", "workers.train", env=of_run, grace=30.0)]
            if train
            else []
        ),
        Part(
            "beat", (*celery, "beat", "-s", str(data_dir / "run" / "beat"), "--pidfile=", "--loglevel", "WARNING"), env
        ),
    ]


def model(local: LocalModel, settings: Settings, port: int, report: Callable[[str], None]) -> Part:
    """The local model server, after its environment has been made ready."""
    python = model_venv.ensure(settings.cache_dir, report)
    return Part(
        "model",
        model_server.argv(
            python,
            local,
            port,
            eager=settings.local_model_eager,
            lora_rank=settings.serve_max_rank if settings.local_model_lora else None,
        ),
        model_server.environment(os.environ, local),
        ready=model_server.Health(f"http://127.0.0.1:{port}", local.name),
        start_seconds=900.0,
        grace_seconds=3.0,  # it has nothing to save, and does not listen while it loads
    )


def _answers(url: str) -> Callable[[], bool]:
    def answers() -> bool:
        try:
            return loopback.client().get(url, timeout=5.0).status_code == 200
        except httpx.HTTPError:
            return False

    return answers
