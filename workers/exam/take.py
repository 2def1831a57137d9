"""Takes the exam of a job whose training is done: lays it out, has a child sit it, grades, and keeps the report."""

import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import orjson
import structlog

from app.db import reading, transaction
from app.exams import service as exams
from app.exams.records import Candidate, ExamQuestion, ExamReport, ExamSpec, Metric, Sat
from app.llm.asking import ModelUnusable
from app.models import Training
from app.trainings import service as trainings
from app.trainings.run import Result, RunSpec
from workers.exam import folder as sitting
from workers.exam import grade, judging, questions, reckon
from workers.training import control
from workers.training.files import write_whole

log = structlog.get_logger()

Sit = Callable[[list[str]], bool]  # runs a child under the keeper's eyes; False: it was stopped before its end


def take(training_id: str, run: Path, result: Result, sit: Sit) -> bool:
    """Does nothing for a job without an exam, or one that was taken. False: it was stopped, and must be taken again.

    An exam that fails does not fail the training: its error stands in the exam and in the job's events.
    """
    with reading() as session:
        training = session.get_one(Training, training_id)
        exam = exams.of(session, training_id)
    if exam is None or exam.status != "waiting":
        return True
    asked = [ExamQuestion.model_validate(question) for question in exam.questions]
    wanted = training.spec["exam"]
    _say(training_id, f"Taking the exam: {len(asked)} questions")
    folder = run / "exam"
    folder.mkdir(parents=True, exist_ok=True)
    candidates = [Candidate(name="base"), Candidate(name="tuned", adapter=result.adapter)]
    if wanted["control"]:
        trained = _control(run, training.seed, sit)
        if trained is None:
            return False
        candidates += [Candidate(name="control", adapter=trained)] if trained else []
    spec = _spec(control.spec_of(run), wanted, asked, candidates, folder)
    sitting.prepare(folder, spec)
    if sitting.answers(folder) is None and not sit(sitting.command(folder)):
        return False
    sat = sitting.answers(folder)
    if sat is None:
        _end(training_id, None, {"code": "exam_failed", "message": "the exam's process ended without answers"})
        return True
    try:
        report = _graded(training, wanted, asked, sat, exam.left_out)
    except ModelUnusable as error:
        _end(training_id, None, {"code": error.code, "message": error.detail})
        return True
    _end(training_id, report, None)
    return True


def _spec(
    run: RunSpec, wanted: dict[str, Any], asked: Sequence[ExamQuestion], candidates: Sequence[Candidate], folder: Path
) -> ExamSpec:
    held = [question for question in asked if question.group == "unseen"] or list(asked)
    held_out = folder / "held_out.jsonl"
    write_whole(held_out, b"".join(orjson.dumps(line) + b"\n" for line in questions.lines(held)))
    return ExamSpec(
        base_model=run.base_model,
        candidates=tuple(candidates),
        questions=tuple(asked),
        general=wanted["general"],
        held_out=(str(held_out),) if held else (),
        max_new_tokens=wanted["max_new_tokens"],
        device=run.device,
    )


def _control(run: Path, seed: int, sit: Sit) -> str | None:
    """Train the control: same rows, same settings, answers exchanged between rows. "": it failed; None: stopped."""
    folder = run / "control"
    folder.mkdir(parents=True, exist_ok=True)
    spec = control.spec_of(run)
    exchanged = folder / "train.jsonl"
    rows = [orjson.loads(line) for file in spec.train_files for line in Path(file).read_bytes().splitlines() if line]
    write_whole(exchanged, b"".join(orjson.dumps(row) + b"\n" for row in exchange(rows, seed)))
    if not isinstance(control.outcome(folder), Result):
        control.prepare(folder, spec.model_copy(update={"train_files": (str(exchanged),), "validation_files": ()}))
        if not sit(control.command(folder)):
            return None
    ended = control.outcome(folder)
    return ended.adapter if isinstance(ended, Result) else ""


def exchange(rows: list[dict[str, Any]], seed: int) -> list[dict[str, Any]]:
    """The rows, each with the last answer of another one (a cycle, so none keeps its own unless there is one row)."""
    with_answer = [at for at, row in enumerate(rows) if row.get("messages", [{}])[-1].get("role") == "assistant"]
    order = with_answer[:]
    random.Random(seed).shuffle(order)
    new = [orjson.loads(orjson.dumps(row)) for row in rows]
    for at, other in zip(order, [*order[1:], *order[:1]], strict=True):
        new[at]["messages"][-1]["content"] = rows[other]["messages"][-1]["content"]
    return new


def _graded(
    training: Training, wanted: dict[str, Any], asked: list[ExamQuestion], sat: Sat, left_out: dict[str, int]
) -> ExamReport:
    """Raises ModelUnusable when the judge cannot be asked at all."""
    grades: dict[str, list[dict[Metric, float]]] = {
        answers.candidate: [
            grade.by_reference(text, q.answer) for text, q in zip(answers.texts, asked, strict=True)
        ]
        for answers in sat.answers
    }  # fmt: skip
    metric: Metric = "f1"
    if wanted["judge"] and asked:
        metric = "judge"
        for name, found in judging.grades(training.tenant_id, training.id, asked, sat).items():
            for at, value in enumerate(found):
                if value is not None:
                    grades[name][at]["judge"] = value
    _add_similarity(training.tenant_id, asked, sat, grades)
    return reckon.report(asked, sat, grades, metric=metric, seed=training.seed, left_out=left_out)


def _add_similarity(
    tenant_id: str, asked: list[ExamQuestion], sat: Sat, grades: dict[str, list[dict[Metric, float]]]
) -> None:
    """Cosine of the sentence embeddings of answer and reference, where an embedder is installed."""
    from workers import embed

    try:
        references = embed.vectors(tenant_id, [question.answer for question in asked]) if asked else None
    except ModuleNotFoundError as error:
        log.info("exam.no_similarity", reason=str(error))
        return
    if references is None:
        return
    for answers in sat.answers:
        said = embed.vectors(tenant_id, [text or " " for text in answers.texts])
        for at, cosine in enumerate((said * references).sum(axis=1)):
            grades[answers.candidate][at]["similarity"] = max(0.0, float(cosine))


def _say(training_id: str, message: str, level: str = "info") -> None:
    with transaction() as session:
        trainings.record(session, session.get_one(Training, training_id), message, level=level)


def _end(training_id: str, report: ExamReport | None, error: dict[str, Any] | None) -> None:
    with transaction() as session:
        exam = exams.of(session, training_id)
        assert exam is not None
        exams.end(session, exam, report, error)
        message, level = (
            (f"The exam could not be taken: {error['message']}", "error") if error else (_told(report), "info")
        )
        trainings.record(session, session.get_one(Training, training_id), message, level=level, exam=exam.id)


def _told(report: ExamReport | None) -> str:
    """The report in one sentence."""
    gain = (report.gain("reworded") or report.gain("unseen")) if report else None
    if gain is None:
        return "The exam was taken; it had no questions, so no gain is told"
    d = gain.difference
    return (
        f"The exam was taken: {gain.metric} {100 * d.value:+.1f} points over the base model on {gain.group} facts "
        f"(95 % between {100 * d.low:+.1f} and {100 * d.high:+.1f})"
    )
