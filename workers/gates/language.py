"""How sure lingua is that question and answer are in the language asked for: 0 to 1, the worse of the two counts.

Short texts need care. Names, numbers, quoted words and code say nothing about a language and are left out. Texts with
fewer than `ENOUGH_LETTERS` letters then left are judged by their script alone, and those with fewer than `SURE_LETTERS`
are not told from near relatives (Russian and Ukrainian, say), unless a letter tells them apart. Texts that are full
of the language's own small words need no detector, which is the dearest of the gates that read only the text.
"""

import re
import unicodedata
from collections import Counter
from functools import cache

from lingua import IsoCode639_1, Language, LanguageDetector, LanguageDetectorBuilder

from app.domain import Sample
from app.prompts import LANGUAGES
from workers.gates import Measured
from workers.gates.common_words import plainly_in
from workers.recipes.work import Work

ENOUGH_LETTERS = 30  # below, lingua is wrong about one good text in twenty
SURE_LETTERS = 100  # below, lingua takes a good text for a near relative now and then
_A_SENTENCE = 3  # words
_WEIGHT = {"CJK": 3, "HANGUL": 2}  # a sign says what so many letters say
_SIMPLIFY = {"HIRAGANA": "CJK", "KATAKANA": "CJK"}
_SCRIPTS = {"ru": "CYRILLIC", "uk": "CYRILLIC", "be": "CYRILLIC", "bg": "CYRILLIC", "mk": "CYRILLIC", "kk": "CYRILLIC",
            "mn": "CYRILLIC", "zh": "CJK", "ja": "CJK", "ko": "HANGUL", "ar": "ARABIC", "fa": "ARABIC", "ur": "ARABIC",
            "hi": "DEVANAGARI", "mr": "DEVANAGARI", "bn": "BENGALI", "el": "GREEK", "he": "HEBREW", "hy": "ARMENIAN",
            "ka": "GEORGIAN", "th": "THAI", "ta": "TAMIL", "te": "TELUGU", "gu": "GUJARATI",
            "pa": "GURMUKHI"}  # fmt: skip
_RELATIVES = ({"ru", "uk"}, {"es", "pt", "it"}, {"de", "nl"}, {"pl", "cs"})
# Letters that the one has and its relatives have not: with one of them a text is not in the language asked for.
_FOREIGN = {"ru": "іїєґ", "uk": "ыэъё", "es": "ãõçàèìù", "pt": "ñìù", "pl": "ěřůáíýžčš", "cs": "łąężźćńś", "nl": "äß"}
_BOTH = {"sr"}  # written in two scripts
# What is the same in every language: quoted words, code, addresses, and words with a digit or an underscore.
_NEUTRAL = re.compile(r'`[^`]*`|"[^"]*"|«[^»]*»|“[^”]*”|„[^“”]*[“”]|\S*[\d_@/\\]\S*')
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")


async def measure(work: Work, row: Sample, *, ahead: int) -> Measured:
    wanted = work.context.language
    # A text that a row holds may be in another language than what is asked about it.
    said = {"question": row.attributes.get("request", row.question)}
    if "dialect" not in row.attributes:  # code is in no language
        said["answer"] = row.answer
    scores = {part: in_language(text, wanted) for part, text in said.items()}
    worse = min(scores, key=lambda part: scores[part])
    return {"language": (scores[worse], f"the {worse} as {LANGUAGES.get(wanted, wanted)}")}


def in_language(text: str, wanted: str) -> float:
    """0..1: lingua's confidence in `wanted` (ISO 639-1) among the languages of `app.prompts`.

    It is lowered by letters of another script, to 0 when they are half of all. 1 for a text too short to tell, and for
    a language that lingua does not know.
    """
    every = _words(_NEUTRAL.sub(" ", text))
    words = [word for word, named in every if not named]
    share = max(0.0, 2 * _script_share(words, wanted) - 1)
    if _letters(words) < ENOUGH_LETTERS and len(words) >= _A_SENTENCE:
        words = [word for word, _ in every]  # German writes half its words like names
    if _letters(words) < ENOUGH_LETTERS or (language := _language(wanted)) is None:
        return round(share, 3)
    if plainly_in(wanted, words):
        return round(share, 3)
    joined = " ".join(words)
    found = _detector(wanted).compute_language_confidence(joined, language)
    if _letters(words) < SURE_LETTERS and not set(joined.lower()) & set(_FOREIGN.get(wanted, "")):
        found += _as_a_relative(joined, wanted)
    return round(share * min(found, 1.0), 3)


def _as_a_relative(text: str, wanted: str) -> float:
    """Lingua's confidence that it is in a near relative of `wanted`."""
    codes = next((group - {wanted} for group in _RELATIVES if wanted in group), set())
    known = [language for code in sorted(codes) if (language := _language(code)) is not None]
    return sum(_detector(wanted).compute_language_confidence(text, language) for language in known)


def _words(text: str) -> list[tuple[str, bool]]:
    """(word, is it a name): names are capitalised inside a sentence, or written in capitals."""
    return [
        (word, word[0].isupper() and (word.isupper() or not _begins(text, match.start())))
        for match in _WORD.finditer(text)
        if (word := match.group())
    ]


def _letters(words: list[str]) -> int:
    return sum(map(len, words))


def _begins(text: str, start: int) -> bool:
    """Does a sentence begin here? Then its capital says nothing."""
    before = text[:start].rstrip(" \t\"'«“„(¿¡—–-")
    return not before or before[-1] in ".!?…:;\n"


def _script_share(words: list[str], wanted: str) -> float:
    """The share of letters in the script of `wanted`; 1 when there are none, or the language has no one script."""
    script = _SCRIPTS.get(wanted, "LATIN")
    joined = "".join(words)
    if wanted in _BOTH or not joined or (script == "LATIN" and joined.isascii()):
        return 1.0
    letters = Counter(joined)
    weights = [(n * _WEIGHT.get(found := _script(letter), 1), found) for letter, n in letters.items()]
    return sum(weight for weight, found in weights if found == script) / sum(weight for weight, _ in weights)


@cache
def _script(letter: str) -> str:
    name = unicodedata.name(letter, "").split(" ", 1)[0]
    return _SIMPLIFY.get(name, name)


@cache
def _language(code: str) -> Language | None:
    known = getattr(IsoCode639_1, code.upper(), None)
    return None if known is None else Language.from_iso_code_639_1(known)


@cache
def _detector(wanted: str) -> LanguageDetector:
    """Among the languages one can ask for and `wanted`: with all 75, rare neighbours take the place of short texts."""
    languages = {found for code in (*LANGUAGES, wanted) if (found := _language(code)) is not None}
    return LanguageDetectorBuilder.from_languages(*languages).with_low_accuracy_mode().build()
