"""What every parser does to the characters of a text before an offset is taken from it."""

import re
import unicodedata

_LINE_ENDS = re.compile("\r\n|[\r\x85\u2028\x0b\x0c]")
_PARAGRAPH_END = "\u2029"
# Controls, lone surrogates, non-characters, and what is not seen but would be read by a model: bidirectional
# controls, zero-width spaces, soft hyphens, tag characters. Joiners stay, since scripts and emoji need them.
_UNWANTED = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\xad\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069"
    "\ud800-\udfff\ufdd0-\ufdef\ufeff\ufffe\uffff\U000e0000-\U000e007f]"
)
_TRAILING = re.compile(r"[ \t]+$", re.MULTILINE)


def clean(text: str) -> str:
    """`text` in Unicode normal form C, with \\n line ends and nothing invisible in it."""
    text = _LINE_ENDS.sub("\n", text).replace(_PARAGRAPH_END, "\n\n")
    return unicodedata.normalize("NFC", _TRAILING.sub("", _UNWANTED.sub("", text)))
