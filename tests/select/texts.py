"""Rows to plant faults among: words drawn as in natural text (Zipf), no two texts alike but by intent."""

import numpy as np

SYLLABLES = ("ka", "ro", "mi", "ten", "sol", "va", "dri", "el", "ost", "ul", "pen", "gra", "fi", "no", "shu", "bar")
VOCABULARY = 20_000


class Writer:
    """`question()` and `answer()` write texts of usual lengths; the same seed writes the same."""

    def __init__(self, seed: int) -> None:
        self.random = np.random.default_rng(seed)
        shares = np.cumsum(1 / np.arange(1, VOCABULARY + 1))
        self._up_to = shares / shares[-1]
        self._words = [self._word(i) for i in range(VOCABULARY)]

    def _word(self, number: int) -> str:
        parts = []
        while True:
            number, part = divmod(number, len(SYLLABLES))
            parts.append(SYLLABLES[part])
            if not number:
                return "".join(parts)

    def words(self, count: int) -> list[str]:
        return [self._words[i] for i in np.searchsorted(self._up_to, self.random.random(count)).tolist()]

    def question(self) -> str:
        return " ".join(self.words(int(self.random.integers(8, 16)))).capitalize() + "?"

    def answer(self) -> str:
        return " ".join(self.words(int(self.random.integers(15, 40)))).capitalize() + "."

    def row(self) -> str:
        return f"{self.question()} {self.answer()}"

    def edited(self, text: str, edits: int = 1) -> str:
        """The text with so many words, each one that is not there yet, put in place of others."""
        split = text.split()
        for place in self.random.choice(len(split), size=edits, replace=False):
            split[place] = f"zz{self.random.integers(1_000_000)}"
        return " ".join(split)

    def continued(self, text: str) -> str:
        """The text with one more word: a nearer copy than one edited in the middle."""
        return f"{text} zz{self.random.integers(1_000_000)}"


def jaccard(one: str, other: str) -> float:
    """Of their word 3-grams; counted directly, to check what the code under test found."""
    sets = []
    for text in (one, other):
        split = "".join(c if c.isalnum() else " " for c in text.lower()).split()
        sets.append({tuple(split[i : i + 3]) for i in range(max(1, len(split) - 2))})
    return len(sets[0] & sets[1]) / len(sets[0] | sets[1])
