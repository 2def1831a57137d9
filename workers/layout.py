"""What planning makes of a corpus, whatever the corpus holds."""

from dataclasses import dataclass, field
from typing import Any

from workers.grouping import Group

FALLBACK_LANGUAGE = "en"


class Unusable(Exception):
    """No dataset can be made of this corpus: the dataset ends as failed, with this code and this sentence."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code, self.detail = code, detail


@dataclass(slots=True)
class Layout:
    """Contexts in the order in which they begin, the language of each chunk, and what was counted on the way.

    `questions`: the user's own, by the position of the context they go to. `left_out`: what could not be used, a
    sentence each. `options`: those of the task that planning has found out. `counts` has at least `chunks`. `examples`:
    all chunks of a context but its seed are only examples, so what is drawn for it is drawn by the seed alone.
    """

    groups: list[Group] = field(default_factory=list)
    languages: dict[str, str] = field(default_factory=dict)
    questions: dict[int, list[str]] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)
    options: dict[str, Any] = field(default_factory=dict)
    examples: bool = False
