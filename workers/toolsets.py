"""From the tools of a dataset's options to chunks and contexts: a tool is a chunk, a drawn set of them a context."""

import hashlib
import random
import threading
from collections.abc import Iterator

from sqlalchemy import insert, select

from app import catalog, storage
from app.catalog.tasks.tool_calls import ToolCallsOptions
from app.db import transaction
from app.models import Chunk, Dataset, Document
from app.toolbox import tools as toolbox
from workers.contexts import first_units
from workers.grouping import Group
from workers.layout import FALLBACK_LANGUAGE, Layout, Unusable

RECIPE = "tools@1"


def plan(dataset: Dataset, documents: list[Document], lost: threading.Event) -> Layout:
    """As many contexts as the rows wanted need, or one for each tool; every tool begins equally many.

    A context's other tools are drawn with the dataset's seed. The same set may come again: its rows differ by place.
    """
    options = ToolCallsOptions.model_validate(dataset.spec["options"])
    if not documents:
        raise Unusable("no_usable_content", "the document of the tools could not be read")
    # Not the options themselves: a database may have given the members of their objects another order.
    text = b"".join(storage.storage().read(documents[0].sha256)).decode()
    ids = _store(documents[0], text, toolbox.places(text))
    count = max(len(ids), first_units(dataset) or 0)
    draw = random.Random(f"{dataset.spec['seed']}|{catalog.TASKS[dataset.task].source}")
    language = dataset.spec.get("language") or FALLBACK_LANGUAGE
    return Layout(
        groups=list(_sets(ids, options.tools_shown, count, draw)),
        languages=dict.fromkeys(ids, language),
        counts={"chunks": len(ids)},
    )


def _sets(ids: list[str], shown: int, count: int, draw: random.Random) -> Iterator[Group]:
    first = draw.sample(ids, len(ids))
    for number in range(count):
        begin = first[number % len(first)]
        others = [found for found in draw.sample(ids, min(len(ids), shown)) if found != begin][: shown - 1]
        yield Group(chunk_ids=(begin, *others), quality=1.0, seed=begin)


def _store(document: Document, text: str, places: list[tuple[int, int]]) -> list[str]:
    """The ids of the tools' chunks, in one transaction, stored unless they are there."""
    rows = [
        {
            "id": f"chk_{hashlib.sha256(f'{document.id}|{RECIPE}|{number}'.encode()).hexdigest()[:26]}",
            "tenant_id": document.tenant_id,
            "document_id": document.id,
            "recipe": RECIPE,
            "position": number,
            "start": start,
            "end": end,
            "section": f"tool {number}",
            "page_starts": [],
            "sha256": hashlib.sha256(text[start:end].encode()).hexdigest(),
            "text": text[start:end],
        }
        for number, (start, end) in enumerate(places, start=1)
    ]
    with transaction() as session:
        stored = set(session.scalars(select(Chunk.id).where(Chunk.document_id == document.id, Chunk.recipe == RECIPE)))
        if missing := [row for row in rows if row["id"] not in stored]:
            session.execute(insert(Chunk), missing)
    return [str(row["id"]) for row in rows]
