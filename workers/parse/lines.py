"""From the lines of a printed page to paragraphs that flow, by where the lines stand and how they end."""

import re
from collections.abc import Sequence
from itertools import pairwise
from statistics import median
from typing import NamedTuple

from pypdfium2 import PdfTextPage

_HYPHEN = "\ufffe"  # PDFium writes it for the hyphen of a word that goes on in the next line
_PIECE = "\ufdd0"  # no character of any text
_HYPHENATED = re.compile(r"(\w+)" + _HYPHEN + r"(\w+)")
_COMPOUND = re.compile(r"\w+-\w+")
_ITEM = re.compile(r"[\u2022\u25aa\u25e6\u2023\u00b7\u2013\u2014*-]\s|\(?(?:\d{1,3}|[a-z])[.)]\s")
_COLUMN = 40.0
_FULL, _WIDE_GAP, _OTHER_SIZE = 0.82, 1.45, 1.2


class Line(NamedTuple):
    """One line and its place in points, origin at the lower left. `last_bottom` differs where PDFium joined lines."""

    text: str
    left: float
    right: float
    bottom: float
    last_bottom: float
    height: float


def placed(characters: PdfTextPage) -> list[Line]:
    """The lines of a page that are not blank, in PDFium's reading order."""
    found = []
    start = 0
    for line in characters.get_text_range().split("\r\n"):
        first, end = start, start + len(line)
        start = end + 2
        if text := line.replace(_PIECE, " ").strip():
            first += len(line) - len(line.replace(_PIECE, " ").lstrip())
            left, bottom, _, top = characters.get_charbox(first, loose=True)
            _, last_bottom, right, _ = characters.get_charbox(first + len(text) - 1, loose=True)
            found.append(Line(text, left, right, bottom, last_bottom, top - bottom))
    return found


def join(page: list[Line], titles: Sequence[range] = ()) -> list[str]:
    """The page as text: a blank between joined lines, a line break between items, an empty line between blocks.

    `titles` are lines which are known to be titles. Each begins a new piece of what is returned.
    """
    begins = {title.start for title in titles}
    ends = {title.stop for title in titles}
    goes_on = {line for title in titles for line in title[1:]}
    gaps = [above.last_bottom - line.bottom for above, line in pairwise(page)]
    pitch = median([gap for gap in gaps if gap > 1] or [0.0])
    edges = _right_edges(page)
    parts = [line.text for line in page[:1]]
    for at, (above, line) in enumerate(pairwise(page), start=1):
        if at in begins:
            parts += _PIECE, line.text
        else:
            known = " " if at in goes_on else "\n\n" if at in ends else None
            parts += known or _separator(above, line, pitch, edges), line.text
    text = "".join(parts)
    compounds = set(_COMPOUND.findall(text))
    text = _HYPHENATED.sub(lambda word: _whole(word[1], word[2], compounds), text).replace(_HYPHEN, "-")
    return text.split(_PIECE)


def _whole(head: str, tail: str, compounds: set[str]) -> str:
    """A word broken at its end of line; its hyphen stays if the page has it elsewhere, unbroken."""
    return f"{head}-{tail}" if f"{head}-{tail}" in compounds or head.isdigit() else head + tail


def _right_edges(page: list[Line]) -> dict[int, float]:
    """How far right the lines reach that begin at about the same place: the edge of their column."""
    edges: dict[int, float] = {}
    for line in page:
        column = int(line.left // _COLUMN)
        for near in (column - 1, column, column + 1):
            edges[near] = max(edges.get(near, 0.0), line.right)
    return edges


def _separator(above: Line, line: Line, pitch: float, edges: dict[int, float]) -> str:
    gap = above.last_bottom - line.bottom
    goes_on = line.text[0].islower()
    if abs(gap) < 1:
        return " "
    if max(above.height, line.height) > _OTHER_SIZE * max(min(above.height, line.height), 1.0):
        return "\n\n"
    if gap < 0 or gap > _WIDE_GAP * pitch:
        return " " if goes_on and gap < 0 else "\n\n"
    if _ITEM.match(line.text):
        return "\n"
    edge = edges[int(above.left // _COLUMN)]
    is_full = above.right - above.left > _FULL * (edge - above.left)
    return " " if is_full or goes_on else "\n"
