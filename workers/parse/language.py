"""The language of a text, as an ISO 639-1 code."""

from functools import cache

from lingua import LanguageDetector, LanguageDetectorBuilder

_PIECE = 160  # two of them: as right as 1,000 characters on whole documents, at a third of the time
_ENOUGH_LETTERS = 20
_LONGER = 1_000
# The detector builds some of its tables when a text first needs them: one for each script, and two for Latin.
_WARM_UP = (
    "Every table is made on first use.",
    "Every table is made on first use, and what one document has used the next one would have to make again: " * 3,
    "Každá tabulka. Çok güzel ağaçlar. Người dân địa phương. Été où naître. Größe über Straße. Año mañana. Ő tűz. " * 3,
    "Каждая таблица строится, когда она впервые нужна, и не раньше. Кожна таблиця їжак. Ђорђе џеп љубав. " * 3,
    "Κάθε πίνακας φτιάχνεται όταν χρειαστεί για πρώτη φορά. כל טבלה נבנית בפעם הראשונה. كل جدول يبنى عند الحاجة. ",
    "これは最初に使うときに作られます。每个表都在使用时生成。每個表都在使用時產生。표는 처음 쓸 때 만듭니다.",
    "हर तालिका पहली बार बनती है। প্রতিটি টেবিল। ตารางทุกตาราง ყოველი ცხრილი Յուրաքանչյուր աղյուսակ",
)


def detect(text: str) -> str | None:
    """The code of the language of `text` (lingua, low accuracy, on two pieces of its middle), or None if unsure."""
    sample = _sample(text)
    if _letters(sample) < _ENOUGH_LETTERS:
        sample = text[:_LONGER]
        if _letters(sample) < _ENOUGH_LETTERS:
            return None
    language = _detector().detect_language_of(sample)
    return language.iso_code_639_1.name.lower() if language else None


def preload() -> None:
    """Load the models, and have the detector make what it makes on first use."""
    for text in _WARM_UP:
        _detector().detect_language_of(text)


def _sample(text: str) -> str:
    """Two pieces of whole words, a third and two thirds of the way through."""
    if len(text) <= 2 * _PIECE:
        return text
    starts = len(text) // 3, min(2 * len(text) // 3, len(text) - _PIECE)
    return "\n".join(text[start : start + _PIECE] for start in starts)


def _letters(text: str) -> int:
    return sum(map(str.isalpha, text))


@cache
def _detector() -> LanguageDetector:
    return (
        LanguageDetectorBuilder.from_all_languages().with_low_accuracy_mode().with_preloaded_language_models().build()
    )
