"""The parts of the dearer gates that need no model server: comparing answers, finding cited sentences, local models."""

import asyncio
from pathlib import Path

import numpy as np
import pytest

from app.domain import Chunk, Context, Sample, Span
from app.settings import settings
from workers import cross_encoder
from workers.gates import nli, reward
from workers.gates.nli import cited
from workers.gates.round_trip import same
from workers.recipes.work import Work

TEXT = "The ferry runs daily. It leaves Norvik at 07:40. A ticket costs 12 euros.\n\nDogs travel free."
CHUNK = Chunk(id="c", document_id="d", document_name="a.txt", start=100, end=100 + len(TEXT), text=TEXT)
CONTEXT = Context(id="x", chunks=(CHUNK,), language="en")


@pytest.mark.parametrize(
    ("question", "one", "other"),
    [
        ("When does it leave?", "It leaves at 07:40 from the north quay.", "At 07:40."),
        ("When does it leave?", "At 07:40.", "It leaves at 07:40 from the north quay."),
        ("Who is captain?", "The captain is Anna Lind.", "Anna Lind"),
        ("Кто дежурит?", "Дежурит фельдшер Анна Линд.", "Фельдшером дежурит Анна Линд."),
        ("Сколько стоит билет?", "Билет стоит 12 евро.", "12 евро"),
    ],
)
def test_the_same_answer_in_other_words_is_the_same(question: str, one: str, other: str) -> None:
    assert same(question, one, other) >= 60


@pytest.mark.parametrize(
    ("question", "one", "other"),
    [
        ("How much is it?", "It costs 12 euros.", "It costs 13 euros."),
        ("Сколько стоит билет?", "Билет стоит 12 евро.", "Билет стоит 13 евро."),
        ("Who is captain?", "The captain is Anna Lind.", "Per Holm"),
        ("Who is captain?", "The captain is Anna Lind.", "UNKNOWN"),
    ],
)
def test_another_number_or_name_is_another_answer(question: str, one: str, other: str) -> None:
    assert same(question, one, other) < 60


def span(quote: str) -> Span:
    start = 100 + TEXT.index(quote)
    place = {"start": start, "end": start + len(quote), "page": None, "sha256": "", "score": 100.0}
    return Span(document_id="d", document_name="a.txt", quote=quote, **place)


@pytest.mark.parametrize(
    ("quotes", "sentences"),
    [
        (["Norvik at 07:40"], "It leaves Norvik at 07:40."),
        (["A ticket costs 12 euros."], "A ticket costs 12 euros."),
        (["daily. It"], "The ferry runs daily. It leaves Norvik at 07:40."),
        (["Dogs"], "Dogs travel free."),
        (["07:40", "Norvik", "12"], "It leaves Norvik at 07:40. A ticket costs 12 euros."),
    ],
)
def test_a_quote_is_read_with_its_whole_sentence(quotes: list[str], sentences: str) -> None:
    assert cited(CONTEXT, tuple(map(span, quotes))) == sentences


def classifier(folder: Path, labels: list[str]) -> str:
    """A tiny classifier with random weights on disk: loading, tokens and logits are real, its opinion is not."""
    import torch
    from transformers import BertConfig, BertForSequenceClassification, BertTokenizer

    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "the", "ferry", "leaves", "at", "noon", "dogs", "free", "."]
    folder.mkdir()
    (folder / "vocab.txt").write_text("\n".join(words))
    BertTokenizer(vocab_file=str(folder / "vocab.txt")).save_pretrained(folder)
    torch.manual_seed(7)
    config = BertConfig(
        vocab_size=len(words), hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16,
        id2label=dict(enumerate(labels)), label2id={label: i for i, label in enumerate(labels)}, initializer_range=0.9,
    )  # fmt: skip
    BertForSequenceClassification(config).save_pretrained(folder)
    return str(folder)


def work() -> Work:
    return Work(
        task="grounded_qa", context=CONTEXT, options={}, gates={}, language="English", seed="0",
        model=None, models={},  # type: ignore[arg-type]
    )  # fmt: skip


ROW = Sample(kind="original", question="When does it leave?", answer="At 07:40.", sources=(span("07:40"),))


def test_the_entailment_label_is_found_by_name_whatever_its_place(
    tmp_path: Path, environment: pytest.MonkeyPatch
) -> None:
    pair = (cited(CONTEXT, ROW.sources), f"{ROW.question} {ROW.answer}")
    for place, labels in enumerate((["ENTAILMENT", "neutral"], ["contradiction", "entailment", "neutral"])):
        name = classifier(tmp_path / str(place), labels)
        environment.setenv("CORPUSMITH_NLI_MODEL", name)
        settings.cache_clear()
        score, why = asyncio.run(nli.measure(work(), ROW, ahead=0))["nli"]
        raw = np.exp(asyncio.run(cross_encoder.logits(name, *pair)))
        assert score == pytest.approx(float(raw[place] / raw.sum()), abs=0.001)
        assert "It leaves Norvik at 07:40." in why


def test_a_row_without_a_source_is_entailed_by_nothing(tmp_path: Path) -> None:
    assert asyncio.run(nli.measure(work(), ROW.model_copy(update={"sources": ()}), ahead=0))["nli"][0] == 0


def test_a_model_without_an_entailment_label_is_refused(tmp_path: Path, environment: pytest.MonkeyPatch) -> None:
    environment.setenv("CORPUSMITH_NLI_MODEL", classifier(tmp_path / "m", ["good", "bad"]))
    settings.cache_clear()
    with pytest.raises(ValueError, match="none of its labels is entailment: good, bad"):
        asyncio.run(nli.measure(work(), ROW, ahead=0))


def test_a_reward_model_gives_its_raw_number(tmp_path: Path, environment: pytest.MonkeyPatch) -> None:
    name = classifier(tmp_path / "m", ["reward"])
    environment.setenv("CORPUSMITH_REWARD_MODEL", name)
    settings.cache_clear()
    raw = asyncio.run(cross_encoder.logits(name, ROW.question, ROW.answer))
    assert asyncio.run(reward.measure(work(), ROW, ahead=0))["reward"][0] == pytest.approx(float(raw[0]), abs=0.001)


def test_many_rows_at_once_get_each_its_own_logits(tmp_path: Path) -> None:
    name = classifier(tmp_path / "m", ["entailment", "neutral"])
    texts = [("the ferry leaves", "at noon"), ("dogs", "free ."), ("the ferry", "dogs leaves at noon")] * 30

    async def all_at_once() -> list[cross_encoder.Logits]:
        return await asyncio.gather(*(cross_encoder.logits(name, *pair) for pair in texts))

    together = asyncio.run(all_at_once())
    alone = [asyncio.run(cross_encoder.logits(name, *pair)) for pair in texts[:3]]
    assert len({round(float(row[0]), 4) for row in alone}) == 3, "the three pairs differ"
    for i, row in enumerate(together):
        assert row == pytest.approx(alone[i % 3], abs=1e-4)
