"""Blobs by content hash, in a folder or in S3. A blob is there whole and durable, or not at all."""

import errno
import hashlib
import os
import secrets
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from functools import cache
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO, Any, Protocol, TypeVar
from urllib.parse import unquote, urlparse

from app.errors import NotFound
from app.settings import settings

READ_BYTES = 1024 * 1024

Item = TypeVar("Item")


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

    def keep_many(self, uploads: Sequence[Upload]) -> list[str]:
        """The same for several, durable when it returns, in less time than one by one."""
        ...

    def settle(self) -> None:
        """Make everything kept so far durable: one sync for many blobs."""
        ...

    def forget_unfinished(self, older_than_seconds: float) -> int:
        """Remove uploads that a killed process left behind; returns how many."""
        ...

    def forget(self, sha256: str) -> None:
        """Remove a blob, if it is there. Only for one that nobody else can have (app/files/blobs.py)."""
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
        self._settled_folders: set[Path] = set()  # this process has seen their names to the disk

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
        if settle:
            return self.keep_many([upload])[0]
        upload.file.flush()
        self._link(upload)
        return upload.sha256

    def keep_many(self, uploads: Sequence[Upload]) -> list[str]:
        """fsync the bytes, link them under their hash, fsync the folders: only then are the blobs acknowledged."""
        for upload in uploads:
            upload.file.flush()
        _at_once(os.fsync, [upload.file.fileno() for upload in uploads])
        there = {self.path(upload.sha256) for upload in uploads if not self._link(upload)}
        folders = {self.path(upload.sha256).parent for upload in uploads}
        # What was there, too: another upload may have linked it and not settled yet.
        _at_once(_fsync, [*there, *folders])
        if not folders <= self._settled_folders:
            _fsync(self.root)
            self._settled_folders |= folders
        return [upload.sha256 for upload in uploads]

    def _link(self, upload: Upload) -> bool:
        """Whether it is under its hash now and was not before."""
        final = self.path(upload.sha256)
        if final.exists():
            return False
        final.parent.mkdir(exist_ok=True, mode=0o700)
        try:
            os.link(upload.file.name, final)  # and not a rename: the temporary name stays ours to remove
        except FileExistsError:
            return False
        return True

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

    def forget(self, sha256: str) -> None:
        self.path(sha256).unlink(missing_ok=True)

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


def _at_once(sync: Callable[[Item], None], items: Sequence[Item]) -> None:
    """Several syncs at the same time: the file system makes fewer journal commits of them than one by one."""
    if len(items) > 1:
        with ThreadPoolExecutor(min(8, len(items))) as pool:
            list(pool.map(sync, items))
    else:
        for item in items:
            sync(item)


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


def is_full(error: OSError) -> bool:
    """Does it say that there is no room: a full disk, a quota, or a limit on the size of files?"""
    return error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def text(sha256: str) -> str:
    """A whole blob as UTF-8 text."""
    return b"".join(storage().read(sha256)).decode()


def keep_all(blobs: Sequence[bytes]) -> list[str]:
    """Store some blobs, together; returns their SHA-256s."""
    with ExitStack() as stack:
        uploads = [stack.enter_context(storage().upload()) for _ in blobs]
        for upload, data in zip(uploads, blobs, strict=True):
            upload.write(data)
        return storage().keep_many(uploads) if uploads else []


def keep_bytes(data: bytes) -> str:
    """Store `data`; returns its SHA-256."""
    with storage().upload() as upload:
        upload.write(data)
        return storage().keep(upload)
