"""Find a quote in a context's chunks: word for word, then without regard to white space and case, then fuzzily."""

import hashlib
import re
from collections.abc import Iterable

from rapidfuzz import fuzz

from app.domain import Chunk, Context, Span

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
    words = quote.split()
    plain = " ".join(words).lower()
    for chunk in context.chunks:
        if plain not in " ".join(chunk.text.split()).lower():
            continue  # compiling the expression below costs more than this look
        loose = re.compile(r"\s+".join(map(re.escape, words)), re.I)
        if found := loose.search(chunk.text):
            return span_of(chunk, found.start(), found.end(), 100.0)
    best: Span | None = None
    for chunk in context.chunks:
        alignment = fuzz.partial_ratio_alignment(quote, chunk.text, score_cutoff=FUZZY_FLOOR)
        # A chunk shorter than the quote would be found inside the quote: that locates nothing.
        if alignment and len(quote) <= len(chunk.text) and (best is None or alignment.score > best.score):
            best = span_of(chunk, alignment.dest_start, alignment.dest_end, round(alignment.score, 1))
    return best


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
