"""Pairs with a rule that has to be learnt: the answer that the note gives, and not the one it gives of something else.

Both answers stand in the note, so no word tells them apart. Their wording, and with it their length, is drawn for each
of them alone, so length says nothing about which is right.
"""

import random
from dataclasses import dataclass
from typing import Any

HALVES = (
    ("Or", "Ta", "Bru", "Ka", "Pe", "San", "Wex", "Dor", "Il", "Nor"),
    ("lin", "vesk", "mel", "ston", "lur", "by"),
)
NAMES = tuple(one + other for one in HALVES[0] for other in HALVES[1])
KINDS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    (
        "The ferry to {name} leaves from pier {value}.",
        "From which pier does the ferry to {name} leave?",
        ("2", "3", "4", "5", "6", "7", "8", "9"),
    ),
    (
        "The mayor of {name} is {value}.",
        "Who is the mayor of {name}?",
        ("Ms Abreda", "Mr Solvik", "Ms Feldt", "Mr Quorn", "Ms Trimm", "Mr Sorrel"),
    ),
    (
        "The market of {name} is held on {value}.",
        "On which day is the market of {name}?",
        ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"),
    ),
)
WORDINGS = (
    "{value}.",
    "It is {value}.",
    "The note says {value}.",
    "By what the note says, the answer is {value}.",
    "The answer is {value}, as anybody can read in the note that was given here.",
)


@dataclass(frozen=True)
class Noted:
    """A pair and what is known of it."""

    note: str
    asked: str
    chosen: str
    rejected: str
    right: str

    @property
    def row(self) -> dict[str, Any]:
        return {
            "prompt": [{"role": "user", "content": f"{self.note}\n{self.asked}"}],
            "chosen": [{"role": "assistant", "content": self.chosen}],
            "rejected": [{"role": "assistant", "content": self.rejected}],
        }


def pairs(count: int, names: tuple[str, ...], seed: int) -> list[Noted]:
    """No two alike."""
    drawn = random.Random(seed)
    found: dict[tuple[str, str], Noted] = {}
    while len(found) < count:
        fact, asked, values = drawn.choice(KINDS)
        (name, other), (right, wrong) = drawn.sample(names, 2), drawn.sample(values, 2)
        sentences = [fact.format(name=name, value=right), fact.format(name=other, value=wrong)]
        drawn.shuffle(sentences)
        wording, another = drawn.sample(WORDINGS, 2)
        pair = Noted(
            note=" ".join(sentences),
            asked=asked.format(name=name),
            chosen=wording.format(value=right),
            rejected=another.format(value=wrong),
            right=right,
        )
        found[pair.note, pair.asked] = pair
    return list(found.values())
