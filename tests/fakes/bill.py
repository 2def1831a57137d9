"""The bill: one JSON line for each reply sent whole, so that a test can say what was paid for and how often.

A line is written just after its reply. A server killed in between leaves a reply that is not on the bill, never the
reverse.
"""

import os
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import orjson


@dataclass(frozen=True, slots=True)
class Line:
    """One paid reply. `key` is the SHA-256 of the canonical request body, `prompt_sha` that of its text alone."""

    t: float
    key: str
    prompt_sha: str
    step: str | None
    status: int
    tokens: int


class BillWriter:
    """Appends lines with one unbuffered `write` each: a SIGKILL loses none that was written and tears none."""

    def __init__(self, path: Path) -> None:
        self._fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)

    def append(self, line: dict[str, object]) -> None:
        data = orjson.dumps(line) + b"\n"
        written = os.write(self._fd, data)
        if written != len(data):
            raise OSError(f"the bill took {written} of {len(data)} bytes")

    def close(self) -> None:
        os.close(self._fd)


@dataclass(frozen=True)
class Bill:
    """What was paid for, in the order it was sent."""

    lines: tuple[Line, ...]

    @cached_property
    def keys(self) -> Counter[str]:
        """How often each request was paid for."""
        return Counter(line.key for line in self.lines)

    @property
    def total(self) -> int:
        return len(self.lines)

    @property
    def distinct(self) -> int:
        return len(self.keys)

    @property
    def repeated(self) -> int:
        """Replies paid for beyond the first of the same request: what replay should have saved."""
        return self.total - self.distinct

    @property
    def repeated_keys(self) -> dict[str, int]:
        return {key: times for key, times in self.keys.items() if times > 1}

    @property
    def tokens(self) -> int:
        return sum(line.tokens for line in self.lines)

    @property
    def by_step(self) -> Counter[str | None]:
        return Counter(line.step for line in self.lines)


def read_jsonl(path: Path) -> list[dict[str, object]]:
    """The whole lines of a JSONL file; a last line still being written is left out. A file not made yet is empty."""
    if not path.exists():
        return []
    whole, _, _ = path.read_bytes().rpartition(b"\n")
    return [orjson.loads(line) for line in whole.splitlines()]


def read_bill(path: Path) -> Bill:
    """Read the bill at `path`. Raises orjson.JSONDecodeError for a damaged line: a bill is never guessed at."""
    return Bill(tuple(Line(**line) for line in read_jsonl(path)))  # type: ignore[arg-type]
