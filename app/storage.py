"""Blobs by content hash, in a folder or in S3. A blob is there whole and durable, or not at all."""

import hashlib
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO, Any, Protocol
from urllib.parse import unquote, urlparse

from app.errors import NotFound
from app.settings import settings

READ_BYTES = 1024 * 1024


class Upload:
    """Bytes on their way in: `write` hashes and counts; `keep` makes them durable under their SHA-256."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file, self.size, self._hash = file, 0, hashlib.sha256()

    def write(self, data: bytes) -> None:
        self._hash.update(data)
        self.size += len(data)
        self.file.write(data)

    @property
    def sha256(self) -> str:
        return self._hash.hexdigest()


class Storage(Protocol):
    def upload(self) -> Any:
        """A context manager giving an Upload; what was not kept when it ends is removed."""
        ...

    def keep(self, upload: Upload, *, settle: bool = True) -> str:
        """Store under the SHA-256 and return it. With settle=False it is durable only after `settle()`."""
        ...

    def settle(self) -> None:
        """Make everything kept so far durable: one sync for many blobs."""
        ...

    def forget_unfinished(self, older_than_seconds: float) -> int:
        """Remove uploads that a killed process left behind; returns how many."""
        ...

    def read(self, sha256: str, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        """Bytes [start, end) of a blob. Raises NotFound."""
        ...

    @contextmanager
    def local(self, sha256: str) -> Iterator[Path]:
        """The blob as a local file, for parsers that need one."""
        ...


class Folder:
    """Blobs at <root>/ab/<sha256>, written beside and renamed; durable when `keep` returns."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.incoming = root / "incoming"
        self.incoming.mkdir(parents=True, exist_ok=True, mode=0o700)

    def path(self, sha256: str) -> Path:
        return self.root / sha256[:2] / sha256

    @contextmanager
    def upload(self) -> Iterator[Upload]:
        temporary = self.incoming / secrets.token_hex(16)
        file = temporary.open("xb")
        try:
            yield Upload(file)
        finally:
            temporary.unlink(missing_ok=True)
            # `keep` has flushed all that was to stay; on a full disk closing fails again, and says nothing new.
            with suppress(OSError):
                file.close()

    def keep(self, upload: Upload, *, settle: bool = True) -> str:
        """fsync the bytes, link them under their hash, fsync the folders: only then is the blob acknowledged."""
        upload.file.flush()
        if settle:
            os.fsync(upload.file.fileno())
        final = self.path(upload.sha256)
        if not final.exists():
            final.parent.mkdir(exist_ok=True, mode=0o700)
            # A hard link and not a rename: the temporary name stays ours to remove, whatever happens.
            with suppress(FileExistsError):
                os.link(upload.file.name, final)
        if settle:  # also for a blob that was there: another upload may have linked it and not settled yet
            _fsync(final)
            for folder in (final.parent, self.root):
                _fsync(folder)
        return upload.sha256

    def settle(self) -> None:
        os.sync()

    def forget_unfinished(self, older_than_seconds: float) -> int:
        with NamedTemporaryFile(
            dir=self.incoming
        ) as file:  # its time is that of the file system's clock, as theirs are
            now = Path(file.name).stat().st_mtime
        found = [path for path in self.incoming.iterdir() if path.stat().st_mtime < now - older_than_seconds]
        for path in found:
            path.unlink(missing_ok=True)
        return len(found)

    def read(self, sha256: str, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        try:
            file = self.path(sha256).open("rb")
        except FileNotFoundError as error:
            raise NotFound(f"blob {sha256}") from error
        with file:
            file.seek(start)
            left = None if end is None else end - start
            while left is None or left > 0:
                data = file.read(READ_BYTES if left is None else min(READ_BYTES, left))
                if not data:
                    return
                left = None if left is None else left - len(data)
                yield data

    @contextmanager
    def local(self, sha256: str) -> Iterator[Path]:
        path = self.path(sha256)
        if not path.exists():
            raise NotFound(f"blob {sha256}")
        yield path


def _fsync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@cache
def storage() -> Storage:
    """The blob store that `CORPUSMITH_STORAGE_URL` names: `file:///...` or `s3://bucket/prefix`."""
    url = urlparse(settings().storage_url)
    if url.scheme == "file":
        return Folder(Path(unquote(url.path)))
    if url.scheme == "s3":
        from app.storage_s3 import Bucket

        return Bucket(settings().storage_url)
    raise ValueError(f"CORPUSMITH_STORAGE_URL must begin with file:// or s3://, not {url.scheme}://")


def text(sha256: str) -> str:
    """A whole blob as UTF-8 text."""
    return b"".join(storage().read(sha256)).decode()


def keep_bytes(data: bytes) -> str:
    """Store `data`; returns its SHA-256."""
    with storage().upload() as upload:
        upload.write(data)
        return storage().keep(upload)
