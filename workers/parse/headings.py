"""The headings of a Markdown text (CommonMark 0.31, sections 4.2, 4.3 and 4.5)."""

import re

from app.domain import Heading

MOST = 20_000
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})(.*)")
_HASHES = re.compile(r" {0,3}(#{1,6})(?:[ \t]+(.*?))?(?:[ \t]+#+)?[ \t]*$")
_UNDERLINE = re.compile(r" {0,3}(=+|-{2,})[ \t]*$")
_NOT_PROSE = re.compile(r" {0,3}(?:>|[-*+][ \t]|\d{1,9}[.)][ \t]|\||#)| {4}|\t")
_FRONT_MATTER = re.compile(r"---\n(?:.*\n)*?(?:---|\.\.\.)\n")
_MARKUP = re.compile(r"(\*\*|__|`)(.+?)\1|!?\[([^\]]*)\]\([^)]*\)")


def find(text: str) -> tuple[Heading, ...]:
    """The headings outside code, in order: text[heading.start:] begins with the heading's line. At most MOST."""
    found: list[Heading] = []
    fence = ""
    paragraph: list[tuple[int, str]] = []
    start = _after_front_matter(text)
    for line in text[start:].split("\n"):
        here, start = start, start + len(line) + 1
        above, paragraph = paragraph, []
        mark = _FENCE.match(line)
        if fence:
            if mark and mark[1].startswith(fence) and not mark[2].strip():
                fence = ""
        elif mark and not (mark[1][0] == "`" and "`" in mark[2]):
            fence = mark[1]
        elif hashes := _HASHES.match(line):
            found.append(Heading(level=len(hashes[1]), title=_plain(hashes[2] or ""), start=here))
        elif len(above) == 1 and (underline := _UNDERLINE.match(line)):
            level = 1 if underline[1][0] == "=" else 2
            found.append(Heading(level=level, title=_plain(above[0][1]), start=above[0][0]))
        elif line.strip() and not _NOT_PROSE.match(line):
            # Two lines are enough to know that this is a paragraph, whatever rule is drawn below it.
            paragraph = [*above[:1], (here, line)]
        if len(found) == MOST:
            break
    return tuple(heading for heading in found if heading.title)


def _after_front_matter(text: str) -> int:
    matter = _FRONT_MATTER.match(text)
    return matter.end() if matter else 0


def _plain(title: str) -> str:
    return _MARKUP.sub(lambda markup: markup[2] or markup[3] or "", title).strip()
