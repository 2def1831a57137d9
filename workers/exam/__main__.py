"""The child: `python -m workers.exam FOLDER` reads exam.json and writes answers.json, whole or not at all."""

import sys
from pathlib import Path

from app.exams.records import ExamSpec
from workers.exam.folder import ANSWERS, EXAM
from workers.training.files import write_whole


def main(folder: Path) -> None:
    """Takes the exam of this folder."""
    spec = ExamSpec.model_validate_json((folder / EXAM).read_bytes())
    from workers.exam.sitting import sit

    write_whole(folder / ANSWERS, sit(spec).model_dump_json().encode())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
