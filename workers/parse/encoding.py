"""From bytes to characters, when nobody says which encoding they are in."""

import codecs

from charset_normalizer import from_bytes

from workers.parse.failure import ParseFailed

_SAMPLE = 128 * 1024
_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_NO_TEXT = "The file is not text in any known encoding."
_MOST_CONTROLS, _FEW_CONTROLS = 0.02, 2
_CONTROL_BYTES = bytes([*range(9), 11, *range(14, 27), *range(28, 32)])
_CONTROLS = dict.fromkeys([*_CONTROL_BYTES, 0xFFFD])


def decode(data: bytes, declared: str | None = None) -> tuple[str, str]:
    """The text and the name of its encoding. Raises ParseFailed (corrupt) when it is no text.

    Asked in turn: the byte order mark; UTF-8, which other text never is by chance; `declared`; what is likeliest.
    """
    sample = data[:_SAMPLE]
    looks_wide = len(sample) - len(sample.translate(None, _CONTROL_BYTES)) > max(
        _FEW_CONTROLS, _MOST_CONTROLS * len(sample)
    )
    name = next((name for mark, name in _MARKS.items() if data.startswith(mark)), None)
    if name is None and declared and data.isascii() and not looks_wide and _decodes(data, declared):
        name = declared
    if name is None and not looks_wide and _decodes(data, "utf-8"):
        name = "utf-8"
    if name is None and declared and _decodes(data, declared):
        name = declared
    name = name or _likeliest(sample)
    text = data.decode(name, errors="replace")
    start = text[:_SAMPLE]
    if len(start) - len(start.translate(_CONTROLS)) > max(_FEW_CONTROLS, _MOST_CONTROLS * len(start)):
        raise ParseFailed("corrupt", _NO_TEXT)
    return text, codecs.lookup(name).name.removesuffix("-sig")


def _decodes(data: bytes, name: str) -> bool:
    try:
        data.decode(name)
    except (UnicodeError, LookupError):
        return False
    return True


def _likeliest(sample: bytes) -> str:
    matches = from_bytes(sample)
    best = matches.best()
    if best is None:
        raise ParseFailed("corrupt", _NO_TEXT)
    # Western and Central European bytes look alike on a short text; Western texts are many times more frequent.
    equals = [match.encoding for match in matches if match.chaos <= best.chaos]
    if best.encoding == "cp1250" and "cp1252" in equals:
        return "cp1252"
    return str(best.encoding)
