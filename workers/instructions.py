"""From uploaded files of instructions to chunks and contexts: one record is one chunk, and the seed of one context.

A chunk holds the record as it was uploaded: text[start:end] of the decoded file. So nothing of its structure is lost.
"""

import bisect
import json
import threading
import unicodedata
from collections import Counter
from dataclasses import dataclass
from itertools import zip_longest

from app.models import Dataset, Document
from workers.grouping import Group
from workers.grouping.seeds import drawn
from workers.layout import FALLBACK_LANGUAGE, Layout
from workers.parse import language
from workers.records import KINDS, Piece, is_read, pieces, report, store
from workers.steps.instruction import Instruction, read

RECIPE = "instructions@1"
EXAMPLES = 7  # beside the seed: Self-Instruct shows eight
NOT_LATIN = frozenset(
    {"ru", "uk", "be", "bg", "sr", "mk", "kk", "el", "he", "ar", "fa", "ur", "hi", "bn", "zh", "ja", "ko", "th", "ka"}
)


@dataclass(frozen=True, slots=True)
class Record(Piece):
    """An instruction and where it stands."""

    found: Instruction


def plan(dataset: Dataset, documents: list[Document], lost: threading.Event) -> Layout:
    """One context for each instruction of the corpus, documents in turn, each document's in an order drawn by seed."""
    planned = Layout(examples=True)
    seed: int = dataset.spec["seed"]
    known: set[str] = set()
    texts: dict[str, str] = {}
    by_document = []
    for document in documents:
        records, faults = _records(document, known)
        planned.left_out += report(document.name, faults)
        ids = store(document, RECIPE, records)
        own = document.language or FALLBACK_LANGUAGE
        planned.languages |= {ids[i]: language_of(record.found.text, own) for i, record in enumerate(records)}
        texts |= {ids[i]: record.text for i, record in enumerate(records)}
        by_document.append(sorted(ids, key=lambda chunk_id: drawn(seed, texts[chunk_id])))
    order = [found for turn in zip_longest(*by_document) for found in turn if found is not None]
    examples = EXAMPLES if dataset.spec["options"].get("grow") else 0
    ring = sorted((drawn(seed, texts[chunk_id]), chunk_id) for chunk_id in order) if examples else []
    for chunk_id in order:
        others = _others(ring, seed, chunk_id, texts[chunk_id], examples)
        planned.groups.append(Group(chunk_ids=(chunk_id, *others), quality=1.0, seed=chunk_id))
    planned.counts = {"chunks": len(order)}
    return planned


def _others(ring: list[tuple[bytes, str]], seed: int, chunk_id: str, text: str, count: int) -> list[str]:
    """Examples beside a record: those that follow points drawn by its text on a ring of all records' hashes.

    So a record that is added or changed is an example of some others, and leaves those of the rest as they are
    (consistent hashing, Karger et al. 1997). All of them where there are no more than `count`.
    """
    if len(ring) <= count + 1:
        return [other for _, other in ring if other != chunk_id]
    found: dict[str, None] = {}
    for number in range(count):
        at = bisect.bisect_left(ring, (drawn(seed, text, str(number)), ""))
        while (other := ring[at % len(ring)][1]) == chunk_id or other in found:
            at += 1
        found[other] = None
    return list(found)


def _records(document: Document, known: set[str]) -> tuple[list[Record], dict[str, list[str]]]:
    """The document's instructions, and the places of what is none, by fault. `known` grows by what was read."""
    records: list[Record] = []
    faults: dict[str, list[str]] = {}
    if not is_read(document):
        return [], {f"it is no file of instructions ({', '.join(KINDS)})": []}
    for piece in pieces(document):
        try:
            found = read(json.loads(piece.text))
        except (ValueError, RecursionError):
            found = "it is not JSON"
        if isinstance(found, Instruction) and found.text in known:
            found = "it repeats an earlier instruction"
        if isinstance(found, str):
            faults.setdefault(found, []).append(piece.place)
            continue
        known.add(found.text)
        records.append(Record(piece.number, piece.place, piece.start, piece.text, found))
    return records, faults


def language_of(text: str, document: str) -> str:
    """The document's, unless the instruction is written in another script: short texts are guessed badly."""
    script = Counter(unicodedata.name(letter, "?").split(" ")[0] for letter in text[:400] if letter.isalpha())
    if not script or (script.most_common(1)[0][0] == "LATIN") == (document not in NOT_LATIN):
        return document
    return language.detect(text) or document
