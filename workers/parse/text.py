"""Plain text and Markdown files."""

from app.domain import Parsed
from workers.parse import cleaning, encoding, headings


def read_plain(data: bytes) -> Parsed:
    """The text as it is, in whatever encoding it came."""
    text, name = encoding.decode(data)
    return Parsed(text=cleaning.clean(text), media_type="text/plain", encoding=name)


def read_markdown(data: bytes) -> Parsed:
    """The same, with its headings."""
    text, name = encoding.decode(data)
    text = cleaning.clean(text)
    return Parsed(text=text, media_type="text/markdown", encoding=name, headings=headings.find(text))
