"""JSON lines: what waits is written out as it is, one blob with the rows for training first."""

from typing import Any

from app.storage import Storage
from workers.containers.spool import File, Spool, stored


def write(spool: Spool, store: Storage, options: dict[str, Any]) -> dict[str, File]:
    """`train` and `validation` are byte ranges of `data`."""
    whole = spool.train.upload
    end, train_sha256 = whole.size, whole.sha256
    for data in spool.validation.read():
        whole.write(data)
    blob = store.keep(whole)
    held_out = spool.validation.upload
    return {
        "data": stored(blob, whole, spool.rows),
        "train": {"blob": blob, "start": 0, "bytes": end, "sha256": train_sha256, "rows": spool.train.rows},
        "validation": {
            "blob": blob,
            "start": end,
            "bytes": held_out.size,
            "sha256": held_out.sha256,
            "rows": spool.validation.rows,
        },
    }
