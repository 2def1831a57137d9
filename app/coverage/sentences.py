"""Widen a span to the sentences that it touches, by punctuation and line breaks alone."""

import re

FARTHEST = 1_000  # characters on either side: a table without a full stop is not one sentence

# After the mark: closing quotes and brackets, then white space; marks of scripts without spaces need none.
# A line break ends a sentence before a blank line, a list item, a heading and a table row; a wrapped line does not.
_BREAK = re.compile(r"[.!?…؟।]+[\"'»”’)\]]*(?=\s|$)|[。！？｡]+[」』”]*|\n[ \t]*(?=\n|[-*+•] |\d{1,3}[.)] |#{1,6} |\|)")


def widen(text: str, start: int, end: int) -> tuple[int, int]:
    """The offsets of the sentences around text[start:end], without white space at their ends. 0 <= start <= end."""
    if start >= end:
        return start, end
    floor, ceiling = max(0, start - FARTHEST), min(len(text), end + FARTHEST)
    first = floor if floor == 0 else start
    for found in _BREAK.finditer(text, floor, ceiling):
        if found.end() > start:
            break
        first = found.end()
    while first < start and text[first].isspace():
        first += 1
    # From the last character on, since a span that ends with its full stop ends its sentence.
    after = _BREAK.search(text, max(start, end - 1), ceiling)
    last = after.end() if after else (ceiling if ceiling == len(text) else end)
    last = max(last, end)
    while last > end and text[last - 1].isspace():
        last -= 1
    return first, last


_INITIAL = re.compile(r"(?:^|[\s(])[^\W\d_a-zа-яё][^\W\d_A-ZА-ЯЁ]?\.$")  # "Dr.", "A.": no sentence ends there


def split(text: str) -> list[tuple[int, int]]:
    """The offsets of all sentences, list items and headings of a text, in order, without white space at their ends."""
    found, start = [], 0
    ends = [match.end() for match in _BREAK.finditer(text) if _ends(text, match.end())]
    for end in [*ends, len(text)]:
        piece = text[start:end]
        left = start + len(piece) - len(piece.lstrip())
        right = start + len(piece.rstrip())
        if any(character.isalnum() for character in text[left:right]):
            found.append((left, right))
        start = end
    return found


def _ends(text: str, end: int) -> bool:
    """A full stop before a small letter, or behind an initial or a title, belongs to an abbreviation."""
    if text[end - 1] != ".":
        return True
    after = text[end : end + 20].lstrip()
    return not (after[:1].islower() or _INITIAL.search(text[max(0, end - 5) : end]))
