"""Where an exam's questions come from: rows of a dataset, or of a validation file."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy import select

from app.db import reading, transaction
from app.domain import Span
from app.exams import service as exams
from app.exams.records import ExamQuestion
from app.models import Sample, Training
from app.trainings.rows import Chat, Turn, rows
from workers.exam import hold_out

LONGEST_ANSWER = 1_000  # characters: what is longer is no answer to a question but a text


def of_dataset(training: Training, dataset_id: str) -> set[bytes]:
    """Choose the questions of a job that trains on a dataset, and keep them: the lines that training must leave out."""
    wanted = training.spec["exam"]
    found = list(_candidates(dataset_id))
    chosen = hold_out.choose(
        [row for row, _ in found], most=wanted["questions"], share=wanted["share"], seed=training.seed
    )
    _keep(training, chosen.questions, chosen.left_out)
    return {line for row, line in found if row.question.id in chosen.taken}


def of_files(training: Training, train: Path, validation: Path) -> None:
    """The same for uploaded files: questions are rows of the validation file, and nothing is taken from training.

    What facts they are about is not known, so each counts as its own, and as one that was not trained on.
    """
    wanted = training.spec["exam"]
    asked = [
        question
        for number, row in enumerate(rows(validation, frozenset({"chat"})), 1)
        if isinstance(row, Chat) and (question := _question(f"line-{number}", row.turns)) is not None
    ]
    trained = ["\n".join(_said(row.turns)) for row in rows(train, frozenset({"chat"})) if isinstance(row, Chat)]
    apart, copies = hold_out.apart(asked, trained)
    kept = apart[: wanted["questions"]]
    _keep(training, kept, {"near_copy_in_training": copies} if copies else {})


def is_kept(line: bytes, taken: set[bytes]) -> bool:
    """Whether a line of the training file stays in it."""
    return orjson.dumps(orjson.loads(line)["messages"]) not in taken


def _candidates(dataset_id: str) -> Iterator[tuple[hold_out.Row, bytes]]:
    """Accepted rows that are one question with its answer, each with the turns that its line will have."""
    columns = (Sample.id, Sample.question, Sample.answer, Sample.attributes, Sample.sources, Sample.split)
    query = select(*columns).where(Sample.dataset_id == dataset_id, Sample.state == "accepted").order_by(Sample.id)
    with reading() as session:
        found = session.execute(query).all()
    for row in found:
        told: list[Turn] | None = row.attributes.get("messages")
        turns: list[Turn] = told or [
            {"role": "user", "content": row.question},
            {"role": "assistant", "content": row.answer},
        ]
        question = _question(str(row.id), turns, tuple(Span.model_validate(span) for span in row.sources))
        if question is not None:
            yield hold_out.Row(question, row.split != "validation"), orjson.dumps(turns)


def _question(name: str, turns: list[Turn], sources: tuple[Span, ...] = ()) -> ExamQuestion | None:
    """One question and its answer, a system prompt before it at most; None for anything else."""
    system = turns[0]["content"] if turns and turns[0]["role"] == "system" else ""
    asked = turns[1:] if system else turns
    if [turn["role"] for turn in asked] != ["user", "assistant"]:
        return None
    question, answer = (turn["content"] for turn in asked)
    if not all(isinstance(text, str) and text.strip() for text in (question, answer)) or len(answer) > LONGEST_ANSWER:
        return None
    return ExamQuestion(
        id=name, group="unseen", fact=name, question=question, answer=answer, system=system, sources=sources
    )


def _said(turns: list[Turn]) -> list[str]:
    return [turn["content"] for turn in turns if isinstance(turn.get("content"), str) and turn["role"] != "system"]


def _keep(training: Training, questions: list[ExamQuestion], left_out: dict[str, int]) -> None:
    with transaction() as session:
        exams.plan(session, session.get_one(Training, training.id), questions, left_out)


def lines(questions: list[ExamQuestion]) -> list[dict[str, Any]]:
    """Questions with their answers as training rows: what held-out loss is measured on."""
    found = []
    for question in questions:
        system = [{"role": "system", "content": question.system}] if question.system else []
        asked = [{"role": "user", "content": question.question}, {"role": "assistant", "content": question.answer}]
        found.append({"messages": [*system, *asked]})
    return found
