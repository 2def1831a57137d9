"""Gzipped JSON lines: a member for training and one for validation, together a gzip file too (RFC 1952, 2.2)."""

import hashlib
import zlib
from typing import Any

from app.storage import Storage, Upload
from workers.containers.spool import File, Part, Spool, stored

_GZIP = (
    16 + zlib.MAX_WBITS
)  # a gzip header without name and with a time of 0, so that the same rows give the same bytes
_LEVEL = 6


def write(spool: Spool, store: Storage, options: dict[str, Any]) -> dict[str, File]:
    """`train` and `validation` are byte ranges of `data`."""
    with store.upload() as upload:
        files = {name: _member(part, upload) for name, part in _parts(spool).items()}
        blob = store.keep(upload)
        files = {name: file | {"blob": blob} for name, file in files.items()}
        return {"data": stored(blob, upload, spool.rows)} | files


def _parts(spool: Spool) -> dict[str, Part]:
    return {"train": spool.train, "validation": spool.validation}


def _member(part: Part, upload: Upload) -> File:
    start, digest, packer = upload.size, hashlib.sha256(), zlib.compressobj(_LEVEL, zlib.DEFLATED, _GZIP)

    def put(data: bytes) -> None:
        digest.update(data)
        upload.write(data)

    for data in part.read():
        put(packer.compress(data))
    put(packer.flush())
    return {
        "blob": "",
        "start": start,
        "bytes": upload.size - start,
        "sha256": digest.hexdigest(),
        "rows": part.rows,
    }
