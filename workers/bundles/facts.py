"""What is told of an export, gathered once for the card, the licence, the metadata and the trainers' files."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app import catalog
from app.catalog.bundled import Bundled
from app.catalog.kinds import Container
from app.datasets import mixes
from app.models import Context, Corpus, Dataset, Document, Export
from workers.containers import File
from workers.containers.columns import Seen


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """One file of rows in the bundle; `path` is relative to its folder."""

    path: str
    file: File


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """`asked`: the request's bundle. `languages`: ISO 639-1, the most frequent first. `date`: when the rows ended."""

    title: str
    slug: str
    format: str
    container: Container
    container_name: str
    splits: dict[str, Split]
    columns: dict[str, Seen]
    languages: list[str]
    documents: int
    corpora: list[str]
    date: str
    asked: dict[str, Any]
    manifest: dict[str, Any]

    @property
    def rows(self) -> int:
        return sum(split.file["rows"] or 0 for split in self.splits.values())

    @property
    def task(self) -> str:
        return str(self.manifest["dataset"]["task"])

    def bundled(self) -> Bundled:
        """What the trainers' files are made of."""
        validation = self.splits.get("validation")
        return Bundled(
            name=self.slug,
            format=self.format,
            builder=self.container.builder,
            train=self.splits["train"].path,
            validation=validation.path if validation else None,
            columns=frozenset(self.columns),
            base_model=self.asked["base_model"],
        )


def gather(
    session: Session,
    export: Export,
    dataset: Dataset,
    asked: dict[str, Any],
    written: dict[str, File],
    columns: dict[str, Seen],
    manifest: dict[str, Any],
) -> Facts:
    """A split without rows is left out, but for training."""
    name = export.options.get("container", "jsonl")
    container = catalog.CONTAINERS[name]
    title = " ".join((asked["title"] or dataset.name or dataset.id).split())
    corpora = mixes.corpora(session, dataset)
    return Facts(
        title=title,
        slug=re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")[:60] or "dataset",
        format=export.format,
        container=container,
        container_name=name,
        splits={
            split: Split(path=f"data/{split}.{container.suffix}", file=written[split])
            for split in ("train", "validation")
            if written[split]["rows"] or split == "train"
        },
        columns=columns,
        languages=list(languages(session, [dataset.id])),
        documents=sum(session.scalar(select(func.count()).where(*of_corpus(found))) or 0 for found in corpora),
        corpora=[session.get_one(Corpus, found).name for found in corpora],
        date=(dataset.finished_at or dataset.created_at).date().isoformat(),
        asked=asked,
        manifest=manifest,
    )


def of_corpus(corpus_id: str) -> tuple[Any, ...]:
    """The documents that rows of this corpus can have come from."""
    return (Document.corpus_id == corpus_id, Document.status == "parsed", ~Document.replaced)


def languages(session: Session, datasets: Sequence[str]) -> tuple[str, ...]:
    """ISO 639-1 codes of what the datasets' contexts are in, the most frequent first."""
    count = func.count().label("contexts")
    spoken = (
        select(Context.language, count)
        .where(Context.dataset_id.in_(datasets))
        .group_by(Context.language)
        .order_by(count.desc(), Context.language)
    )
    return tuple(row.language for row in session.execute(spoken))
