"""The names of documents: shown and stored, never used as paths, and safe for those who forget that."""

import re
import unicodedata

LONGEST = 255
_LONGEST_SUFFIX = 20
_UNSEEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}  # controls, bidirectional and zero-width marks, lone surrogates, line ends
_DRIVE = re.compile(r"\A(?:[A-Za-z]:)+")
_SEPARATOR = re.compile(r"[/\\]+")


def clean(name: str) -> str:
    """`name` as a relative name with `/` between its folders, without anything unseen, at most 255 characters."""
    seen = "".join(" " if character in "\t\r\n" else character for character in name if _is_seen(character))
    parts: list[str] = []
    for part in _SEPARATOR.split(_DRIVE.sub("", unicodedata.normalize("NFC", seen).strip())):
        part = " ".join(part.split())
        if part == "..":
            del parts[-1:]
        elif part.strip("."):
            parts.append(part)
    while len(parts) > 1 and len("/".join(parts)) > LONGEST:
        del parts[0]
    return _cut("/".join(parts), LONGEST) or "unnamed"


class Unique:
    """Gives each name once: the second `a.txt` becomes `a (2).txt`."""

    def __init__(self) -> None:
        self._given: set[str] = set()
        self._counts: dict[str, int] = {}

    def __call__(self, name: str) -> str:
        free = name
        while free in self._given:
            count = self._counts[name] = self._counts.get(name, 1) + 1
            stem, suffix = _split(name)
            mark = f" ({count})"
            free = stem[: LONGEST - len(mark) - len(suffix)] + mark + suffix
        self._given.add(free)
        return free


def _is_seen(character: str) -> bool:
    return character in "\t\r\n" or unicodedata.category(character) not in _UNSEEN


def _cut(name: str, longest: int) -> str:
    if len(name) <= longest:
        return name
    stem, suffix = _split(name)
    return stem[: longest - len(suffix)] + suffix


def _split(name: str) -> tuple[str, str]:
    stem, dot, suffix = name.rpartition(".")
    if stem and not stem.endswith("/") and len(suffix) < _LONGEST_SUFFIX and "/" not in suffix:
        return stem, dot + suffix
    return name, ""
