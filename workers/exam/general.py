"""The general set: questions of common knowledge, written for this, which a model should answer as well as before."""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

FILE = Path(__file__).with_name("general.jsonl")


@dataclass(frozen=True, slots=True)
class GeneralQuestion:
    """A question with four answers to choose from; `right` is the place of the right one."""

    question: str
    options: tuple[str, ...]
    right: int


@cache
def every() -> tuple[GeneralQuestion, ...]:
    """All of them, in the order of the file."""
    rows = (json.loads(line) for line in FILE.read_text().splitlines())
    return tuple(GeneralQuestion(row["question"], tuple(row["options"]), row["right"]) for row in rows)


def some(count: int) -> tuple[GeneralQuestion, ...]:
    """`count` of them, evenly spread over the file, which goes through its subjects in turn."""
    found = every()
    if count >= len(found):
        return found
    return tuple(found[i * len(found) // count] for i in range(count))
