"""Many phrases as expressions that are quick to find: a row is looked through for a hundred of them."""

import re
from collections.abc import Iterable, Iterator

_BOUND = r"\b"


class Phrases:
    """`alternatives` are expressions in lower case, and letters are found in either case.

    Those that begin at a word's boundary are tried only there, and text is lowered once instead of letter by letter
    (`re.I` keeps `re` from skipping an alternative by its first letter): five to ten times faster than one expression.
    """

    def __init__(self, alternatives: Iterable[str]) -> None:
        every = list(alternatives)
        bound = "|".join(one.removeprefix(_BOUND) for one in every if one.startswith(_BOUND))
        free = "|".join(one for one in every if not one.startswith(_BOUND))
        parts = [rf"{_BOUND}(?:{bound})" if bound else "", free]
        self.expressions = [re.compile(part) for part in parts if part]

    def find(self, text: str) -> Iterator[str]:
        """The phrases that stand in `text`, as they are written there."""
        low = text.lower()
        written = text if len(low) == len(text) else low  # a few letters (İ) are longer in lower case
        for expression in self.expressions:
            for found in expression.finditer(low):
                yield written[found.start() : found.end()]
