"""Mixes: what a request for one is checked for, and which corpora its rows come from."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy.orm import Session

from app import catalog
from app.catalog.tasks.mix import MixOptions
from app.datasets import checks
from app.datasets.schemas import DatasetCreate, Selection
from app.errors import NotFound
from app.models import Dataset
from app.models.datasets import FINAL

_SELECTION = ("decontaminate", "decontaminate_words", "deduplicate_against", "near_copy")
_FIELDS = ("corpus_id", "model", "language", "chunking", "grouping", "budget", "validation_share")


def check(session: Session, tenant_id: str, wanted: DatasetCreate, options: dict[str, Any]) -> Sequence[Dataset]:
    """The sources, locked; `options["shape"]` becomes theirs. Raises InvalidRequest or NotFound."""
    for name in _FIELDS:
        if getattr(wanted, name) != DatasetCreate.model_fields[name].get_default(call_default_factory=True):
            raise checks.invalid(name, "a mix takes rows that are there, so this says nothing to it")
    for name, field in Selection.model_fields.items():
        if name not in _SELECTION and getattr(wanted.selection, name) != field.get_default():
            param = f"selection.{name}"
            raise checks.invalid(
                param, f"of `selection` a mix knows {', '.join(_SELECTION)}; rows were selected before"
            )
    chosen = MixOptions.model_validate(options)
    if not chosen.sources:
        raise checks.invalid("options.sources", "is needed: datasets, each with its weight")
    found = [_source(session, tenant_id, i, source.dataset_id) for i, source in enumerate(chosen.sources)]
    for i, dataset in enumerate(found):
        shape = catalog.TASKS[dataset.task].shape_of(dataset.spec["options"])
        expected = options["shape"] = options["shape"] or shape
        if shape != expected:
            raise checks.invalid(
                f"options.sources.{i}", f"its rows are {shape} rows, and the mix is of {expected} rows"
            )
    return found


def corpora(session: Session, dataset: Dataset) -> list[str]:
    """The corpora that the rows can have come from: of a mix those of its sources, which may be mixes themselves."""
    if catalog.TASKS[dataset.task].source != "datasets":
        return [dataset.corpus_id]
    named = MixOptions.model_validate(dataset.spec["options"]).sources
    found = (corpora(session, session.get_one(Dataset, source.dataset_id)) for source in named)
    return list(dict.fromkeys(corpus_id for ids in found for corpus_id in ids))


def _source(session: Session, tenant_id: str, i: int, dataset_id: str) -> Dataset:
    param = f"options.sources.{i}.dataset_id"
    dataset = session.get(Dataset, dataset_id, with_for_update=True)
    if dataset is None or dataset.tenant_id != tenant_id:
        raise NotFound(f"dataset {dataset_id}", param=param)
    if dataset.status not in FINAL or not dataset.accepted:
        said = f"is {dataset.status}" if dataset.status not in FINAL else "has no rows"
        raise checks.invalid(param, f"dataset {dataset_id} {said}; a mix needs datasets that have ended with rows")
    return dataset
