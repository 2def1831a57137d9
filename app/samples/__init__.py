"""A small corpus to try everything on: the papers of Tarnholm Ferries, a company that does not exist."""

from pathlib import Path

_DOCUMENTS = (
    "handbook.pdf",
    "fares.docx",
    "timetable.html",
    "history.md",
    "faq.csv",
    "safety_ru.txt",
    "support_ru.md",
)


def paths() -> list[Path]:
    """The sample documents, each in another format, the last two in Russian."""
    return [Path(__file__).with_name(name) for name in _DOCUMENTS]
