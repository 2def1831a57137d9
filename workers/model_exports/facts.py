"""What is told of an exported model, gathered once for its card."""

import re
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.datasets import versions
from app.exams import service as exams
from app.exams.records import ExamReport
from app.models import Corpus, Dataset, File, ModelExport, Training
from app.serving import upstream
from app.trainings.asked import DATASET
from workers.bundles.facts import languages
from workers.model_exports.records import Merged


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """What was trained on, or measured on: a dataset and which one of its versions, or a file."""

    use: str
    id: str
    sha256: str | None
    bytes: int | None
    rows: int | None
    dataset: Dataset | None
    version: int | None
    corpus: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """`languages`: ISO 639-1, of the dataset, the most frequent first."""

    training: Training
    base: str
    kind: str
    options: dict[str, Any]
    merged: Merged | None
    rows: tuple[Rows, ...]
    languages: tuple[str, ...]
    exam: ExamReport | None
    files: dict[str, dict[str, Any]]

    @property
    def quantised(self) -> str | None:
        """How training had kept the base's weights, where that was not as they are."""
        kept = {"qlora": "nf4", "int8": "int8"}.get(self.training.variant)
        kept = kept or self.training.spec["variant_options"].get("base", "none")
        return None if kept == "none" else {"nf4": "4 bits (NF4)", "int8": "8 bits"}[kept]

    @property
    def base_licence(self) -> str | None:
        """As far as its folder says."""
        return ((self.training.estimate or {}).get("base") or {}).get("licence")


def base_name(export: ModelExport, training: Training) -> str:
    """The base model's name for others: on a hub where that was told, else its name here."""
    return export.options.get("base_model") or upstream.root(training.model)


def slug(training: Training) -> str:
    """The model's name as the name of a folder."""
    return re.sub(r"[^A-Za-z0-9.]+", "-", training.fine_tuned_model or training.id).strip("-")


def gather(
    session: Session, export: ModelExport, training: Training, files: dict[str, dict[str, Any]], merged: Merged | None
) -> Facts:
    exam = exams.of(session, training.id)
    counted = training.estimate or {}
    given = [("training", training.training_file, training.train_file_id, counted.get("rows"))]
    if training.validation_file:
        held_out = counted.get("validation_rows")
        given.append(("validation", training.validation_file, training.validation_file_id, held_out))
    rows = tuple(_rows(session, training.tenant_id, *one) for one in given)
    return Facts(
        training=training,
        base=base_name(export, training),
        kind=export.kind,
        options=export.options,
        merged=merged,
        rows=rows,
        languages=languages(session, [one.dataset.id for one in rows if one.dataset]),
        exam=ExamReport.model_validate(exam.report) if exam and exam.report else None,
        files=files,
    )


def _rows(session: Session, tenant_id: str, use: str, given: str, file_id: str | None, count: int | None) -> Rows:
    file = session.get(File, file_id or given)
    dataset = session.get(Dataset, given) if given.startswith(DATASET) else None
    if dataset is not None and dataset.tenant_id != tenant_id:
        dataset = None
    return Rows(
        use=use,
        id=given,
        sha256=file.sha256 if file else None,
        bytes=file.size if file else None,
        rows=count,
        dataset=dataset,
        version=_version(session, dataset) if dataset else None,
        corpus=session.get_one(Corpus, dataset.corpus_id).name if dataset else None,
    )


def _version(session: Session, dataset: Dataset) -> int:
    """Its place in the chain of datasets that were made again; 1: the first."""
    before = select(func.count()).where(versions.chain(dataset), Dataset.created_at < dataset.created_at)
    return 1 + (session.scalar(before) or 0)
