"""What a run says while it works: one JSON line an event, appended by the child, followed by its keeper."""

import os
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from app.trainings.run import EVENT, Event, MessageEvent, Phase, PhaseEvent, WarningEvent
from workers.training.control import EVENTS


class Journal:
    """The child's side. A line is one write; what a killed child left half-written is closed off first."""

    def __init__(self, path: Path) -> None:
        whole = not path.is_file() or not path.stat().st_size or path.read_bytes().endswith(b"\n")
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        if not whole:
            os.write(self._file, b"\n")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, at: TracebackType | None) -> None:
        os.close(self._file)

    def say(self, event: Event) -> None:
        os.write(self._file, event.model_dump_json().encode() + b"\n")

    def phase(self, phase: Phase) -> None:
        self.say(PhaseEvent(at=time.time(), phase=phase))

    def message(self, text: str) -> None:
        self.say(MessageEvent(at=time.time(), message=text))

    def warning(self, code: str, message: str) -> None:
        self.say(WarningEvent(at=time.time(), code=code, message=message))


def follow(folder: Path, offset: int = 0) -> tuple[list[Event], int]:
    """The whole events from byte `offset` on, and the offset for the next time. Lines cut by a kill are left out."""
    path = folder / EVENTS
    if not path.exists():
        return [], offset
    with path.open("rb") as file:
        file.seek(offset)
        data = file.read()
    end = data.rfind(b"\n") + 1
    return [EVENT.validate_json(line) for line in data[:end].splitlines() if _whole(line)], offset + end


def _whole(line: bytes) -> bool:
    return line.startswith(b"{") and line.endswith(b"}")
