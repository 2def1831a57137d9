"""The keeper's side of online DPO: finds the round that waits for a judge, and hands over the scores."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import orjson

from workers.training.files import write_whole

ROUNDS, ANSWERS, SCORES, PAIRS = "rounds", "answers.jsonl", "scores.jsonl", "pairs.jsonl"
Judge = Callable[[list[dict[str, Any]], list[str]], Sequence[float]]  # the turns asked, the answers: a score for each


def waiting(folder: Path) -> Path | None:
    """The folder of the round whose answers are not judged yet, or None."""
    for round_ in sorted((folder / ROUNDS).glob("*"), key=lambda path: int(path.name)):
        if (round_ / ANSWERS).exists() and not (round_ / SCORES).exists():
            return round_
    return None


def judge(round_: Path, by: Judge) -> None:
    """Has every prompt's answers judged and writes the scores, whole."""
    found: list[list[float | None]] = []
    for line in (round_ / ANSWERS).read_bytes().splitlines():
        one = orjson.loads(line)
        scores = [float(score) for score in by(one["turns"], one["answers"])]
        if len(scores) != len(one["answers"]):
            raise ValueError(f"{len(one['answers'])} answers got {len(scores)} scores")
        found.append(list(scores))
    write(round_, found)


def write(round_: Path, scores: Sequence[Sequence[float | None]]) -> None:
    """Puts the scores where the run waits for them, whole; None: that answer was not judged."""
    write_whole(round_ / SCORES, b"".join(orjson.dumps(list(found)) + b"\n" for found in scores))
