"""Office documents and e-books, through kreuzberg. Speaker notes of slides are not read."""

from app.domain import Parsed
from workers.parse import markdown

_OPEN_XML = "application/vnd.openxmlformats-officedocument"


def read_docx(data: bytes) -> Parsed:
    """A text document."""
    return markdown.read(data, f"{_OPEN_XML}.wordprocessingml.document")


def read_pptx(data: bytes) -> Parsed:
    """Slides, each under its title."""
    return markdown.read(data, f"{_OPEN_XML}.presentationml.presentation")


def read_xlsx(data: bytes) -> Parsed:
    """Sheets as tables, each under its name."""
    return markdown.read(data, f"{_OPEN_XML}.spreadsheetml.sheet")


def read_epub(data: bytes) -> Parsed:
    """A book, in reading order."""
    return markdown.read(data, "application/epub+zip")
