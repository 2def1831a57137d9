"""Run the fake model server as a process of its own, so that a test can also kill it."""

import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Any, Self

from tests.fakes.bill import Bill, read_bill, read_jsonl

ROOT = Path(__file__).parents[2]
START_SECONDS = 30.0
# Without a proxy: the environment's one must not stand between a test and its own machine.
_open = urllib.request.build_opener(urllib.request.ProxyHandler({})).open


class FakeModel:
    """`with FakeModel({"seed": 1, "faults": [...]}) as model:`. Files (bill, planted, log) lie in `folder`."""

    def __init__(
        self,
        script: Mapping[str, Any] | None = None,
        *,
        model: str | None = None,
        latency_ms: float = 0.0,
        slots: int | None = None,
        max_model_len: int | None = None,
        prompt_logprobs: bool = True,
        folder: Path | None = None,
    ) -> None:
        self._temporary = None if folder else TemporaryDirectory(prefix="fake-model-")
        self.folder = folder or Path(self._temporary.name if self._temporary else "")
        self.folder.mkdir(parents=True, exist_ok=True)
        self.port = 0
        self._process: subprocess.Popen[bytes] | None = None
        (self.folder / "script.json").write_text(json.dumps(script or {}))
        self._options = ["--latency-ms", str(latency_ms)]
        if not prompt_logprobs:
            self._options.append("--no-prompt-logprobs")
        for name, value in (("--model", model), ("--slots", slots), ("--max-model-len", max_model_len)):
            if value is not None:
                self._options += [name, str(value)]

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()
        if self._temporary:
            self._temporary.cleanup()

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        """The OpenAI base URL."""
        return f"{self.base}/v1"

    @property
    def pid(self) -> int:
        assert self._process is not None, "the fake model is not running"
        return self._process.pid

    def start(self) -> None:
        """Start and wait until it listens: on a free port the first time, on the same one afterwards."""
        assert self._process is None, "the fake model is running already"
        port_file = self.folder / "port"
        port_file.unlink(missing_ok=True)
        files = [f"--{name}={self.folder / end}" for name, end in _FILES.items()]
        command = [sys.executable, "-m", "tests.fakes.model_server", f"--port={self.port}", f"--port-file={port_file}"]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [*command, *files, *self._options, "--until-stdin-closes"],
                cwd=ROOT, stdin=subprocess.PIPE, stdout=log, stderr=log, env=os.environ | {"PYTHONPATH": str(ROOT)},
            )  # fmt: skip
        deadline = time.monotonic() + START_SECONDS
        while not port_file.exists():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                raise RuntimeError(f"the fake model did not start: {(self.folder / 'log').read_text()[-2000:]}")
            time.sleep(0.01)
        self.port = int(port_file.read_text())

    def stop(self) -> None:
        """End it in order, if it runs."""
        self._end(subprocess.Popen.terminate)

    def kill(self) -> None:
        """kill -9, if it runs."""
        self._end(subprocess.Popen.kill)

    def restart(self) -> None:
        """Kill it and start it again on the same port, with the script last set; the bill goes on."""
        self.kill()
        self.start()

    def _end(self, signal: Any) -> None:
        process, self._process = self._process, None
        if process is not None:
            signal(process)
            process.communicate()

    def bill(self) -> Bill:
        """What was paid for, with at least every reply a client has read by now."""
        self._settle()
        return read_bill(self.folder / _FILES["bill"])

    def planted(self) -> list[dict[str, Any]]:
        """The faults planted so far: `fault`, `prompt_sha`, `key`, `step` and the text that was `said`."""
        self._settle()
        return read_jsonl(self.folder / _FILES["planted"])

    def _settle(self) -> None:
        # A line is written just after its reply was sent, before the server turns to any later request: this one.
        if self._process is not None and self._process.poll() is None:
            self.stats()

    def stats(self) -> dict[str, Any]:
        stats: dict[str, Any] = json.loads(self._ask("/fake/stats"))
        return stats

    def set_script(self, script: Mapping[str, Any]) -> None:
        """Replace the script, also for restarts. Raises urllib.error.HTTPError for a script that is not one."""
        self._ask("/fake/script", json.dumps(script).encode())
        (self.folder / "script.json").write_text(json.dumps(script))

    def reset(self) -> None:
        """Set all counts to zero. The bill stays."""
        self._ask("/fake/reset", b"")

    def metrics(self) -> str:
        return self._ask("/metrics").decode()

    def _ask(self, path: str, body: bytes | None = None) -> bytes:
        with _open(urllib.request.Request(self.base + path, data=body), timeout=10) as reply:
            answer: bytes = reply.read()
        return answer


_FILES = {"bill": "bill.jsonl", "planted": "planted.jsonl", "script": "script.json"}
