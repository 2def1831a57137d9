"""The keeper's side of an exam: its folder, the command of its child, and the answers when there are any."""

import sys
from pathlib import Path

from app.exams.records import ExamSpec, Sat
from workers.training.files import write_whole

EXAM, ANSWERS = "exam.json", "answers.json"


def prepare(folder: Path, spec: ExamSpec) -> None:
    """Writes `exam.json`. Answers to another exam are forgotten; those to this one stay, and it need not be taken."""
    folder.mkdir(parents=True, exist_ok=True)
    wanted = spec.model_dump_json(indent=1).encode()
    path = folder / EXAM
    if not path.exists() or path.read_bytes() != wanted:
        (folder / ANSWERS).unlink(missing_ok=True)
        write_whole(path, wanted)


def command(folder: Path) -> list[str]:
    """What to start; it ends with 0 when the answers are there."""
    return [sys.executable, "-m", "workers.exam", str(folder)]


def answers(folder: Path) -> Sat | None:
    """What the candidates answered; None: the child has not ended, or ended without a word."""
    path = folder / ANSWERS
    return Sat.model_validate_json(path.read_bytes()) if path.exists() else None
