"""Blobs in an S3-compatible bucket, through obstore; credentials come from the AWS_* environment."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import obstore
from obstore.store import from_url

from app.errors import NotFound
from app.storage import READ_BYTES, Upload


class Bucket:
    """Objects <prefix>/ab/<sha256>; an upload is spooled to local disk first, since its name is its hash."""

    def __init__(self, url: str) -> None:
        self.store = from_url(url)

    @staticmethod
    def _key(sha256: str) -> str:
        return f"{sha256[:2]}/{sha256}"

    @contextmanager
    def upload(self) -> Iterator[Upload]:
        with tempfile.NamedTemporaryFile() as file:
            yield Upload(file)

    def keep(self, upload: Upload, *, settle: bool = True) -> str:
        upload.file.flush()
        obstore.put(self.store, self._key(upload.sha256), Path(upload.file.name))
        return upload.sha256

    def keep_many(self, uploads: Sequence[Upload]) -> list[str]:
        return [self.keep(upload) for upload in uploads]

    def settle(self) -> None:
        """A put that returned is durable already."""

    def forget_unfinished(self, older_than_seconds: float) -> int:
        """An object is there whole or not at all; the spool file is gone with its process."""
        return 0

    def forget(self, sha256: str) -> None:
        with suppress(FileNotFoundError):
            obstore.delete(self.store, self._key(sha256))

    def read(self, sha256: str, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        try:
            size = obstore.head(self.store, self._key(sha256))["size"]
        except FileNotFoundError as error:
            raise NotFound(f"blob {sha256}") from error
        stop = size if end is None else min(end, size)
        while start < stop:
            upto = min(start + 8 * READ_BYTES, stop)
            yield bytes(obstore.get_range(self.store, self._key(sha256), start=start, end=upto))
            start = upto

    @contextmanager
    def local(self, sha256: str) -> Iterator[Path]:
        with tempfile.NamedTemporaryFile() as file:
            for data in self.read(sha256):
                file.write(data)
            file.flush()
            yield Path(file.name)
