"""The bookmarks of a PDF, and the lines of its pages where their titles stand."""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from pypdfium2 import PdfBookmark, PdfDocument
from pypdfium2.raw import PDFDEST_VIEW_FITBH, PDFDEST_VIEW_FITH, PDFDEST_VIEW_XYZ

from workers.parse import cleaning
from workers.parse.headings import MOST
from workers.parse.lines import Line

_NUMBER = re.compile(
    r"\s*(?:(?:chapter|section|appendix|part|kapitel|chapitre|capítulo|глава|раздел|приложение)\s+)?"
    r"(?:\d+|[ivxlc]+|[a-z])(?:[.-]\d+)*[.):]?\s+",
    re.IGNORECASE,
)
_MOST_LINES = 4  # of one title


class Bookmark(NamedTuple):
    """Where it points to: the index of a page, and how high on it (points, origin at the bottom) if that is said."""

    title: str
    level: int
    page: int
    top: float | None


class Place(NamedTuple):
    """The title of `bookmark` is the lines from `first` up to `end`."""

    bookmark: Bookmark
    first: int
    end: int


def read(document: PdfDocument) -> dict[int, list[Bookmark]]:
    """The bookmarks that have a title and a page, by their page; at most MOST."""
    found: dict[int, list[Bookmark]] = {}
    for _, bookmark in zip(range(MOST), _listed(document.get_toc()), strict=False):
        found.setdefault(bookmark.page, []).append(bookmark)
    return found


def place(bookmarks: Iterable[Bookmark], page: list[Line]) -> tuple[list[Place], list[Bookmark]]:
    """Those whose title stands on the page, in its order, and the others.

    A title may go over some lines, in other case, with or without its number. Of several such places that nearest to
    the height of the bookmark counts.
    """
    begins: dict[str, list[tuple[int, int]]] = {}
    for first in range(len(page)):
        for end in range(first + 1, min(first + _MOST_LINES, len(page)) + 1):
            for key in _keys(" ".join(line.text for line in page[first:end])):
                begins.setdefault(key, []).append((first, end))
    places: list[Place] = []
    others: list[Bookmark] = []
    taken: set[int] = set()
    for bookmark in bookmarks:
        spans = {span for key in _keys(bookmark.title) for span in begins.get(key, ())}
        free = sorted(span for span in spans if not taken.intersection(range(*span)))
        if not free:
            others.append(bookmark)
            continue
        top = bookmark.top
        first, end = free[0] if top is None else min(free, key=lambda span: abs(_top(page[span[0]]) - top))
        taken.update(range(first, end))
        places.append(Place(bookmark, first, end))
    return sorted(places, key=lambda one: one.first), others


def _listed(bookmarks: Iterable[PdfBookmark]) -> Iterator[Bookmark]:
    for bookmark in bookmarks:
        title = " ".join(cleaning.clean(bookmark.get_title()).split())
        target = bookmark.get_dest()
        page = target.get_index() if target else None
        if title and page is not None and page >= 0:
            mode, view = target.get_view()
            at = {PDFDEST_VIEW_XYZ: 1, PDFDEST_VIEW_FITH: 0, PDFDEST_VIEW_FITBH: 0}.get(mode)
            top = view[at] if at is not None and at < len(view) else None
            yield Bookmark(title, bookmark.level + 1, page, top or None)  # 0 is what an unsaid height becomes


def _keys(title: str) -> set[str]:
    """What two writings of one title have in common: its letters and digits, with and without its number."""
    title = unicodedata.normalize("NFKC", title).casefold()
    number = _NUMBER.match(title)
    return {key for part in (title, title[number.end() :] if number else "") if (key := _bare(part))}


def _bare(title: str) -> str:
    return "".join(filter(str.isalnum, title))


def _top(line: Line) -> float:
    return line.bottom + line.height
