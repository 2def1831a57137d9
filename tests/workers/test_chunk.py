"""Chunks know exactly where they stand, under which heading and on which page."""

from pathlib import Path

import pytest
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace

from workers import chunk

SENTENCE = "The quay of Norvik has three berths and a crane for cars. "
TEXT = "# Harbour\n\n" + SENTENCE * 12 + "\n\n## Berths\n\n" + SENTENCE * 12 + "\n\n## Crane\n\n" + SENTENCE * 12
HEADINGS = [[1, "Harbour", 0], [2, "Berths", TEXT.index("## Berths")], [2, "Crane", TEXT.index("## Crane")]]
PAGES = [[1, 0, 900], [2, 900, len(TEXT)]]
LAYOUT = {"headings": HEADINGS, "pages": PAGES}


@pytest.mark.parametrize("splitter", ["headings", "recursive"])
@pytest.mark.parametrize("overlap", [0, 60])
def test_every_piece_is_found_at_its_place(splitter: str, overlap: int) -> None:
    pieces = chunk.split(TEXT, LAYOUT, {"splitter": splitter, "size": 300, "overlap": overlap})
    assert len(pieces) > 6
    assert all(TEXT[piece.start : piece.end] == piece.text for piece in pieces)
    assert all(len(piece.text) <= 300 for piece in pieces)


def test_no_piece_crosses_a_heading_and_each_knows_its_section() -> None:
    pieces = chunk.split(TEXT, LAYOUT, {"splitter": "headings", "size": 5000, "overlap": 0})
    assert [piece.section for piece in pieces] == ["Harbour", "Harbour > Berths", "Harbour > Crane"]


def test_pieces_know_the_pages_that_begin_within_them() -> None:
    (piece,) = chunk.split(TEXT, LAYOUT, {"splitter": "recursive", "size": 5000, "overlap": 0})
    assert (piece.page, piece.page_starts) == (1, [[2, 900]])
    late = chunk.split(TEXT, LAYOUT, {"splitter": "recursive", "size": 200, "overlap": 0})[-1]
    assert (late.page, late.page_starts) == (2, [])


def test_token_sizes_are_measured_with_the_model_s_own_tokenizer(tmp_path: Path) -> None:
    tokenizer = Tokenizer(WordLevel({"[UNK]": 0}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = Whitespace()
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    pieces = chunk.split(TEXT, LAYOUT, {"splitter": "tokens", "size": 40, "overlap": 0}, str(tmp_path))
    counts = [len(tokenizer.encode(piece.text).ids) for piece in pieces]
    assert max(counts) <= 40
    assert max(counts) > 25


def test_the_recipe_names_the_options_and_the_tokenizer_only_where_it_matters() -> None:
    plain = {"splitter": "headings", "size": 300, "overlap": 0}
    assert chunk.recipe(plain, "a") == chunk.recipe(plain, "b")
    tokens = plain | {"splitter": "tokens"}
    assert chunk.recipe(tokens, "a") != chunk.recipe(tokens, "b")
    assert chunk.recipe(plain, "") != chunk.recipe(plain | {"size": 301}, "")
