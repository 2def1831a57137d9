"""The fertility of texts for several tokenizers, as the API shows it, with its warnings."""

from collections.abc import Sequence
from typing import Literal

from app.reports import fertility, tokenizers
from app.reports.schemas import FertilityGroup, FertilityRead, TokenizerFertility

SIGNIFICANT_WORDS = 50  # a group with fewer is shown, and not warned of


def of_rows(pieces: Sequence[fertility.Piece], rows: int, base: str | None, max_length: int) -> FertilityRead:
    """`pieces` are whole rows, evenly drawn from `rows`."""
    characters = sum(len(piece.text) for piece in pieces)
    total = round(characters * rows / len(pieces)) if pieces else 0
    found = [_measured(name, source, name == base, pieces, total) for name, source in chosen(base)]
    for entry, measured in found:
        if measured is not None and pieces:
            cut = measured.longer_than(max_length)
            entry.cut, entry.cut_share = round(cut * rows / len(pieces)), round(cut / len(pieces), 4)
            entry.tokens_p50, entry.tokens_p95 = measured.length(0.5), measured.length(0.95)
            entry.tokens_max = measured.length(1.0)
    return _read("rows", max_length, [entry for entry, _ in found], characters, total, rows, len(pieces) < rows)


def of_documents(
    pieces: Sequence[fertility.Piece], sizes: Sequence[int], base: str | None, max_length: int
) -> FertilityRead:
    """`pieces` are parts evenly drawn from documents of `sizes` characters."""
    characters, total = sum(len(piece.text) for piece in pieces), sum(sizes)
    found = [_measured(name, source, name == base, pieces, total) for name, source in chosen(base)]
    for entry, _ in found:
        if entry.tokens_per_character:
            entry.cut = sum(size * entry.tokens_per_character > max_length for size in sizes)
            entry.cut_share = round(entry.cut / len(sizes), 4)
    entries = [entry for entry, _ in found]
    return _read("documents", max_length, entries, characters, total, len(sizes), characters < 0.99 * total)


def chosen(base: str | None) -> list[tuple[str, str]]:
    """(name, where it is) of the tokenizers to measure with. Raises InvalidRequest."""
    return list(tokenizers.choose(base).items())


def _measured(
    name: str, source: str, base: bool, pieces: Sequence[fertility.Piece], total: int
) -> tuple[TokenizerFertility, fertility.Measured | None]:
    entry = TokenizerFertility(name=name, base=base)
    try:
        tokenizer = tokenizers.load(source)
    except tokenizers.NotLoaded as error:
        entry.error = str(error)
        return entry, None
    measured = fertility.measure(tokenizer, pieces)
    whole = measured.total
    entry.vocabulary = measured.vocabulary
    entry.english_tokens_per_word = round(measured.english, 3)
    entry.english_from = "these texts" if measured.english_is_own else "a built-in passage"
    groups = [_group(*key, count, measured.english) for key, count in measured.groups.items()]
    entry.groups = sorted(groups, key=lambda group: (-group.characters, group.language, group.script))
    if whole.characters:
        entry.tokens_per_character = round(whole.tokens / whole.characters, 4)
        entry.estimated_tokens = round(whole.tokens * total / whole.characters)
    spaced = [group for group in groups if group.tokens_per_word is not None]
    if words := sum(group.words for group in spaced):
        entry.tokens_per_word = round(sum(group.tokens for group in spaced) / words, 3)
    return entry, measured


def _group(language: str, script: str, count: fertility.Count, english: float) -> FertilityGroup:
    by_word = count.tokens / count.words if count.words and fertility.words_are_spaced(script) else None
    return FertilityGroup(
        language=language,
        script=script,
        texts=count.texts,
        words=count.words,
        characters=count.characters,
        tokens=count.tokens,
        tokens_per_word=None if by_word is None else round(by_word, 3),
        tokens_per_character=round(count.tokens / max(1, count.characters), 4),
        unknown_share=round(count.unknown / max(1, count.tokens), 5),
        byte_share=round(count.byte_tokens / max(1, count.tokens), 5),
        times_english=None if by_word is None else round(by_word / english, 2),
    )


def _read(
    of: Literal["documents", "rows"],
    max_length: int,
    entries: list[TokenizerFertility],
    characters: int,
    total: int,
    texts: int,
    sampled: bool,
) -> FertilityRead:
    return FertilityRead(
        of=of,
        max_length=max_length,
        sampled=sampled,
        sampled_characters=characters,
        total_characters=total,
        texts=texts,
        tokenizers=entries,
        warnings=[warning for entry in entries for warning in _warnings(entry, of, max_length)],
    )


def _warnings(entry: TokenizerFertility, of: str, max_length: int) -> list[str]:
    found = []
    for group in entry.groups:
        where = f"{entry.name}: {group.language or 'unknown language'} in {group.script}"
        if group.words < SIGNIFICANT_WORDS and fertility.words_are_spaced(group.script):
            continue
        if group.times_english is not None and group.times_english > fertility.TIMES_ENGLISH:
            found.append(f"{where} takes {group.times_english:g} times the tokens a word of English")
        if group.unknown_share > 0.001:
            found.append(f"{where} has {group.unknown_share:.2%} unknown tokens: that text is lost to the model")
    if of == "rows" and entry.cut:
        found.append(f"{entry.name}: about {entry.cut} rows are longer than {max_length} tokens and would be cut")
    return found
