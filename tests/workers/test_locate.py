"""Quotes are found in the stored text: verbatim, loosely, fuzzily, or not at all."""

import hashlib

from app.domain import Chunk, Context
from workers.steps.locate import locate

TEXT = "The ferry Aurora leaves Norvik at 07:40.\nA single ticket costs 12 euros. Dogs travel free of charge."
CHUNK = Chunk(
    id="c",
    document_id="d",
    document_name="d.txt",
    start=100,
    end=100 + len(TEXT),
    text=TEXT,
    page=3,
    page_starts=((4, 141),),
)
CONTEXT = Context(id="x", chunks=(CHUNK,), language="en")


def test_a_verbatim_quote_is_exact_and_can_be_cut_out_again() -> None:
    span = locate(CONTEXT, "A single ticket costs 12 euros.")
    assert span is not None
    assert span.score == 100
    words = TEXT[span.start - 100 : span.end - 100]
    assert words == span.quote == "A single ticket costs 12 euros."
    assert span.sha256 == hashlib.sha256(words.encode()).hexdigest()


def test_white_space_case_and_quotation_marks_do_not_matter() -> None:
    span = locate(CONTEXT, "«leaves  norvik at 07:40. a single ticket»")
    assert span is not None
    assert (span.score, span.quote) == (100, "leaves Norvik at 07:40.\nA single ticket")


def test_a_nearly_right_quote_scores_below_one_hundred() -> None:
    span = locate(CONTEXT, "A single ticket will cost 12 euros")
    assert span is not None
    assert 75 < span.score < 100


def test_an_invented_quote_is_nowhere() -> None:
    assert locate(CONTEXT, "The captain's parrot speaks four languages fluently") is None
    assert locate(CONTEXT, "") is None


def test_a_quote_longer_than_the_text_is_not_found_in_reverse() -> None:
    assert locate(CONTEXT, TEXT + " And much more that is not there at all." * 3) is None


def test_the_page_is_that_of_the_quote_and_not_of_the_chunk() -> None:
    first, second = locate(CONTEXT, "The ferry Aurora"), locate(CONTEXT, "Dogs travel free")
    assert first is not None and second is not None
    assert (first.page, second.page) == (3, 4)


def test_a_fuzzy_find_neither_begins_nor_ends_in_white_space() -> None:
    text = "# Piers\n\nIn 1974 a storm destroyed the old wooden pier.\n\nNo ship could land."
    chunk = CHUNK.model_copy(update={"start": 0, "end": len(text), "text": text})
    span = locate(Context(id="x", chunks=(chunk,), language="en"), "\nIn 1974 storms destroyed an old wooden pier.\n\n")
    assert span is not None
    assert span.quote == span.quote.strip() == text[span.start : span.end]


def test_letters_that_become_two_when_lowered_and_runs_of_white_space_shift_nothing() -> None:
    text = "İki. In İzmir\n\tthe office   opens at nine."
    chunk = CHUNK.model_copy(update={"text": text, "start": 0, "end": len(text), "page": None, "page_starts": ()})
    span = locate(CONTEXT.model_copy(update={"chunks": (chunk,)}), "in İzmir THE OFFICE opens")
    assert span is not None and span.score == 100
    assert text[span.start : span.end] == "In İzmir\n\tthe office   opens" == span.quote
