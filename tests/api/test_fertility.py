"""Tokens per word counted by hand, by language and script; even samples; percentiles and bars."""

import json
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from tokenizers import Tokenizer, models, pre_tokenizers

from app.reports import corpus, counting, fertility
from app.settings import settings
from tests.api import planted


@pytest.fixture(autouse=True)
def _no_local_models(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Reports must not depend on which models this machine happens to have."""
    environment.setenv("CORPUSMITH_CACHE_DIR", str(tmp_path / "cache"))
    settings.cache_clear()


@pytest.fixture
def tokenizer(tmp_path: Path) -> Path:
    """One token for each of a few words, an unknown one for all others."""
    words = {"[UNK]": 0, "the": 1, "ferry": 2, "leaves": 3}
    made = Tokenizer(models.WordLevel(words, unk_token="[UNK]"))
    made.pre_tokenizer = pre_tokenizers.Whitespace()
    made.save(str(tmp_path / "tokenizer.json"))
    return tmp_path


def test_unknown_tokens_and_words_are_counted_by_group(tokenizer: Path) -> None:
    loaded = Tokenizer.from_file(str(tokenizer / "tokenizer.json"))
    pieces = [
        fertility.Piece("en", "LATIN", "the ferry leaves"),
        fertility.Piece("en", "LATIN", "the other"),
        fertility.Piece("ru", "CYRILLIC", "паром ушёл"),
    ]
    measured = fertility.measure(loaded, pieces)
    assert measured.groups["en", "LATIN"] == fertility.Count(2, 5, 25, 5, 1, 0)
    assert measured.groups["ru", "CYRILLIC"] == fertility.Count(1, 2, 10, 2, 2, 0)
    assert (measured.longer_than(2), measured.length(0.5)) == (1, 2)


def test_bytes_of_characters_without_a_token_are_counted() -> None:
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    made = Tokenizer(models.BPE({letter: i for i, letter in enumerate(alphabet)}, []))
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    measured = fertility.measure(made, [fertility.Piece("", "LATIN", "ab я €")])
    assert measured.groups["", "LATIN"] == fertility.Count(1, 3, 6, 9, 0, 5)  # я is two bytes, € three


def test_a_dear_language_is_warned_of(client: TestClient, environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    made = Tokenizer(models.BPE({letter: i for i, letter in enumerate(alphabet)}, []))
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    (tmp_path / "bytes").mkdir()
    made.save(str(tmp_path / "bytes" / "tokenizer.json"))
    with_names = {"bytes": str(tmp_path / "bytes"), "lost": str(tmp_path / "nothing")}
    environment.setenv("CORPUSMITH_TOKENIZERS", json.dumps(with_names))
    settings.cache_clear()
    client.get("/v1/corpora")
    english, russian = "The ferry leaves at seven. " * 60, "Отправление парома происходит ежедневно. " * 60
    texts = {"en.md": english, "ru.md": russian}
    found = planted.corpus("default", texts, {"en.md": "en", "ru.md": "ru"})
    body = client.get(f"/v1/corpora/{found.corpus_id}/fertility", params={"model": "bytes", "max_length": 2000}).json()
    entry, lost = body["tokenizers"]
    groups = {group["language"]: group for group in entry["groups"]}
    assert groups["en"]["tokens"] == len(english.encode()) and groups["ru"]["tokens"] == len(russian.encode())
    assert groups["ru"]["tokens_per_word"] == round(len(russian.encode()) / len(russian.split()), 3)
    assert groups["ru"]["byte_share"] == pytest.approx(
        2 * sum(c.isalpha() for c in russian) / len(russian.encode()), 1e-3
    )
    assert groups["en"]["byte_share"] == 0
    assert entry["base"] and entry["cut"] == 1 and not body["sampled"]
    assert any("bytes: ru in CYRILLIC takes" in warning for warning in body["warnings"])
    assert lost["error"].startswith("cannot be read")
    refused = client.get(f"/v1/corpora/{found.corpus_id}/fertility", params={"model": "other"})
    assert (refused.status_code, refused.json()["error"]["param"]) == (422, "model")


def test_a_large_corpus_is_sampled_evenly() -> None:
    sizes = [corpus.Size(f"d{i}", size) for i, size in enumerate([1_000, 500_000, 0, 3, 2_000_000, 499_000])]
    found = corpus.places(sizes, 400_000)
    starts = {size.id: found.get(size.id, []) for size in sizes}
    assert sum(map(len, starts.values())) == pytest.approx(100, abs=2)
    assert len(starts["d4"]) == pytest.approx(100 * 2 / 3, abs=2)
    for size in sizes:
        assert all(0 <= start < size.characters for start in starts[size.id])
    everything = corpus.places(sizes[:2], 1_000_000)
    assert everything == {"d0": [0], "d1": list(range(0, 500_000, corpus.PIECE))}


def test_percentiles_and_bins_are_those_of_the_sorted_values() -> None:
    values = [i * i % 97 + 0.25 for i in range(500)]
    split = counting.Split()
    for i, value in enumerate(values):
        split.add(value, accepted=i % 3 == 0)
    ordered = sorted(values)
    both = counting.merged((split.accepted, split.dropped))
    for share in (0.05, 0.5, 0.95, 1.0):
        assert counting.percentile(both, share) == ordered[max(0, -(-int(share * 500 * 100) // 100) - 1)]
    bins = split.bins(0, 100)
    assert len(bins) == counting.BARS and (bins[0].low, bins[-1].high) == (0, 100)
    for found in bins:
        inside = [i for i, value in enumerate(values) if found.low <= value < found.high]
        assert found.accepted == sum(i % 3 == 0 for i in inside)
        assert found.accepted + found.dropped == len(inside)


def test_whole_numbers_get_bars_of_equally_many_of_them() -> None:
    split = counting.Split()
    for value in range(1, 51):
        split.add(value, accepted=True)
    bins = split.bins(0)
    widths = {found.high - found.low for found in bins}
    assert widths == {3.0} and len(bins) <= counting.BARS
    for found in bins:
        assert found.accepted == sum(found.low <= value < found.high for value in range(1, 51))
