"""PDF files, through PDFium: the text of each page with its lines joined, and the places of pages and bookmarks."""

import re
from collections.abc import Iterator

from pypdfium2 import PdfDocument, PdfiumError
from pypdfium2.raw import FPDF_ERR_PASSWORD

from app.domain import Heading, Page, Parsed
from workers.parse import cleaning, lines
from workers.parse.failure import ParseFailed

_TAIL = 4096
_BETWEEN_PAGES = "\n\n"
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
        text, pages = _join(_page_texts(document))
        if not text.strip():
            raise ParseFailed("empty", "The PDF contains no text. Scanned pages need OCR first.")
        headings = tuple(_bookmarks(document, text, pages))
    return Parsed(text=text, media_type="application/pdf", pages=tuple(pages), headings=headings)


def _page_texts(document: PdfDocument) -> Iterator[str]:
    for number in range(len(document)):
        try:
            page = document[number]
            characters = page.get_textpage()
        except PdfiumError as error:
            raise ParseFailed("corrupt", f"Page {number + 1} of the PDF is damaged.") from error
        yield cleaning.clean(lines.join(lines.placed(characters))).strip()
        characters.close()
        page.close()


def _join(texts: Iterator[str]) -> tuple[str, list[Page]]:
    pages: list[Page] = []
    parts: list[str] = []
    start = 0
    for number, text in enumerate(texts, start=1):
        pages.append(Page(number=number, start=start, end=start + len(text)))
        parts.append(text)
        start += len(text) + len(_BETWEEN_PAGES)
        if start > _MOST_CHARACTERS:
            break
    return _BETWEEN_PAGES.join(parts), pages


def _bookmarks(document: PdfDocument, text: str, pages: list[Page]) -> Iterator[Heading]:
    """The bookmarks whose title stands as a line on the page they point to, in the order of the text."""
    found: dict[int, Heading] = {}
    for bookmark in document.get_toc():
        title = " ".join(cleaning.clean(bookmark.get_title()).split())
        target = bookmark.get_dest()
        number = target.get_index() if target else None
        if not title or number is None or not 0 <= number < len(pages):
            continue
        line = re.compile(r"^" + r"\s+".join(map(re.escape, title.split())) + r"$", re.MULTILINE)
        if match := line.search(text, pages[number].start, pages[number].end):
            found.setdefault(match.start(), Heading(level=bookmark.level + 1, title=title, start=match.start()))
    yield from (found[start] for start in sorted(found))
