"""Gaps to fill: a sentence of the text with one number, name or long word taken out. No model is asked."""

import hashlib
import re
from collections.abc import Iterator

from app.domain import Chunk, Dropped, Sample, Span
from workers.recipes.work import Work
from workers.steps.wording import phrases

KIND = "cloze"
GAP = "_____"
_SENTENCE = re.compile(r"[^\s.!?…。！？][^.!?…。！？]*(?:[.!?…](?=\S)[^.!?…。！？]*)*[.!?…。！？]")
_PIECE = re.compile(r"\d+(?:[.,:]\d+)*|[^\W\d_]+(?:[-’'][^\W\d_]+)*")
_MARKUP = re.compile(r"[|#*`_<>]|\n\s*\n|\n\s*[-•]|^\s*[-•]")
_SHORTEST, _LONGEST = 40, 300  # characters of a sentence
_LONG_WORD = 6


def cloze(work: Work, count: int) -> list[Sample | Dropped]:
    """`count` rows about different sentences, drawn by seed; those for which there is no sentence are dropped."""
    draw = work.random(KIND)
    found = [(chunk, match) for chunk in work.context.chunks for match in _sentences(chunk)]
    draw.shuffle(found)
    asked = set(work.avoid)
    rows: list[Sample | Dropped] = []
    for chunk, match in found:
        if len(rows) == count:
            break
        row = _row(work, chunk, match, draw.random())
        if row.question not in asked:
            asked.add(row.question)
            rows.append(row)
    missing = Dropped(
        reason="no_sentence",
        detail="no further sentence of the context has a word to take out",
        kind=KIND,
        attributes={"question_type": KIND},
        lineage=work.lineage(()),
    )
    return rows + [missing] * (count - len(rows))


def _sentences(chunk: Chunk) -> Iterator[re.Match[str]]:
    """Whole sentences of running text, with something to take out."""
    for match in _SENTENCE.finditer(chunk.text):
        text = match.group()
        whole = not text[0].islower() and not _MARKUP.search(text)  # a small letter follows an abbreviation's full stop
        if _SHORTEST <= len(text) <= _LONGEST and whole and _gaps(text):
            yield match


def _gaps(sentence: str) -> list[re.Match[str]]:
    """What can be taken out: best are numbers, then names (capitals within the sentence), then long words.

    It must stand in the sentence once, or the gap could be filled from the rest of it.
    """
    pieces = list(_PIECE.finditer(sentence))
    lowered = [piece.group().casefold() for piece in pieces]
    once = [piece for piece, low in zip(pieces, lowered, strict=True) if lowered.count(low) == 1]
    numbers = [piece for piece in once if piece.group()[0].isdigit()]
    names = [piece for piece in once if piece.start() > 0 and len(piece.group()) > 2 and piece.group()[0].isupper()]
    return numbers or names or [piece for piece in once if len(piece.group()) >= _LONG_WORD and piece.start() > 0]


def _row(work: Work, chunk: Chunk, match: re.Match[str], drawn: float) -> Sample:
    sentence = match.group()
    gaps = _gaps(sentence)
    gap = gaps[int(drawn * len(gaps))]
    open_text = " ".join(f"{sentence[: gap.start()]}{GAP}{sentence[gap.end() :]}".split())
    start = chunk.start + match.start()
    span = Span(
        document_id=chunk.document_id,
        document_name=chunk.document_name,
        start=start,
        end=start + len(sentence),
        page=chunk.page_at(start),
        sha256=hashlib.sha256(sentence.encode()).hexdigest(),
        quote=sentence,
        score=100.0,
    )
    return Sample(
        kind=KIND,
        question=f"{phrases(work.context.language).cloze} {open_text}",
        answer=gap.group(),
        attributes={"question_type": KIND},
        sources=(span,),
        lineage=work.lineage(()),
    )
