"""Chooses what is asked in an exam, so that nothing of it was trained on in the same words.

`reworded`: a fact (rows whose sources overlap) that several rows ask about gives one of them to the exam; the others
are trained on. `unseen`: rows of facts that were held out whole. Neither has a near copy among the training rows: a
Jaccard similarity of word 3-grams of NEAR or more, found exactly (workers.select.join) where the usual way is MinHash.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field

from app.exams.records import ExamQuestion
from workers.select import clusters, duplicates, join
from workers.select.split import NEAR
from workers.select.words import words


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a dataset that could be asked. `trained`: it is meant for training, and not held out."""

    question: ExamQuestion
    trained: bool


@dataclass(slots=True)
class Chosen:
    """The exam's questions, the ids of rows that training must leave out for them, and why others were not chosen."""

    questions: list[ExamQuestion] = field(default_factory=list)
    taken: set[str] = field(default_factory=set)
    left_out: dict[str, int] = field(default_factory=dict)

    def _leave(self, reason: str) -> None:
        self.left_out[reason] = self.left_out.get(reason, 0) + 1


def choose(rows: Sequence[Row], *, most: int, share: float, seed: int) -> Chosen:
    """At most `most` questions of each group, and of the training rows at most `share`; the same for the same rows.

    The order in which rows are looked at depends on the seed and on their own words.
    """
    chosen = Chosen()
    if not rows:
        return chosen
    facts = _facts(rows)
    near = _near(rows)
    trained = [at for at, row in enumerate(rows) if row.trained]
    left: dict[int, int] = {}  # rows of a fact that are still trained on
    for at in trained:
        left[facts[at]] = left.get(facts[at], 0) + 1
    asked: set[int] = set()
    reworded = unseen = 0
    room = min(most, int(share * len(trained)))
    for at in sorted(range(len(rows)), key=lambda at: _order(rows[at], seed)):
        row, fact = rows[at], facts[at]
        if fact in asked:
            continue
        if any(rows[other].trained and rows[other].question.id not in chosen.taken for other in near[at]):
            chosen._leave("near_copy_in_training")
        elif not row.trained and unseen < most:
            unseen += 1
            asked.add(fact)
            chosen.questions.append(_of_fact(row, facts[at], "unseen"))
        elif row.trained and reworded < room:
            if left[fact] < 2:
                chosen._leave("only_row_of_its_fact")
                continue
            reworded += 1
            left[fact] -= 1
            asked.add(fact)
            chosen.taken.add(row.question.id)
            chosen.questions.append(_of_fact(row, facts[at], "reworded"))
    return chosen


def apart(questions: Sequence[ExamQuestion], trained: Sequence[str]) -> tuple[list[ExamQuestion], int]:
    """Of questions whose facts are not known, those without a near copy among the trained texts; how many had one."""
    texts = [_text(question) for question in questions]
    hashes = duplicates.hashes([words(text) for text in (*texts, *trained)])
    close: set[int] = set()
    for left, right in join.pairs(hashes, NEAR):
        for one, other in zip(left.tolist(), right.tolist(), strict=True):
            if (one < len(texts)) != (other < len(texts)):
                close.add(min(one, other))
    return [question for at, question in enumerate(questions) if at not in close], len(close)


def _facts(rows: Sequence[Row]) -> list[int]:
    """For each row the fact it is about: rows whose sources overlap have the same."""
    unions = clusters.Unions(len(rows))
    names: dict[str, int] = {}
    spans = [
        [(names.setdefault(span.document_id, len(names)), span.start, span.end) for span in row.question.sources]
        for row in rows
    ]
    for one, other in clusters.overlapping(spans):
        unions.unite(one, other)
    return unions.roots()


def _near(rows: Sequence[Row]) -> list[list[int]]:
    """For each row those that are near copies of it."""
    hashes = duplicates.hashes([words(_text(row.question)) for row in rows])
    near: list[list[int]] = [[] for _ in rows]
    for left, right in join.pairs(hashes, NEAR):
        for one, other in zip(left.tolist(), right.tolist(), strict=True):
            near[one].append(other)
            near[other].append(one)
    return near


def _text(question: ExamQuestion) -> str:
    return f"{question.question} {question.answer}"


def _order(row: Row, seed: int) -> bytes:
    return hashlib.sha256(f"{seed}|{_text(row.question)}|{row.question.id}".encode()).digest()


def _of_fact(row: Row, fact: int, group: str) -> ExamQuestion:
    return row.question.model_copy(update={"group": group, "fact": f"fact-{fact}"})
