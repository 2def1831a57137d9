"""The sections of a document: the text under each heading, or its pages where it has no headings."""

from collections.abc import Sequence
from typing import Any, NamedTuple


class Section(NamedTuple):
    """text[start:end] of a document, under the headings in `path` ("Safety > Life jackets"; "" before the first)."""

    path: str
    start: int
    end: int


def paths(headings: Sequence[Sequence[Any]]) -> list[str]:
    """For each heading (level, title, start), its path from the top: "Safety > Life jackets"."""
    path: list[tuple[int, str]] = []
    found = []
    for level, title, _ in headings:
        path = [(above, name) for above, name in path if above < level] + [(level, title)]
        found.append(" > ".join(name for _, name in path))
    return found


def of(text: str, layout: dict[str, Any]) -> list[Section]:
    """Sections in order, without those that hold nothing but white space.

    A section is the text from below its heading to the next heading, of whatever level: the heading's own line and
    white space at both ends are left out, so that a section can be cited in full.
    """
    headings: list[list[Any]] = layout.get("headings") or []
    pages: list[list[int]] = layout.get("pages") or []
    if headings:
        ends = [heading[2] for heading in headings[1:]] + [len(text)]
        found = [Section("", 0, headings[0][2])]
        for path, (_, title, start), end in zip(paths(headings), headings, ends, strict=True):
            found.append(Section(path, _below(text, title, start, end), end))
    elif len(pages) > 1:
        found = [Section(f"page {number}", start, end) for number, start, end in pages]
    else:
        found = [Section("", 0, len(text))]
    return [section for section in (_stripped(text, section) for section in found) if section.end > section.start]


def _below(text: str, title: str, start: int, end: int) -> int:
    """Behind the line of the heading that begins at `start`, and behind a line that underlines it."""
    line_end = text.find("\n", start, end)
    if line_end < 0:
        return end
    next_end = text.find("\n", line_end + 1, end)
    below = text[line_end + 1 : next_end if next_end >= 0 else end].strip()
    underlined = len(below) > 1 and (set(below) == {"="} or set(below) == {"-"})
    if underlined and not text[start : start + 7].lstrip().startswith("#"):
        return next_end + 1 if next_end >= 0 else end
    return line_end + 1


def _stripped(text: str, section: Section) -> Section:
    part = text[section.start : section.end]
    start = section.start + len(part) - len(part.lstrip())
    return section._replace(start=start, end=max(start, section.start + len(part.rstrip())))
