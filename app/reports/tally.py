"""Walk through a dataset's rows once, in batches, and count; memory does not grow with them (8 bytes a row apart)."""

import hashlib
from array import array
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, NamedTuple

import orjson
from sqlalchemy import Text, cast, func, select

from app.db import reading
from app.models import Sample
from app.reports.counting import Split, Words, every_nth
from app.reports.preferences import Pairs

ROWS_AT_ONCE = 2_000
EXAMPLES = 3
SAMPLE = 2_000  # accepted rows, evenly spread, for what is dear: languages and tokens
MOST_KEYS = 50
LONGEST_WORD = 80
TEXTS = frozenset({"rejected"})  # attributes that are texts even where they are short


class Row(NamedTuple):
    """What is read of one row; the last four are JSON as text."""

    id: int
    state: str
    reason: str | None
    detail: str | None
    kind: str
    evolution: str | None
    question: str
    answer: str
    context_id: str
    split: str | None
    sources: str
    verdicts: str
    lineage: str
    attributes: str


class Sampled(NamedTuple):
    """An accepted row as it will be trained on: all its turns, one after another.

    `language`: how sure its gate was of the language asked for, 0 to 1; None: it was not measured.
    """

    context_id: str
    text: str
    language: float | None


@dataclass(slots=True)
class Tally:
    """Everything that is counted. `examples`: the first rows of each reason, whole."""

    accepted: int = 0
    dropped: int = 0
    splits: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    examples: dict[str, list[Row]] = field(default_factory=dict)
    scores: dict[str, Split] = field(default_factory=dict)
    failed: Counter[str] = field(default_factory=Counter)
    question_words: Split = field(default_factory=Split)
    answer_words: Split = field(default_factory=Split)
    kinds: Words = field(default_factory=Words)
    evolutions: Words = field(default_factory=Words)
    attributes: dict[str, Words] = field(default_factory=dict)
    prompts: Counter[tuple[str, str]] = field(default_factory=Counter)
    models: Counter[tuple[str, str]] = field(default_factory=Counter)
    asked: "array[int]" = field(default_factory=lambda: array("Q"))
    sample: list[Sampled] = field(default_factory=list)
    pairs: Pairs = field(default_factory=Pairs)

    @property
    def repeated_questions(self) -> int:
        """Accepted rows that ask what an earlier one asks, but for case and white space."""
        return len(self.asked) - len(set(self.asked))


def tally(dataset_id: str) -> Tally:
    """Count all rows of the dataset, whatever became of them."""
    with reading() as session:
        query = select(func.count()).where(Sample.dataset_id == dataset_id, Sample.state == "accepted")
        distance = every_nth(session.scalar(query) or 0, SAMPLE)
    found = Tally()
    for row in rows(dataset_id):
        _add(found, row, distance)
    return found


def rows(dataset_id: str) -> Iterator[Row]:
    """All rows: accepted ones, then dropped ones, each in the order they were made."""
    json = (cast(column, Text) for column in (Sample.sources, Sample.verdicts, Sample.lineage, Sample.attributes))
    columns = [*(getattr(Sample, name) for name in Row._fields[:-4]), *json]
    for state in ("accepted", "dropped"):
        last = 0
        while True:
            query = select(*columns).where(Sample.dataset_id == dataset_id, Sample.state == state, Sample.id > last)
            with reading() as session:
                batch = session.execute(query.order_by(Sample.id).limit(ROWS_AT_ONCE)).all()
            yield from (Row(*row) for row in batch)
            if len(batch) < ROWS_AT_ONCE:
                break
            last = batch[-1][0]


def _add(found: Tally, row: Row, distance: int) -> None:
    kept = row.state == "accepted"
    attributes = orjson.loads(row.attributes)
    verdicts = orjson.loads(row.verdicts)
    if kept:
        if found.accepted % distance == 0:
            language = next((v["score"] for v in verdicts if v["metric"] == "language"), None)
            found.sample.append(Sampled(row.context_id, trained_text(row, attributes), language))
        found.accepted += 1
        found.splits[row.split or "none"] += 1
        if row.question:  # a row of plain text asks nothing
            found.asked.append(_fingerprint(row.question))
    else:
        found.dropped += 1
        reason = row.reason or "none"
        found.reasons[reason] += 1
        examples = found.examples.setdefault(reason, [])
        if len(examples) < EXAMPLES:
            examples.append(row)
    if row.question:
        found.question_words.add(len(row.question.split()), kept)
    if row.answer:
        found.answer_words.add(len(row.answer.split()), kept)
    found.kinds.add(row.kind, kept)
    if row.evolution:
        found.evolutions.add(row.evolution, kept)
    for verdict in verdicts:
        metric = verdict["metric"]
        split = found.scores.get(metric)
        if split is None:
            split = found.scores[metric] = Split()
        split.add(verdict["score"], kept)
        if not verdict["passed"]:
            found.failed[metric] += 1
    _add_attributes(found, attributes, kept)
    found.pairs.add(row.answer, attributes, None if kept else row.reason)
    prompts, models = _made_by(row.lineage)
    for prompt in prompts:
        found.prompts[prompt] += 1
    for model in models:
        found.models[model] += 1


def _add_attributes(found: Tally, attributes: dict[str, Any], kept: bool) -> None:
    """Words and numbers are counted by value, lists by their length; texts and what is nested deeper are not."""
    for name, value in attributes.items():
        if name in TEXTS or (name not in found.attributes and len(found.attributes) >= MOST_KEYS):
            continue
        if isinstance(value, list):
            word = "1 item" if len(value) == 1 else f"{len(value)} items"
        elif isinstance(value, str) and len(value) <= LONGEST_WORD:
            word = value
        elif isinstance(value, bool | int | float):
            word = str(value).lower()
        else:
            continue
        found.attributes.setdefault(name, Words()).add(word, kept)


@lru_cache(maxsize=1_000)
def _made_by(lineage: str) -> tuple[tuple[tuple[str, str], ...], tuple[tuple[str, str], ...]]:
    """(prompt, hash) and (role, model) pairs: most rows of a dataset have one of a few lineages."""
    made = orjson.loads(lineage)
    prompts = made.get("prompts") or {}
    models = made.get("models") or {}
    return tuple(prompts.items()), tuple((str(role), str(model)) for role, model in models.items())


def trained_text(row: Row, attributes: dict[str, Any]) -> str:
    """The turns of the row, one a paragraph: those the task stored, or question and answer."""
    messages = attributes.get("messages")
    if isinstance(messages, list):
        return "\n\n".join(str(message.get("content", "")) for message in messages if isinstance(message, dict))
    return f"{row.question}\n\n{row.answer}"


def _fingerprint(question: str) -> int:
    words = " ".join(question.lower().split())
    return int.from_bytes(hashlib.blake2b(words.encode(errors="replace"), digest_size=8).digest(), "big")
