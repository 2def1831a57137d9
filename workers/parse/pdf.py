"""PDF files, through PDFium: the text of each page with its lines joined, and the places of pages and bookmarks."""

from collections.abc import Iterator
from itertools import zip_longest

from pypdfium2 import PdfDocument, PdfiumError
from pypdfium2.raw import FPDF_ERR_PASSWORD

from app.domain import Heading, Page, Parsed
from workers.parse import bookmarks, cleaning, lines
from workers.parse.bookmarks import Bookmark, Place
from workers.parse.failure import ParseFailed

_TAIL = 4096
_BETWEEN = "\n\n"
_MOST_CHARACTERS = 21_000_000  # a little over what any document may have: the rest would be thrown away


def read(data: bytes) -> Parsed:
    """The text of all pages. text[page.start:page.end] is a page; an empty one has start == end."""
    if b"%%EOF" not in data[-_TAIL:]:
        raise ParseFailed("corrupt", "The PDF is cut off: its end is missing.")
    try:
        document = PdfDocument(data)
    except PdfiumError as error:
        if error.err_code == FPDF_ERR_PASSWORD:
            raise ParseFailed("encrypted", "The PDF is protected by a password.") from error
        raise ParseFailed("corrupt", "The PDF is damaged and cannot be opened.") from error
    with document:
        text, pages, headings = _join(_pages(document))
    if not text.strip():
        raise ParseFailed("empty", "The PDF contains no text. Scanned pages need OCR first.")
    return Parsed(text=text, media_type="application/pdf", pages=pages, headings=headings)


def _pages(document: PdfDocument) -> Iterator[tuple[list[str], list[Bookmark]]]:
    """Each page in pieces, and the bookmarks at whose titles the last of these pieces begin."""
    wanted = bookmarks.read(document)
    missed: list[Bookmark] = []
    for number in range(len(document)):
        try:
            page = document[number]
            characters = page.get_textpage()
        except PdfiumError as error:
            raise ParseFailed("corrupt", f"Page {number + 1} of the PDF is damaged.") from error
        placed = lines.placed(characters)
        here, missed_here = bookmarks.place(wanted.get(number, ()), placed)
        # One that points to the foot of a page may mean the title at the head of the next.
        before, _ = bookmarks.place([mark._replace(top=None) for mark in missed], placed) if missed else ([], [])
        missed = missed_here
        taken = {line for one in here for line in range(one.first, one.end)}
        here += [one for one in before if not taken.intersection(range(one.first, one.end))]
        here.sort(key=_first)
        pieces = lines.join(placed, [range(one.first, one.end) for one in here])
        pieces = [cleaning.clean(piece).strip() for piece in pieces]
        if here and here[0].first == 0:
            pieces.insert(0, "")
        yield pieces, [one.bookmark for one in here]
        characters.close()
        page.close()


def _first(place: Place) -> int:
    return place.first


def _join(contents: Iterator[tuple[list[str], list[Bookmark]]]) -> tuple[str, tuple[Page, ...], tuple[Heading, ...]]:
    pages: list[Page] = []
    headings: list[Heading] = []
    parts: list[str] = []
    start = 0
    for number, (pieces, marks) in enumerate(contents, start=1):
        begin = at = start
        for piece, mark in zip_longest(pieces, [None, *marks]):
            if mark is not None and piece:
                headings.append(Heading(level=mark.level, title=mark.title, start=at))
            at += len(piece) + len(_BETWEEN) if piece else 0
        parts.append(_BETWEEN.join(filter(None, pieces)))
        start += len(parts[-1]) + len(_BETWEEN)
        pages.append(Page(number=number, start=begin, end=begin + len(parts[-1])))
        if start > _MOST_CHARACTERS:
            break
    return _BETWEEN.join(parts), tuple(pages), tuple(headings)
