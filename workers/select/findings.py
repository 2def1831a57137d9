"""What the detectors give: a typed stretch of text, and the text with placeholders in its place."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

Check = Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class Found:
    """text[start:end] looks like a `type`, such as EMAIL."""

    type: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Pattern:
    """A shape with a check that most chance matches fail. The group `it`, if there is one, is what is found."""

    type: str
    shape: re.Pattern[str]
    check: Check = lambda _: True


def search(patterns: Iterable[Pattern], text: str) -> list[Found]:
    """Stretches that match, in order, none overlapping: of two that do, the pattern named first wins."""
    taken: list[Found] = []
    for pattern in patterns:
        for match in pattern.shape.finditer(text):
            start, end = match.span("it" if "it" in pattern.shape.groupindex else 0)
            free = all(end <= other.start or start >= other.end for other in taken)
            if free and pattern.check(text[start:end]):
                taken.append(Found(pattern.type, start, end))
    return sorted(taken, key=lambda found: found.start)


def redact(text: str, found: Iterable[Found]) -> tuple[str, list[Found]]:
    """The text with [TYPE] in place of each stretch, and where the placeholders stand in it."""
    parts, places, read, length = [], [], 0, 0
    for one in found:
        placeholder = f"[{one.type}]"
        length += one.start - read
        places.append(Found(one.type, length, length + len(placeholder)))
        length += len(placeholder)
        parts += [text[read : one.start], placeholder]
        read = one.end
    return "".join([*parts, text[read:]]), places
