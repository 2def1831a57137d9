"""From bytes to characters, when nobody says which encoding they are in."""

import codecs
import re

from workers.parse import language, letters
from workers.parse.failure import ParseFailed

_START = 128 * 1024
_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_WIDE = ("utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be")
# How much rarer an encoding is than the first (logarithms): what decides when too little text speaks.
_NARROW = {"utf-8": 0.0, "cp1252": 0.0, "cp1251": -0.5, "cp932": -1.0, "gb18030": -1.0, "euc_jp": -1.0, "cp949": -1.0}
_NARROW |= dict.fromkeys(("cp950", "cp1250", "koi8-r", "cp866"), -1.5)
_NARROW |= dict.fromkeys(("cp1253", "cp1254", "cp1255", "cp1256", "cp1257", "cp874", "koi8-u", "iso8859-2"), -2.5)
_NARROW |= dict.fromkeys(("iso8859-5", "iso8859-7", "iso8859-3", "mac-cyrillic"), -4.0)
_NARROW |= dict.fromkeys(("cp850", "cp852", "cp737", "mac-roman"), -5.0)
_NO_TEXT = "The file is not text in any known encoding."
_MOST_CONTROLS, _FEW_CONTROLS = 0.02, 2
_CONTROL_BYTES = bytes([*range(9), 11, *range(14, 27), *range(28, 32)])
_CONTROLS = dict.fromkeys([*_CONTROL_BYTES, 0xFFFD])
_TAG = re.compile(rb"<[^<>]*>")
_BEYOND_ASCII = re.compile(rb"[\x80-\xff]")
_LONG_RUN = re.compile(rb"([!-~]{20})[!-~]+([!-~]{20})")
_ASCII, _FEW_ACCENTS = bytes(range(128)), 0.12
_SAMPLE, _PIECES = 4096, 8
_DENSE = 0.9
_NONSENSE, _DOUBT = -6.0, 0.5  # likelihood of a byte on average: below it nothing is text; what a declaration weighs


def decode(data: bytes, declared: str | None = None) -> tuple[str, str]:
    """The text and the name of its encoding. Raises ParseFailed (corrupt) when it is no text.

    Asked in turn: the byte order mark; UTF-8, which other text never is by chance; then what is likeliest as writing
    of some language, where `declared` wins if it is about as likely.
    """
    start = data[:_START]
    looks_wide = _is_noisy(len(start), len(start.translate(None, _CONTROL_BYTES)))
    name = next((name for mark, name in _MARKS.items() if data.startswith(mark)), None)
    if name is None and declared and data.isascii() and not looks_wide and _decodes(data, declared):
        name = declared
    if name is None and not looks_wide and _decodes(data, "utf-8"):
        name = "utf-8"
    name = name or _likeliest(_telling_part(data), declared)
    text = data.decode(name, errors="replace")
    beginning = text[:_START]
    if _is_noisy(len(beginning), len(beginning.translate(_CONTROLS))):
        raise ParseFailed("corrupt", _NO_TEXT)
    return text, codecs.lookup(name).name.removesuffix("-sig")


def preload() -> None:
    """Import the codecs, which a process does once, and only on first use."""
    for name in (*_NARROW, *_WIDE):
        letters.likelihood(b"\xd0\xa2\xd0\xb0\xe9 text".decode(name, errors="replace"))


def _is_noisy(length: int, without_controls: int) -> bool:
    return length - without_controls > max(_FEW_CONTROLS, _MOST_CONTROLS * length)


def _decodes(data: bytes, name: str) -> bool:
    try:
        data.decode(name)
    except (UnicodeError, LookupError):
        return False
    return True


def _telling_part(data: bytes) -> bytes:
    """Where to look: at the start, unless there is nothing but ASCII."""
    first = _BEYOND_ASCII.search(data)
    begin = first.start() if first else 0
    return data[:_START] if begin < _START // 2 else data[begin // 4 * 4 - _START // 2 :][:_START]


def _likeliest(start: bytes, declared: str | None) -> str:
    prose = _TAG.sub(b" ", start)
    prose = start if prose.isascii() else prose
    # Blanks are no part of a character in any narrow encoding.
    telling = _LONG_RUN.sub(rb"\1\2", b" ".join(word for word in prose.split() if not word.isascii()))
    may_be_wide = b"\0" in start or len(telling) > _DENSE * len(start)
    sample = _pieces(start if may_be_wide else telling)
    expected = language.detect(prose.decode("ascii", errors="ignore"))
    latin = len(prose.translate(None, _ASCII)) < _FEW_ACCENTS * len(prose)

    def likelihood(name: str) -> float:
        return letters.likelihood(sample.decode(name, errors="replace"), expected, latin=latin)

    likely = {name: likelihood(name) + rarity for name, rarity in _NARROW.items()}
    if may_be_wide:
        likely |= {name: likelihood(name) for name in _WIDE}
    best = max(likely, key=lambda name: likely[name])
    if declared and _decodes(b" ", declared) and likelihood(declared) >= likely[best] - _DOUBT * len(sample):
        return declared
    if likely[best] < _NONSENSE * len(sample):
        raise ParseFailed("corrupt", _NO_TEXT)
    return best


def _pieces(data: bytes) -> bytes:
    """Some of it from all over; each piece begins where a wide character does. A narrow one may be cut: no matter."""
    if len(data) <= _SAMPLE:
        return data
    size = _SAMPLE // _PIECES
    found = []
    for number in range(_PIECES):
        begin = (len(data) - size) * number // (_PIECES - 1) // 4 * 4
        found.append(data[begin : begin + size])
    return b"".join(found)
