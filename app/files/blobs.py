"""Blobs of one owner alone: salted, so that no other bytes have their hash, and they can be removed with their owner.

A blob under the plain hash of its content may belong to a document, an export and an upload at the same time, so
nobody may ever remove it. What people are promised to be able to delete is stored like this instead.
"""

import secrets
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from app.storage import Upload, storage

SALT_BYTES = 32


class Kept(NamedTuple):
    """Where the bytes are, and what they are: `size` bytes with the hash `sha256`."""

    blob: str
    sha256: str
    size: int


def keep(upload: Upload) -> Kept:
    """Make the upload durable under a hash that nothing else has."""
    sha256, size = upload.sha256, upload.size
    upload.write(secrets.token_bytes(SALT_BYTES))
    return Kept(storage().keep(upload), sha256, size)


def keep_bytes(data: bytes) -> Kept:
    with storage().upload() as upload:
        upload.write(data)
        return keep(upload)


def read(blob: str, size: int, start: int = 0, end: int | None = None) -> Iterator[bytes]:
    """Bytes [start, end) of the content, which has `size` of them. Raises NotFound."""
    return storage().read(blob, start, size if end is None else min(end, size))


def forget(files: Mapping[str, Mapping[str, Any]]) -> None:
    """Remove the bytes of those files that have a blob of their `own`: the others' belong to somebody else."""
    for file in files.values():
        if file["own"]:
            storage().forget(file["blob"])
