"""Where rendered rows wait as JSON lines until all are there: rows for training in one file, the others in another."""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import Any, TypedDict

import orjson

from app.storage import READ_BYTES, Upload
from workers.containers.columns import Seen


class File(TypedDict):
    """A finished file: bytes [start, start + bytes) of a blob. `rows` is None for one that has none."""

    blob: str
    start: int
    bytes: int
    sha256: str
    rows: int | None


class Part:
    """The rows of one split."""

    def __init__(self, upload: Upload) -> None:
        self.upload, self.rows = upload, 0

    def add(self, line: bytes) -> None:
        self.upload.write(line)
        self.rows += 1

    def read(self) -> Iterator[bytes]:
        """All lines, a megabyte at a time."""
        with self._open() as waiting:
            while data := waiting.read(READ_BYTES):
                yield data

    def lines(self) -> Iterator[bytes]:
        with self._open() as waiting:
            yield from waiting

    def values(self) -> Iterator[dict[str, Any]]:
        return map(orjson.loads, self.lines())

    def _open(self) -> io.BufferedReader:
        self.upload.file.flush()
        return Path(self.upload.file.name).open("rb")


@dataclass
class Spool:
    """All rows of an export. `json_members`: members whose objects may have any keys (`ExportFormat`)."""

    train: Part
    validation: Part
    json_members: frozenset[str]

    @property
    def rows(self) -> int:
        return self.train.rows + self.validation.rows

    @cached_property
    def columns(self) -> dict[str, Seen]:
        """What stands in each column, over all rows, in the order in which the columns come up."""
        whole = Seen()
        for value in chain(self.train.values(), self.validation.values()):
            whole.see(value, self.json_members)
        return whole.members


class Sink(io.RawIOBase):
    """An upload as the file that libraries like to write to; it cannot be sought."""

    def __init__(self, upload: Upload) -> None:
        self._upload = upload

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        with memoryview(data) as view:
            self._upload.write(view.tobytes())
            return view.nbytes


def stored(sha256: str, upload: Upload, rows: int | None) -> File:
    """A file that is a whole blob."""
    return {"blob": sha256, "start": 0, "bytes": upload.size, "sha256": sha256, "rows": rows}
