"""Which stack runs on a data directory: its lock, and run/up.json for whoever looks for it."""

import json
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil

from app.stack.errors import AlreadyRunning, StackError
from app.stack.locks import try_lock

ENDING_SECONDS = 30.0


def find(data_dir: Path) -> dict[str, Any] | None:
    """What up.json says of a stack whose supervisor is alive, else None."""
    try:
        found: dict[str, Any] = json.loads((data_dir / "run" / "up.json").read_text())
    except FileNotFoundError:
        return None
    try:
        process = psutil.Process(found["pid"])
        alive = process.create_time() == found["started"] and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return None
    return found if alive else None


def take_lock(data_dir: Path, report: Callable[[str], None]) -> int:
    """The right to run on this directory; AlreadyRunning when a living stack has it.

    The guards of the parts hold a copy of it: after a supervisor was killed, its parts end before the next one starts.
    """
    path, until = data_dir / "run" / "up.lock", time.monotonic() + ENDING_SECONDS
    seen = said = False
    while (descriptor := try_lock(path)) is None:
        if found := find(data_dir):
            if seen:
                raise AlreadyRunning(str(found["url"]))
            seen = True  # one that was killed just now needs a moment to be gone: look again
            time.sleep(0.5)
            continue
        if time.monotonic() > until:
            raise StackError(f"Parts of an earlier run still hold {path} and did not end within {ENDING_SECONDS:g} s")
        if not said:
            report("Waiting for the parts of an earlier run to end")
            said = True
        time.sleep(0.2)
    return descriptor


class UpFile:
    """up.json of this process, replaced as a whole at every change."""

    def __init__(self, data_dir: Path, **facts: Any) -> None:
        self._path = data_dir / "run" / "up.json"
        self._mutex = threading.Lock()
        me = psutil.Process()
        self._content: dict[str, Any] = {"pid": me.pid, "started": me.create_time(), **facts, "parts": {}}
        self._write()

    def part(self, name: str, **facts: Any) -> None:
        """Say how a part is."""
        with self._mutex:
            self._content["parts"][name] = facts
            self._write()

    def remove(self) -> None:
        """The stack has ended."""
        with self._mutex:
            self._path.unlink(missing_ok=True)

    def _write(self) -> None:
        fresh = self._path.with_suffix(".json.new")
        fresh.touch(mode=0o600)
        fresh.write_text(json.dumps(self._content, indent=1))
        fresh.replace(self._path)
