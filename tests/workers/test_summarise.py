"""Summaries of every style from a scripted model: what is kept, and why what is wrong is not."""

from typing import Any

import pytest

from app.catalog.tasks.summarise import SummariseOptions
from app.domain import Dropped, Sample
from app.errors import InvalidRequest
from tests.workers.scripted import Scripted, context, made_by, stands
from workers.gates.names import supported_names
from workers.gates.rouge import rouge_n

FIRST = (
    "The ferry Aurora leaves Norvik at 07:40 every weekday. Her captain is Anna Lind, who came in 1998. She is white."
)
SECOND = "A single ticket costs 12 euros.\nChildren under six travel free of charge, and so do dogs that are carried."
ABOUT = context(FIRST, SECOND)
GOOD = {"reason": "None.", "faithfulness": 5, "coverage": 5}
SAID = "The Aurora sails from Norvik at 07:40 on weekdays. A single is 12 euros."


def model(*points: str, copied: tuple[str, ...] = (), grades: dict[str, Any] | None = None) -> Scripted:
    return Scripted(
        summarise__abstractive={"points": list(points)},
        summarise__extractive={"sentences": list(copied)},
        judge__summary=grades or GOOD,
    )


def only(script: Scripted, **options: Any) -> Sample | Dropped:
    outcome = made_by("summarise", script, ABOUT, **options)
    rows: list[Sample | Dropped] = [*outcome.kept, *outcome.dropped]
    assert len(rows) == 1
    return rows[0]


def test_a_summary_in_new_words_holds_its_text_and_rests_on_all_of_it() -> None:
    script = model("The Aurora sails from Norvik at 07:40 on weekdays.", "A single is 12 euros.")
    row = only(script, styles={"executive": 1}, lengths=[{"unit": "words", "most": 30}])
    assert isinstance(row, Sample)
    assert row.kind == "abstractive"
    assert row.question.endswith(f"Number of words: at most 30.\n\n{FIRST}\n\n{SECOND}")
    assert row.answer == SAID
    assert [span.quote for span in row.sources] == [FIRST, SECOND]
    assert all(stands(ABOUT, span) for span in row.sources)
    scores = {verdict.metric: verdict.score for verdict in row.verdicts}
    assert scores["asked_length"] == round(15 / 30, 3)
    assert 0 < scores["rouge_2"] < scores["rouge_l"] <= scores["rouge_1"] < 1
    assert "at most 30 words" in script.instructions("summarise")[0]


def test_a_list_of_points_is_one() -> None:
    row = only(model("The Aurora sails at 07:40.", "- A single is 12 euros."), styles={"bullets": 1})
    assert row.answer == "- The Aurora sails at 07:40.\n- A single is 12 euros."


@pytest.mark.parametrize(
    ("style", "limit", "most"),
    [
        ("bullets", {"most": 4}, {"points": 4}),
        ("one_line", {"most": 4}, {"points": 1}),
        ("extractive", {"most": 2}, {"sentences": 2}),
        ("extractive", {"most": 40}, {"sentences": 20}),
        ("paragraph", {"unit": "words", "most": 30}, {}),
    ],
)
def test_a_server_that_decodes_by_schema_lets_no_more_sentences_through(
    style: str, limit: dict[str, Any], most: dict[str, int]
) -> None:
    script = model("The Aurora sails at 07:40.", copied=("A single ticket costs 12 euros.",))
    only(script, styles={style: 1}, lengths=[limit])
    fields = script.asked[0][2]["fields"]
    assert {name: schema["maxItems"] for name, schema in fields.items()} == most


def test_chosen_sentences_are_the_text_s_own_whole_and_in_its_order() -> None:
    copied = ("a single  ticket costs 12 euros.", "leaves Norvik at 07:40 every weekday.")
    row = only(model(copied=copied), styles={"extractive": 1})
    assert isinstance(row, Sample)
    assert row.answer == "The ferry Aurora leaves Norvik at 07:40 every weekday. A single ticket costs 12 euros."
    assert [span.score for span in row.sources] == [100, 100]
    assert all(stands(ABOUT, span) for span in row.sources)


@pytest.mark.parametrize(
    ("script", "options", "reason"),
    [
        (model(copied=("A single ticket costs 12 crowns.",)), {"styles": {"extractive": 1}}, "not_verbatim"),
        (model("The Aurora sails at 08:40."), {}, "unsupported_number"),
        (model("Every day the ferry Borealis sails at 07:40."), {}, "unsupported_name"),
        (model("It sails.", "It is white.", "Dogs are free.", "Children are too."), {}, "wrong_length"),
        (model("The Aurora sails at 07:40; a single is 12."), {"lengths": [{"unit": "ratio", "most": 0.1}]},
         "wrong_length"),
        (model("The text says that the Aurora sails at 07:40."), {}, "mentions_document"),
        (model(f"{FIRST} {SECOND}"), {"lengths": [{"most": 9}]}, "not_compressed"),
        (model(SAID, grades=GOOD | {"faithfulness": 2}), {}, "not_faithful"),
        (model(SAID, grades=GOOD | {"coverage": 2}), {}, "misses_the_point"),
        (Scripted(summarise__abstractive={}), {}, "parse_error"),
    ],
)  # fmt: skip
def test_a_summary_that_is_wrong_says_why(script: Scripted, options: dict[str, Any], reason: str) -> None:
    row = only(script, **options)
    assert isinstance(row, Dropped), row
    assert row.reason == reason
    assert row.question.startswith("Summarise")


def test_styles_come_in_their_shares_and_each_summary_is_a_call_of_its_own() -> None:
    styles: dict[str, float] = {"paragraph": 2, "one_line": 1, "extractive": 1}
    rows = []
    for place in range(8):
        script = model(SAID, copied=("She is white.",))
        found = made_by("summarise", script, ABOUT, place=place, summaries_per_context=3, styles=styles, gates={})
        rows += found.kept
    counts = {name: sum(row.attributes["style"] == name for row in rows) for name in styles}
    assert sum(counts.values()) == 24
    assert all(abs(counts[name] - 6 * weight) <= 1 for name, weight in styles.items()), counts


def test_the_request_is_in_the_row_s_language_whatever_the_text_s() -> None:
    about = context("Паром «Аврора» отходит из Норвика в 07:40 по будням. Билет стоит 12 евро.", language="ru")
    script = model("Паром «Аврора» уходит из Норвика в 07:40.")
    row = made_by("summarise", script, about, styles={"one_line": 1}).kept[0]
    assert row.question.startswith("Изложи следующий текст одним предложением.\n\n")


@pytest.mark.parametrize(
    "options",
    [
        {"styles": {"paragraph": 0}},
        {"styles": {"poem": 1}},
        {"lengths": []},
        {"lengths": [{"unit": "ratio", "most": 3}]},
        {"lengths": [{"unit": "words", "most": 0.5}]},
        {"lengths": [{"most": 2.5}]},
        {"summaries_per_context": 0},
    ],
)
def test_options_that_make_no_sense_are_refused_when_asked_for(options: dict[str, Any]) -> None:
    from app import catalog
    from app.datasets import checks

    with pytest.raises(InvalidRequest):
        checks.options(catalog.TASKS["summarise"], options)
    assert SummariseOptions().shares() == {"paragraph": 1}


@pytest.mark.parametrize(
    ("answer", "missing"),
    [
        ("It is steered by Anna Lind of Norvik.", []),
        ("It is steered by Anna Lund of Bergen.", ["Anna Lund of Bergen"]),
        ("Her captain is Norwegian.", ["Norwegian"]),
        ("Its captain works for NATO.", ["NATO"]),
    ],
)
def test_a_name_must_stand_in_the_text_in_some_form(answer: str, missing: list[str]) -> None:
    assert supported_names(answer, FIRST, "en")[1] == missing


def test_rouge_counts_what_both_have() -> None:
    assert rouge_n("the cat sat", "the cat ran", 1) == pytest.approx(2 / 3)
    assert rouge_n("the cat sat", "the cat ran", 2) == pytest.approx(1 / 2)
    assert rouge_n("the the the", "the cat", 1) == pytest.approx(2 / 5)
    assert rouge_n("", "the cat", 2) == 0


def test_every_language_has_every_request() -> None:
    from workers.steps.requests import KEYS, REQUESTS

    assert len(REQUESTS) == 18
    for told in REQUESTS.values():
        assert tuple(told) == KEYS
        assert all(("{}" in line) == (key in ("sentences", "words")) for key, line in told.items())
        assert len(set(told.values())) == len(KEYS)
