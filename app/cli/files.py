"""Local files to upload: found in folders, named as documents, read as a stream."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from app.cli.failures import FAILED, Failure, usage
from app.documents.names import clean

_READ_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True)
class LocalFile:
    """A file and the name its document gets: its own, or, from a folder, its path from that folder on."""

    path: Path
    name: str
    size: int

    @property
    def quoted(self) -> str:
        """The name as the end of a URL."""
        return quote(self.name, safe="/")

    def read(self, sent: Callable[[int], None]) -> Iterator[bytes]:
        """Its bytes, saying how many were given out. Raises Failure when it is not as long as it was."""
        done = 0
        try:
            with self.path.open("rb") as file:
                while done < self.size and (data := file.read(min(_READ_BYTES, self.size - done))):
                    yield data
                    done += len(data)
                    sent(done)
        except OSError as error:
            raise Failure(FAILED, "unreadable", f"{self.path} cannot be read: {error.strerror}") from None
        if done < self.size:
            raise Failure(FAILED, "file_changed", f"{self.path} became shorter while it was sent")


def collect(paths: list[Path]) -> list[LocalFile]:
    """The files at `paths`, in a fixed order. Raises Failure when there are none, or two would get one name."""
    found: dict[str, LocalFile] = {}
    for path in paths:
        for file in _walk(path) if path.is_dir() else [path]:
            name = clean(str(Path(path.resolve().name) / file.relative_to(path)) if path.is_dir() else path.name)
            other = found.get(name)
            if other and not other.path.samefile(file):
                raise usage(f"{other.path} and {file} would both be {name!r}: give the folder that holds them instead")
            found[name] = LocalFile(file, name, _size(file))
    if not found:
        raise usage(f"No file in {', '.join(map(str, paths))}")
    return list(found.values())


def _walk(folder: Path) -> Iterator[Path]:
    """All regular files below it, without hidden ones; links to folders are not followed."""
    for here, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            path = Path(here) / name
            if not name.startswith(".") and path.is_file():
                yield path


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError as error:
        raise Failure(FAILED, "unreadable", f"{path} cannot be read: {error.strerror}") from None
