"""Fertility: how many tokens a tokenizer makes of a word and of a character, by language and script. Pure.

After Petrov et al. (arXiv 2305.15425): the same text costs some languages many times the tokens of English.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import orjson
from tokenizers import Tokenizer

from app.reports.counting import percentile
from app.reports.languages import NO_SPACES

TIMES_ENGLISH = 2.0
FEWEST_WORDS = 500  # of the texts' own English; with less the passage below is what English costs
AT_ONCE = 64

# Written for this purpose: plain English with the words, numbers and names that a handbook has.
ENGLISH = """The harbour office opens at seven in the morning and closes at six in the evening, except on public
holidays. Passengers who have booked a cabin may go on board two hours before the ship leaves; everyone else should be
at the gate no later than thirty minutes before departure. Bicycles travel free of charge when there is room for them.
Children under twelve need to be accompanied by an adult at all times, and every passenger is shown where the life
jackets are kept. If the weather is too rough, the captain decides whether the crossing takes place. In that case the
price of the ticket is paid back in full, or the journey can be moved to another day. Complaints are answered within
fourteen working days. Lost property is kept at the information desk for three months, and is then given to charity.
The crew is glad to help with heavy luggage, wheelchairs and questions about connecting trains, and takes no tips."""


class Piece(NamedTuple):
    """A text to count, and the group it is counted in. `whole`: it is a row, whose length in tokens matters."""

    language: str
    script: str
    text: str


@dataclass(slots=True)
class Count:
    """Sums over texts."""

    texts: int = 0
    words: int = 0
    characters: int = 0
    tokens: int = 0
    unknown: int = 0
    byte_tokens: int = 0

    def add(self, other: "Count") -> None:
        for name in self.__slots__:
            setattr(self, name, getattr(self, name) + getattr(other, name))


@dataclass(slots=True)
class Measured:
    """What one tokenizer makes of the pieces. `lengths`: texts by their tokens; `english`: tokens a word."""

    vocabulary: int
    groups: dict[tuple[str, str], Count] = field(default_factory=dict)
    lengths: Counter[float] = field(default_factory=Counter)
    english: float = 0.0
    english_is_own: bool = False

    @property
    def total(self) -> Count:
        found = Count()
        for count in self.groups.values():
            found.add(count)
        return found

    def longer_than(self, tokens: int) -> int:
        """How many texts would be cut."""
        return sum(n for length, n in self.lengths.items() if length > tokens)

    def length(self, share: float) -> int | None:
        found = percentile(self.lengths, share)
        return None if found is None else int(found)


def measure(tokenizer: Tokenizer, pieces: Iterable[Piece]) -> Measured:
    """Count all pieces. Special tokens are not added; truncation and padding of the tokenizer are switched off."""
    tokenizer.no_truncation()
    tokenizer.no_padding()
    kinds = _Kinds(tokenizer)
    measured = Measured(vocabulary=tokenizer.get_vocab_size())
    batch: list[Piece] = []
    for piece in pieces:
        batch.append(piece)
        if len(batch) == AT_ONCE:
            _count(tokenizer, kinds, measured, batch)
            batch = []
    _count(tokenizer, kinds, measured, batch)
    own = Count()
    for (language, _), count in measured.groups.items():
        if language == "en":
            own.add(count)
    measured.english_is_own = own.words >= FEWEST_WORDS
    tokens = own.tokens if measured.english_is_own else len(tokenizer.encode(ENGLISH, add_special_tokens=False).ids)
    measured.english = tokens / (own.words if measured.english_is_own else len(ENGLISH.split()))
    return measured


def _count(tokenizer: Tokenizer, kinds: "_Kinds", measured: Measured, batch: Sequence[Piece]) -> None:
    encoded = tokenizer.encode_batch_fast([piece.text for piece in batch], add_special_tokens=False)
    for piece, encoding in zip(batch, encoded, strict=True):
        ids = encoding.ids
        count = measured.groups.setdefault((piece.language, piece.script), Count())
        unknown, parts = kinds.count(ids)
        count.add(Count(1, len(piece.text.split()), len(piece.text), len(ids), unknown, parts))
        measured.lengths[len(ids)] += 1


def words_are_spaced(script: str) -> bool:
    """Does this script put spaces between words? Without them tokens per word say nothing."""
    return script not in NO_SPACES


class _Kinds:
    """Which tokens stand for no character of their own: unknown, or bytes of a character that has no token."""

    _BYTE = re.compile(r"<0x[0-9A-F]{2}>")

    def __init__(self, tokenizer: Tokenizer) -> None:
        parts = orjson.loads(tokenizer.to_str())
        model = parts.get("model") or {}
        unknown = model.get("unk_token")
        if unknown is None and isinstance(model.get("unk_id"), int):  # Unigram names it by number
            unknown = tokenizer.id_to_token(model["unk_id"])
        self._unknown = tokenizer.token_to_id(unknown) if isinstance(unknown, str) else None
        marks = orjson.dumps([parts.get("pre_tokenizer"), parts.get("decoder")])
        self._byte_of = _alphabet() if b'"ByteLevel"' in marks else None
        self._tokenizer = tokenizer
        self._part: dict[int, bool] = {}

    def count(self, ids: Sequence[int]) -> tuple[int, int]:
        """(unknown tokens, byte tokens)."""
        unknown = parts = 0
        for token in ids:
            if token == self._unknown:
                unknown += 1
                continue
            is_part = self._part.get(token)
            if is_part is None:
                is_part = self._part[token] = self._is_part(self._tokenizer.id_to_token(token) or "")
            parts += is_part
        return unknown, parts

    def _is_part(self, token: str) -> bool:
        if self._byte_of is None:
            return self._BYTE.fullmatch(token) is not None
        try:
            bytes(self._byte_of[letter] for letter in token).decode()
        except KeyError:  # a special token, written as it is
            return False
        except UnicodeDecodeError:
            return True
        return False


def _alphabet() -> dict[str, int]:
    """The letters by which byte-level BPE writes bytes: printable ones as they are, the others from U+0100 on."""
    plain = {*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)}
    others = (byte for byte in range(256) if byte not in plain)
    return {chr(byte): byte for byte in plain} | {chr(256 + i): byte for i, byte in enumerate(others)}
