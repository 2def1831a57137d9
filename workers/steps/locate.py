"""Find a quote in a context's chunks: word for word, then without regard to white space and case, then fuzzily."""

import hashlib
import re
from bisect import bisect_right
from collections.abc import Iterable
from itertools import accumulate

from rapidfuzz import fuzz

from app.domain import Chunk, Context, Span

_WORD = re.compile(r"\S+")
FUZZY_FLOOR = 60.0  # below this two texts only share letters, and a place would mean nothing


def locate(context: Context, quote: str) -> Span | None:
    """The best place of `quote`, or None. `score` is 100 for a verbatim find, else rapidfuzz's partial ratio."""
    quote = quote.strip().strip("\"'«»“”„").strip()
    if len(quote) < 3:
        return None
    for chunk in context.chunks:
        at = chunk.text.find(quote)
        if at >= 0:
            return span_of(chunk, at, at + len(quote), 100.0)
    for chunk in context.chunks:
        if place := _loosely(chunk.text, quote):
            return span_of(chunk, *place, 100.0)
    best: Span | None = None
    for chunk in context.chunks:
        alignment = fuzz.partial_ratio_alignment(quote, chunk.text, score_cutoff=FUZZY_FLOOR)
        # A chunk shorter than the quote would be found inside the quote: that locates nothing.
        if alignment and len(quote) <= len(chunk.text) and (best is None or alignment.score > best.score):
            best = span_of(chunk, alignment.dest_start, alignment.dest_end, round(alignment.score, 1))
    return best


def _loosely(text: str, quote: str) -> tuple[int, int] | None:
    """Where `quote` stands in `text` whatever the white space between its words, and the case of its letters.

    An expression made for the quote would say the same, but compiling one costs a millisecond.
    """
    wanted = _lower(" ".join(quote.split()))
    at = _lower(" ".join(text.split())).find(wanted)
    if at < 0:
        return None
    words = [found.span() for found in _WORD.finditer(text)]
    offsets = list(accumulate((end - start + 1 for start, end in words), initial=0))

    def place(offset: int) -> int:
        word = bisect_right(offsets, offset) - 1
        return words[word][0] + offset - offsets[word]

    return place(at), place(at + len(wanted) - 1) + 1


def _lower(text: str) -> str:
    """In as many letters: a dotted capital I, which becomes two, is left."""
    lower = text.lower()
    return lower if len(lower) == len(text) else "".join(c.lower() if len(c.lower()) == 1 else c for c in text)


def locate_all(context: Context, quotes: Iterable[str]) -> tuple[tuple[Span, ...], list[str]]:
    """(the places of all quotes, each place once, in the order of the quotes; the quotes that are nowhere)."""
    spans: dict[tuple[str, int, int], Span] = {}
    missing = []
    for quote in quotes:
        if span := locate(context, quote):
            spans.setdefault((span.document_id, span.start, span.end), span)
        else:
            missing.append(quote)
    return tuple(spans.values()), missing


def chunk_of(context: Context, span: Span) -> int:
    """The number of the chunk that holds the span. A span that two chunks hold (they overlap) counts for the first."""
    return next(
        i
        for i, chunk in enumerate(context.chunks)
        if chunk.document_id == span.document_id and chunk.start <= span.start and span.end <= chunk.end
    )


def span_of(chunk: Chunk, start: int, end: int, score: float = 100.0) -> Span:
    """The span of chunk.text[start:end], without white space at its ends. `score`: 100 is exact."""
    found = chunk.text[start:end]
    start += len(found) - len(found.lstrip())  # a fuzzy find may begin or end in white space
    end -= len(found) - len(found.rstrip())
    words = chunk.text[start:end]
    return Span(
        document_id=chunk.document_id,
        document_name=chunk.document_name,
        start=chunk.start + start,
        end=chunk.start + end,
        page=chunk.page_at(chunk.start + start),
        sha256=hashlib.sha256(words.encode()).hexdigest(),
        quote=words,
        score=score,
    )
