"""From uploaded files of rows to contexts: every record is one chunk and one context, the unreadable ones too.

So a record that is no row ends as a dropped row that says where it stands and why, and none is lost on the way.
"""

import threading
from itertools import zip_longest

from app.models import Dataset, Document
from workers.grouping import Group
from workers.grouping.seeds import drawn
from workers.instructions import language_of
from workers.layout import FALLBACK_LANGUAGE, Layout
from workers.records import KINDS, is_read, pieces, store

RECIPE = "rows@1"


def plan(dataset: Dataset, documents: list[Document], lost: threading.Event) -> Layout:
    """One context for each record of the corpus, documents in turn, each document's in an order drawn by seed."""
    planned = Layout()
    by_document = []
    for document in documents:
        if not is_read(document):
            planned.left_out.append(f"{document.name}: it is no file of rows ({', '.join(KINDS)})")
            continue
        found = list(pieces(document))
        ids = store(document, RECIPE, found)
        own = document.language or FALLBACK_LANGUAGE
        planned.languages |= {ids[i]: language_of(piece.text, own) for i, piece in enumerate(found)}
        turns = {ids[i]: drawn(dataset.spec["seed"], piece.text) for i, piece in enumerate(found)}
        by_document.append(sorted(ids, key=lambda chunk_id, turns=turns: turns[chunk_id]))  # type: ignore[misc]
    order = [found for turn in zip_longest(*by_document) for found in turn if found is not None]
    planned.groups = [Group(chunk_ids=(chunk_id,), quality=1.0, seed=chunk_id) for chunk_id in order]
    planned.counts = {"chunks": len(order)}
    return planned
