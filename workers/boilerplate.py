"""Which stretches of documents are their own text: page furniture, and lines that stood before, are left out."""

import re
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

DOCUMENTS = 3  # that have a line, before it counts as furniture
SHARE = 0.1  # of all documents, at least
TIMES = 4  # in one document
PAGES = 3  # lines that differ only in a number that grows by one
LONGEST = 120  # characters of furniture
LONG = 8  # words: a shorter line may stand in two documents by chance
_DIGITS = re.compile(r"\d+")
_WORD = re.compile(r"[^\W\d_]{2,}|[\u3040-\u30ff\u3400-\u9fff]")

Stretch = tuple[int, int]


def stretches(texts: Sequence[str], *, furniture: bool, repeated: bool) -> tuple[list[list[Stretch]], int]:
    """(for each text its stretches [start, end) of whole lines that stay, in order; how many lines were left out).

    `furniture`: lines of two words and at most 120 characters that stand in 3 documents and in a tenth of all, or 4
    times in one, and those that are numbered on through a document ("Page 3 of 12"). `repeated`: lines of 8 words and
    more stay only where they stand first, in the order of the texts. A line without words (a blank one, a rule) goes
    with what is around it.
    """
    lines = [[_plain(line) for line in text.split("\n")] for text in texts]
    everywhere = _in_many(lines) if furniture else frozenset()
    seen: set[str] = set()
    found, lost = [], 0
    for text, plain in zip(texts, lines, strict=True):
        here = everywhere | _in_one(plain) if furniture else everywhere
        kept: list[Stretch] = []
        start = at = 0
        for line, key in zip(text.split("\n"), plain, strict=True):
            end = at + len(line) + 1
            long = len(_WORD.findall(key)) >= LONG
            if key in here or (repeated and long and key in seen):
                lost += 1
                kept.append((start, at))
                start = end
            elif long:
                seen.add(key)
            at = end
        kept.append((start, len(text)))
        found.append([(one, other) for one, other in kept if _WORD.search(text[one:other])])
    return found, lost


def _plain(line: str) -> str:
    return " ".join(line.casefold().split())


def _could_be(line: str) -> bool:
    return len(line) <= LONGEST and len(_WORD.findall(line)) >= 2


def _in_many(lines: Sequence[Sequence[str]]) -> frozenset[str]:
    documents = Counter(line for plain in lines for line in set(plain) if _could_be(line))
    least = max(DOCUMENTS, SHARE * len(lines))
    return frozenset(line for line, count in documents.items() if count >= least)


def _in_one(lines: Sequence[str]) -> frozenset[str]:
    """Lines that stand here again and again, or with a number that grows by one from each to the next."""
    often = {line for line, count in Counter(lines).items() if count >= TIMES and _could_be(line)}
    alike: dict[str, list[str]] = {}
    for line in lines:
        if _could_be(line) and _DIGITS.search(line):
            alike.setdefault(_DIGITS.sub("0", line), []).append(line)
    numbered = {line for same in alike.values() if len(same) >= PAGES and _counts_on(same) for line in same}
    return frozenset(often | numbered)


def _counts_on(lines: Sequence[str]) -> bool:
    """Does one of the numbers grow by one from line to line, and no other change? (A table's rows change in more.)"""
    columns = list(zip(*(map(int, _DIGITS.findall(line)) for line in lines), strict=True))
    moving = [column for column in columns if len(set(column)) > 1]
    return len(moving) == 1 and all(other - one == 1 for one, other in pairwise(moving[0]))
