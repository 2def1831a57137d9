"""What an export says about itself: how its rows came about, and which files they are."""

from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.db import reading
from app.models import Context, Dataset, Export
from app.version import VERSION
from workers.containers import File
from workers.rendered import Tally


def manifest(
    export: Export, dataset: Dataset, written: dict[str, File], files: dict[str, File], tally: Tally
) -> dict[str, Any]:
    """`written`: the files called data, train and validation; `files`: all of them by the names that they have."""
    with reading() as session:
        contexts = _count_contexts(session, dataset.id)
    return {
        "format": export.format,
        "options": export.options,
        "dataset": {
            "id": dataset.id,
            "name": dataset.name,
            "task": dataset.task,
            "status": dataset.status,
            "spec": dataset.spec,
            "shortfall": dataset.shortfall,
        },
        "counts": {
            **{counted: written[name]["rows"] for counted, name in _COUNTED.items()},
            "original": tally.kinds["original"],
            "evolved": tally.kinds["evolved"],
            "contexts": contexts,
            "units": dataset.units_total,
            "units_failed": dataset.units_failed,
        },
        "dropped": dict(sorted(dataset.dropped.items())),
        "usage": {
            "calls": dataset.calls,
            "replayed_calls": dataset.replayed_calls,
            "prompt_tokens": dataset.prompt_tokens,
            "cached_tokens": dataset.cached_tokens,
            "completion_tokens": dataset.completion_tokens,
        },
        "model": dataset.spec["model"],
        "prompts": [{"id": ref, "sha256": sha256} for ref, sha256 in sorted(tally.prompts)],
        "files": {
            name: {"bytes": file["bytes"], "sha256": file["sha256"], "rows": file["rows"]}
            for name, file in files.items()
        },
        "created_by": f"corpusmith {VERSION}",
    }


_COUNTED = {"rows": "data", "train": "train", "validation": "validation"}


def _count_contexts(session: Session, dataset_id: str) -> int:
    return session.scalar(select(func.count()).where(Context.dataset_id == dataset_id)) or 0
