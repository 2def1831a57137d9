"""What goes into grouping and what comes out."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Candidate:
    """A chunk as grouping sees it. `document`: the name of its document, which no other of the corpus has.

    `language`: ISO 639-1 of its document, empty when not known. Nothing is decided by `id`: the same texts under the
    same names are grouped alike in every corpus.
    """

    id: str
    document: str
    text: str
    language: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """Chunk ids in reading order, the seed's quality (0..1), the seed, and how many documents they come from."""

    chunk_ids: tuple[str, ...]
    quality: float
    seed: str
    documents: int = 1


@dataclass(frozen=True, slots=True)
class Grouped:
    """The contexts, in the order they are to be used, and counts of what was left out and why (for the event)."""

    groups: tuple[Group, ...]
    counts: dict[str, int] = field(default_factory=dict)
