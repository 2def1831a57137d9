"""The language of short texts (lingua, low accuracy), and the script that most of their letters are of."""

import unicodedata
from collections import Counter
from functools import cache, lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lingua import LanguageDetector

FEWEST_LETTERS = 20
LONGEST = 160  # characters looked at: more make it slower, not righter
NO_SPACES = frozenset({"CJK", "HIRAGANA", "KATAKANA", "THAI", "LAO", "KHMER", "MYANMAR", "TIBETAN"})


def enough(text: str) -> bool:
    """Whether there are letters enough to tell a language by."""
    return sum(map(str.isalpha, text[-LONGEST:])) >= FEWEST_LETTERS


def detect(text: str) -> str | None:
    """ISO 639-1 code, or None when there is too little text to say."""
    if not enough(text):
        return None
    language = _detector().detect_language_of(text[-LONGEST:])  # the end is the answer's
    return language.iso_code_639_1.name.lower() if language else None


def script(text: str) -> str:
    """Of most letters, as Unicode names them: LATIN, CYRILLIC, CJK, ...; NONE without letters."""
    counts: Counter[str] = Counter()
    for letter, times in Counter(text[:4_000]).items():
        if letter.isalpha():
            counts[_script(letter)] += times
    return min(counts, key=lambda name: (-counts[name], name)) if counts else "NONE"


@lru_cache(maxsize=20_000)
def _script(letter: str) -> str:
    return unicodedata.name(letter, "UNKNOWN").split(" ", 1)[0]


@cache
def _detector() -> "LanguageDetector":
    from lingua import LanguageDetectorBuilder  # 60 MB of tables, which only a report needs

    return LanguageDetectorBuilder.from_all_languages().with_low_accuracy_mode().build()
