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
    for found in _BREAK.finditer(text, floor, start):
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
