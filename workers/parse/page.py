"""Which parts of an HTML page are its text, and which surround it: navigation, banners, sidebars, permalinks."""

import re
from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

_TAG = re.compile(r"<(/?)([a-zA-Z][\w:-]*)([^<>]*)>")
_ATTRIBUTE = re.compile(r"""\b(class|id|role)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""", re.IGNORECASE)
_PERMALINK = re.compile(r"<a\b[^<>]*>\s*(?:[¶§#🔗]|&para;|&#182;|&#xb6;)\s*</a\s*>", re.IGNORECASE)
_FURNITURE = re.compile(r"<(/?)(?:nav|header|footer|aside)\b", re.IGNORECASE)
_VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr"}
_AROUND = {"nav", "footer", "header", "aside"}
_AROUND_ROLES = {"navigation", "banner", "contentinfo", "search"}
_AROUND_NAMES = {"navheader", "navfooter", "navbar", "sphinxsidebar", "sidebar", "related", "breadcrumb", "breadcrumbs"}
_AROUND_NAMES |= {"headerlink", "header-anchor", "anchorjs-link"}
_AROUND_NAMES |= {"skip-link", "site-header", "site-footer", "page-footer"}
# In the main part these hold its title, its notes and its footnotes.
_PART_OF_MAIN = {"footer", "header", "aside"}
_BODY_NAMES = {"body", "content", "main-content", "markdown-body"}
_WORD = re.compile(r"\w+")
_MARKUP = re.compile(r"<[^<>]*>")
_MOST, _LEAST = 0.6, 0.15  # of the words: what the main part must have to stand alone; what cutting must leave

Span = tuple[int, int]


class _Element(NamedTuple):
    """One element that is open, or was closed by its own end tag: any other may have run on over the text."""

    tag: str
    kind: str
    start: int


def text_of(source: str) -> str:
    """`source` without what surrounds its text; all of it where that would leave too little."""
    source = _PERMALINK.sub("", source)
    found = _spans(source)
    whole = [(0, len(source))]
    all_words = words = _words(source, whole)
    kept = _without(whole, found.get("around", []))
    if kept != whole:
        words = _words(source, kept)
        if words < _LEAST * all_words:
            kept, words = whole, all_words
    for kind in ("main", "article", "body"):
        parts = _without(_outermost(found.get(kind, [])), found.get("around", []))
        if parts and _words(source, parts) >= _MOST * words:
            kept = parts
            break
    text = " ".join(source[start:end] for start, end in kept)
    title = next(iter(sorted(found.get("title", []))), None)
    if title and "<h1" not in text.lower():
        text = source[slice(*title)] + text
    return _FURNITURE.sub(r"<\1div", text)  # or the next reader would drop them once more, and by other rules


def _spans(source: str) -> dict[str, list[Span]]:
    """By kind, the places of the elements that are of one."""
    found: dict[str, list[Span]] = {}
    stack: list[_Element] = []
    opened: Counter[str] = Counter()
    in_main = 0
    for mark in _TAG.finditer(source):
        tag = mark[2].lower()
        if not mark[1]:
            if tag in _VOID or mark[3].endswith("/"):
                continue
            kind = _kind(tag, mark[3], bool(in_main))
            in_main += kind in ("main", "article")
            opened[tag] += 1
            stack.append(_Element(tag, kind, mark.start()))
        elif opened[tag]:
            while True:
                element = stack.pop()
                opened[element.tag] -= 1
                in_main -= element.kind in ("main", "article")
                if element.tag == tag:
                    break
            if element.kind:
                found.setdefault(element.kind, []).append((element.start, mark.end()))
    return found


def _kind(tag: str, attributes: str, in_main: bool) -> str:
    role = ""
    names: set[str] = set()
    for attribute in _ATTRIBUTE.finditer(attributes):
        value = (attribute[2] or attribute[3] or attribute[4] or "").lower()
        if attribute[1].lower() == "role":
            role = value
        else:
            names.update(value.split())
    if tag == "main" or role == "main":
        return "main"
    if tag in ("body", "html"):
        return ""
    if role in _AROUND_ROLES or names & _AROUND_NAMES or (tag in _AROUND and not (in_main and tag in _PART_OF_MAIN)):
        return "around"
    if tag == "article":
        return "article"
    if tag == "h1":
        return "title"
    return "body" if names & _BODY_NAMES else ""


def _outermost(spans: Iterable[Span]) -> list[Span]:
    kept: list[Span] = []
    for start, end in sorted(spans):
        if not kept or start >= kept[-1][1]:
            kept.append((start, end))
    return kept


def _without(spans: list[Span], cut: Iterable[Span]) -> list[Span]:
    """What is left of `spans`, which are in order and apart."""
    left: list[Span] = []
    holes = _outermost(cut)
    for start, end in spans:
        for hole_start, hole_end in holes:
            if hole_end <= start or hole_start >= end:
                continue
            if hole_start > start:
                left.append((start, hole_start))
            start = hole_end
        if start < end:
            left.append((start, end))
    return left


def _words(source: str, spans: Iterable[Span]) -> int:
    return sum(len(_WORD.findall(_MARKUP.sub(" ", source[start:end]))) for start, end in spans)
