"""Rows that repeat a test set: n words in a row in common, or a short test string word for word.

The n-gram overlap of Brown et al. 2020 (arXiv 2005.14165, appendix C), with 13 words as there. Test strings shorter
than n words, which plain n-grams pass over, count when a row's question or answer is the same words.
"""

import csv
import io
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import PurePath
from typing import Any

from workers.select.words import shingles, words

SHORTEST = 5  # words: "yes" in a test set says nothing about a row


@dataclass(slots=True)
class TestSet:
    """What rows are compared with, as 64-bit hashes: about 60 bytes a word of the test sets."""

    __test__ = False  # not a class of tests
    size: int
    grams: set[bytes] = field(default_factory=set)
    whole: set[bytes] = field(default_factory=set)

    def add(self, strings: Iterable[str]) -> None:
        for string in strings:
            split = words(string)
            if len(split) >= self.size:
                self.grams.update(map(_hash, shingles(split, self.size)))
            elif len(split) >= SHORTEST:
                self.whole.add(_hash(" ".join(split)))

    def holds(self, split: list[str]) -> str | None:
        """The first words that the test set has too, or None."""
        if len(split) < self.size:
            text = " ".join(split)
            return text if len(split) >= SHORTEST and _hash(text) in self.whole else None
        return next((gram for gram in shingles(split, self.size) if _hash(gram) in self.grams), None)


def _hash(text: str) -> bytes:
    return blake2b(text.encode(), digest_size=8).digest()


def strings(name: str, text: str) -> Iterator[str]:
    """Every string of a test file: fields of JSON lines, cells of a table, else the paragraphs. Never fails."""
    kind = PurePath(name).suffix.lower()
    if kind in (".jsonl", ".ndjson", ".json"):
        yield from _json_strings(text, kind)
    elif kind in (".csv", ".tsv"):
        yield from _cells(text, "\t" if kind == ".tsv" else None)
    else:
        yield from text.split("\n\n")


def _json_strings(text: str, kind: str) -> Iterator[str]:
    for line in [text] if kind == ".json" else text.split("\n"):
        try:
            yield from _inside(json.loads(line))
        except (ValueError, RecursionError):
            yield line  # its words still count


def _inside(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for one in value.values() if isinstance(value, dict) else value:
            yield from _inside(one)


def _cells(text: str, delimiter: str | None) -> Iterator[str]:
    header = text.lstrip("\ufeff").split("\n", 1)[0]
    found = delimiter or max(",;\t|", key=header.count)
    rows = csv.reader(io.StringIO(text.replace("\0", ""), newline=""), delimiter=found)
    try:
        for row in rows:
            yield from row
    except csv.Error:
        yield from text.split("\n")
