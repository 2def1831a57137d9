"""Rows that repeat a test set, planted among rows that do not."""

import json

import pytest

from tests.select.texts import Writer
from workers.select.contamination import TestSet, strings
from workers.select.words import words


def test_thirteen_words_in_a_row_are_found_and_twelve_are_not() -> None:
    writer = Writer(1)
    theirs = writer.words(40)
    tests = TestSet(13)
    tests.add([" ".join(theirs)])
    runs = {tuple(theirs[i : i + 13]) for i in range(28)}
    clean, planted = list[list[str]](), list[list[str]]()
    for i in range(200):
        ours = writer.words(30)
        length = 13 if i % 2 else 12
        place = int(writer.random.integers(0, 27))
        ours[8 : 8 + length] = theirs[place : place + length]
        repeats = any(tuple(ours[j : j + 13]) in runs for j in range(18))  # a common word may make 13 of 12
        (planted if repeats else clean).append(ours)
    assert len(planted) >= 100
    assert len(clean) > 80
    assert all(tests.holds(row) for row in planted)
    assert not any(tests.holds(row) for row in clean)


def test_punctuation_and_case_do_not_hide_a_copy() -> None:
    tests = TestSet(5)
    tests.add(["When does the ferry Aurora leave the harbour of Norvik?"])
    assert tests.holds(words("Say: «when does — the FERRY, aurora»!")) == "when does the ferry aurora"


def test_a_short_test_question_counts_when_a_row_asks_just_that() -> None:
    tests = TestSet(13)
    tests.add(["Who founded the city of Norvik?", "yes"])
    assert tests.holds(words("who founded the city of Norvik"))
    assert not tests.holds(words("Who founded the city of Norvik, and when?"))
    assert not tests.holds(["yes"]), "a word or two say nothing"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("t.jsonl", json.dumps({"q": "alpha beta", "c": ["gamma", {"deep": "delta"}], "n": 3}) + "\nnot json epsilon"),
        ("t.csv", 'q;a\n"alpha beta";gamma\ndelta;"epsilon"'),
        ("t.txt", "alpha beta\n\ngamma delta\n\nepsilon"),
        ("t.json", json.dumps([["alpha beta", "gamma"], "delta", {"x": "epsilon"}])),
    ],
)  # fmt: skip
def test_every_string_of_a_test_file_counts(name: str, text: str) -> None:
    found = {word for string in strings(name, text) for word in words(string)}
    assert found >= {"alpha", "beta", "gamma", "delta", "epsilon"}


@pytest.mark.parametrize("text", ["", "\0", "[" * 100_000, '"', '{"a": ', "\ud7ff,\n\r\n,,"])
def test_a_broken_test_file_does_no_harm(text: str) -> None:
    for name in ("a.jsonl", "a.json", "a.csv", "a.tsv", "a.txt"):
        TestSet(13).add(strings(name, text))
