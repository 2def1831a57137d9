"""`up` as a user meets it: every part comes up, comes back, and goes."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from app.settings import Settings
from app.stack import up
from app.stack.errors import AlreadyRunning, StackError
from tests.app.test_stack import ROOT, alive, eventually

UP = """
import sys
from pathlib import Path
from app.settings import Settings
from app.stack.up import run
run(Settings(data_dir=Path(sys.argv[1])), generator=None, port=0, cpu_concurrency=1)
"""


def said(data_dir: Path) -> dict[str, Any]:
    path = data_dir / "run" / "up.json"
    found: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {"parts": {}}
    return found


def all_ready(data_dir: Path) -> bool:
    states = {name: part["state"] for name, part in said(data_dir)["parts"].items()}
    return states == dict.fromkeys(("valkey", "api", "cpu", "llm1", "gpu", "beat"), "ready")


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen([sys.executable, "-c", UP, str(tmp_path)], cwd=ROOT)
    eventually(lambda: all_ready(tmp_path), 60.0)
    yield process
    if process.poll() is None:
        process.kill()
    process.wait()


@pytest.mark.timeout(180)
def test_the_stack_comes_up_repairs_itself_and_leaves_nothing_behind(
    stack: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    url, api = said(tmp_path)["url"], said(tmp_path)["parts"]["api"]["pid"]
    assert httpx.get(f"{url}/readyz").status_code == 200
    with pytest.raises(AlreadyRunning, match=url):
        up.run(Settings(data_dir=tmp_path), generator=None, port=0)

    os.kill(api, signal.SIGKILL)
    eventually(lambda: said(tmp_path)["parts"]["api"]["restarts"] == 1 and all_ready(tmp_path), 60.0)
    assert httpx.get(f"{url}/readyz").status_code == 200

    family = psutil.Process(stack.pid).children(recursive=True)
    stack.send_signal(signal.SIGTERM)
    assert stack.wait(timeout=60) == 0
    assert [process.pid for process in family if alive(process.pid)] == []
    assert not (tmp_path / "run" / "up.json").exists()


def test_without_an_api_key_it_listens_to_this_machine_only(tmp_path: Path) -> None:
    with pytest.raises(StackError, match="needs an API key"):
        up.run(Settings(data_dir=tmp_path), generator=None, host="0.0.0.0", port=0)


def test_an_unknown_model_is_refused_before_anything_starts(tmp_path: Path) -> None:
    with pytest.raises(StackError, match="No model 'gpt'"):
        up.run(Settings(data_dir=tmp_path / "data"), generator="gpt", port=0)
    assert not (tmp_path / "data").exists()


def test_calls_to_a_local_model_may_take_longer_unless_told_otherwise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def found() -> dict[str, str | float]:
        return up._of_local_model(Settings(data_dir=tmp_path), "qwen2.5-coder-1.5b", None, 9)

    assert found()["call_idle_timeout_seconds"] == 1800
    monkeypatch.setenv("CORPUSMITH_CALL_IDLE_TIMEOUT_SECONDS", "300")
    assert "call_idle_timeout_seconds" not in found()
