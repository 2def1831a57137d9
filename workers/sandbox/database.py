"""Build one database of files that users uploaded: read behind walls, once, into a plain SQLite file and its schema."""

import base64
import shutil
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

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


def build(
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
    """`files`: (what its owner calls it, where it lies). `dialect` is that of dumps; None: told from each statement.

    Raises BadDatabase, which names the file at fault.
    """
    with TemporaryDirectory(prefix="corpusmith-database-") as folder:
        nothing = Path(folder) / "nothing"
        nothing.touch()
        placed = []
        for at, (name, path) in enumerate(files):
            shutil.copyfile(path, Path(folder) / str(at))
            placed.append((name, str(Path(folder) / str(at))))
        warm = Warm("workers.sandbox.database_child", {}, nothing, readable=[Path(folder)])
        try:
            reply = warm.ask(
                {
                    "database": database,
                    "files": placed,
                    "dialect": dialect,
                    "seed": seed,
                    "seconds": cpu_seconds,
                    "memory_bytes": memory_bytes,
                    "rows_most": rows_most,
                    "bytes_most": bytes_most,
                }
            )
        except Lost:
            reply = {"refused": "crash", "detail": "reading it crashed"}
        finally:
            warm.close()
    if "refused" in reply:
        raise BadDatabase({", ".join(name for name, _ in files): _WORDS.get(reply["refused"], reply["detail"])})
    if "faults" in reply:
        raise BadDatabase(reply["faults"])
    return Built(base64.b64decode(reply["image"]), Schema.model_validate(reply["schema"]), reply["left_out"])


_WORDS = {
    "timeout": "reading it takes longer than is allowed",
    "out_of_memory": "reading it needs more memory than is allowed",
}
