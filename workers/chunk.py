"""Cut a document's text into chunks, each with its exact place, section and page."""

import bisect
import hashlib
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import orjson
from langchain_text_splitters import RecursiveCharacterTextSplitter
from tokenizers import Tokenizer

from app.coverage.sections import paths as section_paths

MIN_CHARACTERS = 40  # shorter pieces (a lone heading, a page number) hold nothing to ask about


class Piece:
    """text[start:end], stripped of white space at both ends."""

    __slots__ = ("end", "page", "page_starts", "section", "start", "text")

    def __init__(self, text: str, start: int, section: str, pages: list[list[int]]) -> None:
        self.text, self.start, self.end, self.section = text, start, start + len(text), section
        before = [page for page in pages if page[1] <= start]
        self.page = before[-1][0] if before else None
        self.page_starts = [[number, begins] for number, begins, _ in pages if start < begins < self.end]


def recipe(chunking: dict[str, Any], tokenizer: str) -> str:
    """The hash that names this way of cutting: the same options always find the same chunks again."""
    known = {**chunking, "tokenizer": tokenizer if chunking["splitter"] == "tokens" else "", "version": 1}
    return hashlib.sha256(orjson.dumps(known, option=orjson.OPT_SORT_KEYS)).hexdigest()


def split(text: str, layout: dict[str, Any], chunking: dict[str, Any], tokenizer: str = "") -> list[Piece]:
    """Pieces of `text` in order, by `chunking` (splitter, size, overlap: see app.datasets.schemas.Chunking).

    `headings` cuts at headings first and never across one, then like `recursive`; `tokens` measures size with the
    tokenizer in that folder. Every piece satisfies text[piece.start:piece.end] == piece.text.
    """
    splitter = _splitter(chunking["splitter"], chunking["size"], chunking["overlap"], tokenizer)
    headings: list[list[Any]] = layout.get("headings") or []
    sections = _sections(text, headings) if chunking["splitter"] == "headings" else [(0, len(text))]
    pages: list[list[int]] = layout.get("pages") or []
    page_starts = [page[1] for page in pages]
    heading_starts = [heading[2] for heading in headings]
    paths = section_paths(headings)
    pieces = []
    for start, end in sections:
        for offset, found in _located(splitter.split_text(text[start:end]), text[start:end]):
            if len(found) < MIN_CHARACTERS:
                continue
            place = start + offset
            under = bisect.bisect_right(heading_starts, place) - 1
            first = max(0, bisect.bisect_right(page_starts, place) - 1)
            last = bisect.bisect_left(page_starts, place + len(found))
            pieces.append(Piece(found, place, paths[under] if under >= 0 else "", pages[first:last]))
    return pieces


def _sections(text: str, headings: Sequence[Sequence[Any]]) -> list[tuple[int, int]]:
    """The stretches between headings. A heading with nothing of its own stays with the section below it."""
    cuts = [0]
    for _, _, start in headings:
        if len(text[cuts[-1] : start].strip()) >= 200:
            cuts.append(start)
    return list(zip(cuts, [*cuts[1:], len(text)], strict=True))


def _located(parts: list[str], text: str) -> list[tuple[int, str]]:
    """Each part with its offset. The splitter drops only white space, so every part is found, in order."""
    found = []
    after = 0
    for part in parts:
        part = part.strip()
        if not part:
            continue
        offset = text.find(part, after)
        if offset < 0:
            raise ValueError("the splitter returned text that is not in the document")
        found.append((offset, part))
        after = offset + 1
    return found


@cache
def _splitter(kind: str, size: int, overlap: int, tokenizer: str) -> RecursiveCharacterTextSplitter:
    measure = token_counter(tokenizer) if kind == "tokens" else len
    return RecursiveCharacterTextSplitter(
        chunk_size=size,
        chunk_overlap=overlap,
        length_function=measure,
        separators=["\n\n", "\n", ". ", "! ", "? ", "; ", ", ", " ", ""],
        keep_separator="end",
        strip_whitespace=True,
    )


def token_counter(folder: str) -> Callable[[str], int]:
    """Counts the tokens of a text by the tokenizer in that folder."""
    tokenizer = Tokenizer.from_file(str(Path(folder) / "tokenizer.json"))

    def count(text: str) -> int:
        return len(tokenizer.encode(text, add_special_tokens=False).ids)

    return count
