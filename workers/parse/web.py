"""HTML pages, through kreuzberg, which would silently misread any encoding but UTF-8 if left to itself."""

import re

from app.domain import Parsed
from workers.parse import encoding, markdown, page

_DECLARED = re.compile(
    rb"""<meta[^>]{0,200}?charset\s*=\s*["']?\s*([A-Za-z0-9_:.-]{2,40})|encoding="([\w.-]{2,40})"\?>"""
)
_UNSEEN = re.compile(
    r"<!--.*?-->|<(head|script|style|svg|template|noscript|iframe|object|math)\b.*?</\1\s*>", re.IGNORECASE | re.DOTALL
)
# As the WHATWG encoding standard reads these labels: supersets, and no UTF-16, in which the label would not be found.
_SUPERSETS = {
    "utf-16": "utf-8",
    "utf-16le": "utf-8",
    "iso-8859-1": "cp1252",
    "latin1": "cp1252",
    "us-ascii": "cp1252",
    "ascii": "cp1252",
    "gb2312": "gb18030",
}


def read(data: bytes) -> Parsed:
    """The page's main part as Markdown, without what a reader would not see."""
    match = _DECLARED.search(data[:4096])
    declared = (match[1] or match[2]).decode("ascii").lower() if match else None
    text, name = encoding.decode(data, _SUPERSETS.get(declared, declared) if declared else None)
    body = page.text_of(_UNSEEN.sub(" ", text)).encode("utf-8", errors="ignore")
    return markdown.read(body, "text/html").model_copy(update={"encoding": name})
