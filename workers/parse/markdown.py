"""What the office and web parsers do to the Markdown that kreuzberg writes."""

import html
import re

from kreuzberg import ExtractionConfig, KreuzbergError, extract_bytes_sync

from app.domain import Parsed
from workers.parse import cleaning, headings
from workers.parse.failure import ParseFailed

_CONFIG = ExtractionConfig(use_cache=False, output_format="markdown")
_TARGET = r"\(\s*(?:<([^>\n]*)>|((?:[^()\n]|\([^()\n]*\))*))\)"
_IMAGE = re.compile(r"!\[([^\]\n]*)\]" + _TARGET)
_LINK = re.compile(r"(?<!!)\[([^\]\n]*)\]" + _TARGET)
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]*):")
_HARMLESS = {"http", "https", "mailto", "tel"}
_ESCAPED = re.compile(r"(?<=[^\n\\])\\([*_#\[\]`~<>])")
_BLANK_LINES = re.compile(r"\n{3,}")
_DAMAGED = "The document is damaged and cannot be read."


def read(data: bytes, media_type: str) -> Parsed:
    """`data` as Markdown with its headings; images become their descriptions, links that may run code their text."""
    try:
        text = extract_bytes_sync(data, media_type, _CONFIG).content
    except KreuzbergError as error:
        if "password" in str(error).lower() or "encrypted" in str(error).lower():
            raise ParseFailed("encrypted", "The document is protected by a password.") from error
        raise ParseFailed("corrupt", _DAMAGED) from error
    text = cleaning.clean(text)
    text = _LINK.sub(_defused, _IMAGE.sub(r"\1", text))
    text = _BLANK_LINES.sub("\n\n", _ESCAPED.sub(r"\1", text)).strip()
    return Parsed(text=text, media_type=media_type, headings=headings.find(text))


def _defused(link: re.Match[str]) -> str:
    """The link as it is, or only its text if following it could run code or open a local file."""
    target = "".join(html.unescape(link[2] or link[3] or "").split()).lower()
    scheme = _SCHEME.match(target)
    return link[0] if scheme is None or scheme[1] in _HARMLESS else link[1]
