"""How good a chunk is to ask about, by its looks: no model is asked."""

import re
from collections import Counter

_WORD = re.compile(r"[^\W\d_]{2,}")
_SENTENCE = re.compile(r"[.!?…。]+(?:\s|$)")


def quality(text: str) -> float:
    """0..1: does this look like prose that states something? Counts letters, sentences, varied words.

    Tables of contents, link lists, tables of numbers and boilerplate score low; a paragraph of plain prose above 0.7.
    """
    words = _WORD.findall(text.lower())
    if len(words) < 8:
        return 0.0
    letters = sum(len(word) for word in words) / max(1, len(re.sub(r"\s", "", text)))
    lines = [line for line in text.splitlines() if line.strip()]
    full_lines = sum(len(line) > 50 or line.rstrip().endswith((".", "!", "?", "…", ":")) for line in lines) / len(lines)
    sentences = len(_SENTENCE.findall(text))
    sentence_score = min(1.0, sentences / max(1.0, len(words) / 30))
    counts = Counter(words)
    variety = min(1.0, len(counts) / len(words) / 0.45)
    length = min(1.0, len(words) / 40)
    return round(
        0.3 * min(1.0, letters / 0.8) + 0.25 * full_lines + 0.2 * sentence_score + 0.15 * variety + 0.1 * length, 4
    )
