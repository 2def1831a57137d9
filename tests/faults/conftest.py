"""Documents and services for the fault tests."""

import os

import pytest


def ferries(count: int) -> bytes:
    """A text of `count` paragraphs, each with facts of its own."""
    return "\n\n".join(
        f"The ferry Number {i} leaves Harbour {i} at {i % 24:02d}:{i % 60:02d} every day. A ticket for it costs "
        f"{i + 3} euros and fifty cents. The captain of ferry Number {i} is called Person {i}. It carries {50 + i} "
        f"passengers, {i + 2} cars across the sound, and it was built in the year {1900 + i} at the yard of Town {i}."
        for i in range(count)
    ).encode()


def seeds(short: int) -> list[int]:
    """Seeds to run with: `short` of them in `make test`, CORPUSMITH_FAULT_SEEDS in `make faults`."""
    return list(range(int(os.environ.get("CORPUSMITH_FAULT_SEEDS", short))))


@pytest.fixture
def document() -> bytes:
    return ferries(24)
