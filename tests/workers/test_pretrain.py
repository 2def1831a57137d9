"""Pre-training text: what is left out of documents, how they are packed, and what is written about their entities."""

import math

import pytest

from app import catalog
from app.datasets import checks
from app.domain import Chunk, Context
from app.errors import InvalidRequest
from tests.workers.scripted import Scripted, context, made_by, stands
from workers import boilerplate, packing
from workers.recipes import Outcome, Work

FIRST = "The ferry Aurora is steered by Captain Lind, who came in 1998. It leaves Norvik at 07:40 every weekday."
SECOND = "Captain Lind lives in the old lighthouse of Tarnholm. She keeps bees there."
ABOUT = context(FIRST, SECOND)
GOOD = {"reason": "None.", "faithfulness": 5, "relation": 5}


def kept(texts: list[str], *, furniture: bool = True, repeated: bool = True) -> list[list[str]]:
    found, _ = boilerplate.stretches(texts, furniture=furniture, repeated=repeated)
    return [[text[start:end].strip() for start, end in stretches] for text, stretches in zip(texts, found, strict=True)]


def test_headers_and_footers_go_and_the_text_between_them_stays_as_it_stands() -> None:
    texts = [f"Harbour Company Handbook\nChapter {name} tells of {name}.\nPage 1 of 12\nMore." for i, name in
             enumerate(("tides", "fog", "ice"))]  # fmt: skip
    assert kept(texts) == [[f"Chapter {name} tells of {name}.", "More."] for name in ("tides", "fog", "ice")]
    assert kept(texts, furniture=False) == [[text] for text in texts]
    rows = "\n".join(f"Adult ticket to stop {i}: {12 + 2 * i} euros" for i in range(1, 5))
    assert kept([rows]) == [[rows]], "rows of a table differ in more than a number that counts on"
    pages = "\n".join(f"Fact number {i} stands here alone: {'x' * i}.\nPage {i}, confidential draft" for i in range(4))
    assert len(kept([pages])[0]) == 4


def test_a_long_line_stays_where_it_stands_first_and_a_short_one_everywhere() -> None:
    long = "This product must not be used by children under the age of three."
    assert kept([f"{long}\nYes.", f"No.\n{long}\nYes."]) == [[f"{long}\nYes."], ["No.", "Yes."]]
    assert kept([long, long], repeated=False) == [[long], [long]]
    assert kept(["```\n\n---"]) == [[]], "nothing that could be read"


def count(text: str) -> int:
    return math.ceil(len(text) / 4)


@pytest.mark.parametrize("across", [True, False])
def test_texts_are_packed_up_to_their_size_and_nothing_is_lost(across: bool) -> None:
    texts = ["\n\n".join(f"Paragraph {i} of {name}. " + "It goes on. " * (3 * i) for i in range(9)) for name in "abc"]
    texts = ["A short one.", "Another short one.", *texts]
    texts.append("One sentence without an end " * 60)
    whole = [[(0, len(text))] for text in texts]
    packs = packing._packed(texts, whole, 100, across, count)
    for pack in packs:
        assert sum(count(texts[number][start:end]) for number, start, end in pack.parts) <= 100
        assert across or len({number for number, *_ in pack.parts}) == 1
    assert any(len({number for number, *_ in pack.parts}) > 1 for pack in packs) == across
    for number, text in enumerate(texts):
        mine = [text[start:end] for pack in packs for at, start, end in pack.parts if at == number]
        assert "".join("".join(mine).split()) == "".join(text.split())


def test_a_clean_text_joins_its_stretches_and_says_where_each_document_begins() -> None:
    other = Chunk(id="x", document_id="other", document_name="b.txt", start=0, end=9, text="Fog  \n\n\n\nIce.")
    about = Context(id="c", chunks=(*ABOUT.chunks, other), language="en")
    script = Scripted()
    (row,) = made_by("pretrain", script, about, separator="<|endoftext|>").kept
    assert row.answer == f"{FIRST}\n\n{SECOND}<|endoftext|>Fog\n\nIce."
    assert (row.kind, row.question) == ("clean", "")
    starts = row.attributes["documents"]
    assert [row.answer[found["start"] :][:3] for found in starts] == ["The", "Fog"]
    assert all(stands(ABOUT, span) for span in row.sources[:2])
    assert script.asked == [], "no model is asked"


NAMES = ["Aurora", "Captain  Lind", "Norvik", "Bergen"]


def written(round_: int = 0, **shares: float) -> tuple[Scripted, Outcome]:
    script = Scripted(
        pretrain__entities={"summary": "Ferries.", "entities": NAMES},
        pretrain__relation=lambda values: {"text": f"{' and '.join(values['entities'])} belong together."},
        judge__text=GOOD,
    )
    outcome = made_by("pretrain", script, ABOUT, round_=round_, shares=shares, pack="within")
    return script, outcome


def test_pairs_and_triples_are_of_entities_that_stand_in_the_text() -> None:
    script, outcome = written(clean=1, pair=3, triple=2)
    assert sorted(row.kind for row in outcome.kept) == ["clean", "pair", "pair", "pair", "triple"]
    groups = [tuple(row.attributes["entities"]) for row in outcome.kept if row.kind == "pair"]
    assert sorted(groups) == [("Aurora", "Captain Lind"), ("Aurora", "Norvik"), ("Captain Lind", "Norvik")]
    (lost,) = outcome.dropped
    assert (lost.reason, lost.kind) == ("no_entities", "triple"), "three names make one triple"
    assert len(script.instructions("pretrain/relation")) == len(script.instructions("judge/text")) == 4
    assert "Bergen" not in "".join(script.instructions("pretrain/relation"))


def test_a_later_round_goes_on_where_the_first_one_ended() -> None:
    seen = []
    for round_ in range(2):
        _, outcome = written(round_, clean=1, pair=1)
        seen += [tuple(row.attributes["entities"]) for row in outcome.kept if row.kind == "pair"]
        assert sum(row.kind == "clean" for row in outcome.kept) == (round_ == 0)
    assert len(set(seen)) == 2


def test_a_text_with_a_name_or_a_claim_of_its_own_is_dropped() -> None:
    said = {"text": "Both the Aurora and Captain Lind come from Hammerfest."}
    names = {"summary": "", "entities": ["Aurora", "Captain Lind"]}
    script = Scripted(pretrain__entities=names, pretrain__relation=said, judge__text=GOOD)
    outcome = made_by("pretrain", script, ABOUT, shares={"pair": 1}, pack="within")
    assert [row.reason for row in outcome.dropped] == ["unsupported_name"]
    poor = Scripted(
        pretrain__entities=names,
        pretrain__relation={"text": "The Aurora and Captain Lind are near."},
        judge__text=GOOD | {"faithfulness": 2},
    )
    outcome = made_by("pretrain", poor, ABOUT, shares={"pair": 1}, pack="within")
    assert [row.reason for row in outcome.dropped] == ["not_faithful"]


def test_the_price_is_that_of_what_is_written() -> None:
    task = catalog.TASKS["pretrain"]
    metrics = catalog.METRICS.entries
    assert task.calls({}, task.gates, metrics) == 0
    options = {"pack": "within", "shares": {"clean": 1, "pair": 2, "triple": 1}}
    assert task.calls(options, task.gates, metrics) == 1 + 3 + 3
    half = {"pack": "within", "shares": {"clean": 1, "pair": 0.5}}
    assert task.calls(half, task.gates, metrics) == 2 + 1


@pytest.mark.parametrize(
    "options",
    [
        {"shares": {"pair": 1}},
        {"shares": {}},
        {"shares": {"clean": 2}},
        {"tokens": 10},
        {"pack": "within", "shares": {"pair": 51}},
    ],
)
def test_options_that_cannot_be_are_refused(options: dict[str, object]) -> None:
    with pytest.raises(InvalidRequest):
        checks.options(catalog.TASKS["pretrain"], options)


def test_the_order_of_groups_is_that_of_what_the_context_holds_and_not_of_the_round() -> None:
    draws = []
    for seed in ("3|0|held", "3|1|held", "3|0|other", "4|0|held"):
        names = list("abcdefghijkl")
        Work(
            task="pretrain", context=ABOUT, options={}, gates={}, language="English", seed=seed,
            model=Scripted(), models={},
        ).fixed_random("pair").shuffle(names)  # fmt: skip
        draws.append("".join(names))
    assert draws[0] == draws[1]
    assert len(set(draws)) == 3
