"""Texts as words: what copies, test sets and near copies are compared by."""

import re

_WORD = re.compile(r"\w+")


def words(text: str) -> list[str]:
    """Its words in lower case: what two texts that differ in punctuation and spacing have in common."""
    return _WORD.findall(text.lower())


def shingles(split: list[str], size: int = 3) -> list[str]:
    """Every run of `size` words; a shorter text is one shingle, and an empty one the empty shingle."""
    return [" ".join(split[i : i + size]) for i in range(max(1, len(split) - size + 1))]
