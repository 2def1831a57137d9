"""Build one database of files that users uploaded: read behind walls, once, into a plain SQLite file and its schema."""

import base64
import shutil
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple, Self

from workers.sandbox.schema import Schema
from workers.sandbox.warm import Lost, Warm


class BadDatabase(Exception):
    """No database comes of these files. `faults`: file -> a sentence that says why."""

    def __init__(self, faults: dict[str, str]) -> None:
        super().__init__("; ".join(f"{name}: {fault}" for name, fault in faults.items()))
        self.faults = faults


class Built(NamedTuple):
    """`image`: a SQLite file. `left_out`: what of the files is not in it (views, statements that make no table)."""

    image: bytes
    schema: Schema
    left_out: list[str]


class Builder:
    """`with Builder() as builder:` one walled-in process for many databases; each is read in a fork of its own."""

    def __enter__(self) -> Self:
        self._folder = TemporaryDirectory(prefix="corpusmith-database-")
        nothing = Path(self._folder.name) / "nothing"
        nothing.touch()
        self._warm = Warm("workers.sandbox.database_child", {}, nothing, readable=[nothing.parent])
        return self

    def __exit__(self, *_: object) -> None:
        self._warm.close()
        self._folder.cleanup()

    def build(
        self,
        database: str,
        files: Sequence[tuple[str, Path]],
        *,
        dialect: str | None = None,
        seed: str = "",
        cpu_seconds: float = 30.0,
        memory_bytes: int = 1024**3,
        rows_most: int = 1_000_000,
        bytes_most: int = 64 * 1024**2,
    ) -> Built:
        """`files`: (what its owner calls it, where it lies). `dialect` is that of dumps; None: told by each statement.

        Raises BadDatabase, which names the file at fault.
        """
        asked = {
            "database": database,
            "dialect": dialect,
            "seed": seed,
            "seconds": cpu_seconds,
            "memory_bytes": memory_bytes,
            "rows_most": rows_most,
            "bytes_most": bytes_most,
        }
        # Only these files lie there meanwhile: one database's fork cannot look at another's.
        with TemporaryDirectory(dir=self._folder.name) as folder:
            placed = []
            for at, (name, path) in enumerate(files):
                shutil.copyfile(path, Path(folder) / str(at))
                placed.append((name, str(Path(folder) / str(at))))
            try:
                reply = self._warm.ask(asked | {"files": placed})
            except Lost:
                reply = {"refused": "crash", "detail": "reading it crashed"}
        if "refused" in reply:
            raise BadDatabase({", ".join(name for name, _ in files): _WORDS.get(reply["refused"], reply["detail"])})
        if "faults" in reply:
            raise BadDatabase(reply["faults"])
        return Built(base64.b64decode(reply["image"]), Schema.model_validate(reply["schema"]), reply["left_out"])


def build(database: str, files: Sequence[tuple[str, Path]], **limits: Any) -> Built:
    """One database by itself: see Builder.build."""
    with Builder() as builder:
        return builder.build(database, files, **limits)


_WORDS = {
    "timeout": "reading it takes longer than is allowed",
    "out_of_memory": "reading it needs more memory than is allowed",
}
