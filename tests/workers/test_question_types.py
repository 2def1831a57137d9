"""Every type of question, through the recipe: what it keeps, and what it drops with which reason."""

from collections import Counter
from typing import Any

import pytest

from app.domain import Dropped
from tests.workers.scripted import AGREES, FIRST, SECOND, Scripted, context, made, stands
from workers.steps.refuse import is_refusal

HOP = "Since when has the captain of the ferry Aurora held her licence?"
HOP_ANSWER = "The captain of the ferry Aurora, Captain Lind, has held her licence since 1998."
BOTH = ["The ferry Aurora is steered by Captain Lind.", "Captain Lind has held her licence since 1998."]
AT = "The ferry Aurora leaves Norvik at 07:40."


def only(type_: str, **more: Any) -> dict[str, Any]:
    return {"question_types": {type_: 1}, "questions_per_context": 1} | more


def only_drop(outcome: Any) -> Dropped:
    assert outcome.kept == []
    assert len(outcome.dropped) == 1
    found: Dropped = outcome.dropped[0]
    return found


def hop_model(quotes: list[str], answer: str = HOP_ANSWER, alone: str = "UNKNOWN") -> Scripted:
    return Scripted(
        ask__multi_hop={"questions": [{"first": BOTH[0], "second": BOTH[1], "question": HOP}]},
        answer__multi_hop={"quotes": quotes, "answer": answer},
        judge__grounded=AGREES | {"own_answer": "since 1998"},
        judge__own_answer={"own_answer": alone},
    )


def test_an_answer_returns_every_passage_it_rests_on() -> None:
    about = context(FIRST, SECOND)
    quotes = ["It leaves Norvik at 07:40 every weekday.", "the ferry  aurora is steered by captain lind."]
    model = Scripted(
        ask__grounded={"questions": ["When does the Aurora of Captain Lind leave Norvik?"]},
        answer__grounded={
            "quote": quotes[0],
            "answer": "Captain Lind's Aurora leaves Norvik at 07:40.",
            "further_quotes": [quotes[1], quotes[0]],
        },
        judge__grounded=AGREES | {"own_answer": "at 07:40"},
    )
    [row] = made(model, about, **only("single_hop", lengths={"long": 1})).kept
    assert [span.start for span in row.sources] == [45, 0], "each passage once, in the order of the quotes"
    assert all(stands(about, span) for span in row.sources)
    assert row.attributes == {
        "question_type": "single_hop", "style": "plain", "difficulty": "easy", "length": "long",
    }  # fmt: skip


def test_one_quote_that_is_nowhere_drops_the_row_as_no_source() -> None:
    model = Scripted(
        ask__grounded={"questions": ["When does the Aurora leave Norvik?"]},
        answer__grounded={
            "quote": "It leaves Norvik at 07:40 every weekday.",
            "answer": "The Aurora leaves Norvik at 07:40.",
            "further_quotes": ["Zebras graze on the quay of Xanadu."],
        },
    )
    dropped = only_drop(made(model, context(FIRST), **only("single_hop", lengths={"short": 1})))
    assert dropped.reason == "no_source"
    assert dropped.attributes["unlocated_quotes"] == ["Zebras graze on the quay of Xanadu."]
    assert len(dropped.sources) == 1, "the passage that was found is kept with it"


def test_a_question_that_joins_two_chunks_is_kept() -> None:
    about = context(FIRST, SECOND)
    [row] = made(hop_model(BOTH), about, **only("multi_hop", check_hops=True)).kept
    assert [span.quote for span in row.sources] == BOTH
    assert all(stands(about, span) for span in row.sources)
    assert set(row.lineage["prompts"]) == {
        "ask/multi_hop@1", "answer/multi_hop@1", "judge/grounded@1", "judge/own_answer@1",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("quotes", "answer", "alone", "why"),
    [
        ([BOTH[0], "It leaves Norvik at 07:40 every weekday."], "It is Captain Lind's.", "UNKNOWN", "1 of 2 chunks"),
        ([BOTH[1], BOTH[0]], "Captain Lind has held her licence since 1998.", "since 1998", "from one chunk"),
    ],
)
def test_a_question_for_which_one_chunk_is_enough_is_not_multi_hop(
    quotes: list[str], answer: str, alone: str, why: str
) -> None:
    model = hop_model(quotes, answer, alone)
    dropped = only_drop(made(model, context(FIRST, SECOND), **only("multi_hop", check_hops=True)))
    assert dropped.reason == "not_multi_hop"
    assert why in dropped.detail


def test_a_second_quote_that_adds_no_word_is_not_a_hop() -> None:
    model = Scripted(
        ask__multi_hop={
            "questions": [{"first": "-", "second": "-", "question": "When does the ferry Aurora leave Norvik?"}]
        },
        answer__multi_hop={
            "quotes": ["The ferry Aurora leaves Norvik at 07:40.", "Norvik is a town."],
            "answer": "The ferry Aurora leaves Norvik at 07:40.",
        },
    )
    about = context("The ferry Aurora leaves Norvik at 07:40. It is white.", "Norvik is a town. It lies by the sea.")
    dropped = only_drop(made(model, about, **only("multi_hop")))
    assert dropped.reason == "not_multi_hop"
    assert "chunk 1 alone" in dropped.detail


def test_a_context_of_one_chunk_is_not_asked_for_hops() -> None:
    model = Scripted()
    assert only_drop(made(model, context(FIRST), **only("multi_hop"))).reason == "not_multi_hop"
    assert model.asked == []


def near(tried: str, refusal: str) -> Scripted:
    return Scripted(
        ask__unanswerable={"questions": [{"missing": "its size", "question": "How many cars does the Aurora carry?"}]},
        answer__grounded={"quote": "", "answer": tried},
        answer__unanswerable={"refusal": refusal},
    )


def test_an_unanswerable_question_is_answered_with_a_refusal() -> None:
    refusal = "I do not know how many cars the Aurora carries."
    [row] = made(near("UNKNOWN", refusal), context(FIRST), **only("unanswerable")).kept
    assert (row.kind, row.answer, row.sources) == ("unanswerable", refusal, ())
    assert row.attributes["missing"] == "its size"
    assert row.attributes["refusal"] == "model"
    measured = {verdict.metric for verdict in row.verdicts}
    assert measured >= {"numbers", "standalone", "language"}
    assert not measured & {"source", "refusal", "faithfulness", "agreement"}, "these say nothing about a refusal"


@pytest.mark.parametrize("bad", ["UNKNOWN", "It carries many cars.", "I do not know, perhaps 40."])
def test_a_refusal_that_is_none_or_says_too_much_is_replaced_by_a_plain_one(bad: str) -> None:
    [row] = made(near("UNKNOWN", bad), context(FIRST), **only("unanswerable")).kept
    assert row.answer == "I do not know that; I have no information about it."
    assert row.attributes["refusal"] == "template"


@pytest.mark.parametrize(
    ("language", "text"),
    [("ru", "Я не знаю, сколько машин берёт паром."), ("de", "Das weiß ich nicht."), ("xx", "Mba.")],
)
def test_refusals_are_known_in_other_languages(language: str, text: str) -> None:
    assert is_refusal(language, "?", text)


def test_a_question_that_can_be_answered_after_all_is_dropped_as_answerable() -> None:
    dropped = only_drop(made(near(AT, ""), context(FIRST), **only("unanswerable")))
    assert (dropped.reason, dropped.kind) == ("answerable", "unanswerable")


def choice(right: str, wrong: list[str], letter: str | None) -> Scripted:
    """The judge takes the choice that is `right` unless a letter is given."""

    def judged(values: dict[str, Any]) -> dict[str, Any]:
        found = next(text[0] for text in values["choices"] if text[3:] == right)
        return {"reason": "So it stands.", "choice": letter or found}

    asked = {"quote": "It leaves Norvik at 07:40 every weekday.", "question": "When does the Aurora leave Norvik?"}
    return Scripted(
        ask__multiple_choice={"questions": [asked | {"right": right, "wrong": wrong}]}, judge__choose=judged
    )


def test_a_multiple_choice_row_has_its_choices_its_key_and_its_source() -> None:
    about = context(FIRST)
    model = choice("07:40", ["06:15", "08:30", "09:10"], None)
    [row] = made(model, about, **only("multiple_choice")).kept
    stem, *lines = row.question.split("\n")
    key, choices = row.attributes["key"], row.attributes["choices"]
    assert stem == "When does the Aurora leave Norvik?"
    assert lines == [f"{letter}) {text}" for letter, text in zip("ABCD", choices, strict=True)]
    assert row.answer == f"{key}) 07:40"
    assert choices["ABCD".index(key)] == "07:40"
    assert stands(about, row.sources[0])
    [shown] = [values["choices"] for ref, _, values, _ in model.asked if ref.startswith("judge")]
    assert [text[3:] for text in shown] != choices, "the judge sees them in another order"
    assert all(role == "judge" for ref, role, _, _ in model.asked if ref.startswith("judge"))


def test_the_key_stands_in_all_places_equally_often() -> None:
    places: Counter[str] = Counter()
    for place in range(200):
        [row] = made(choice("07:40", ["06:15", "08:30", "09:10"], None), context(FIRST), place=place,
                     **only("multiple_choice")).kept  # fmt: skip
        places[row.attributes["key"]] += 1
    assert set(places) == set("ABCD")
    assert all(30 <= count <= 70 for count in places.values()), places


def test_a_key_the_judge_does_not_choose_is_wrong() -> None:
    dropped = only_drop(made(choice("07:40", ["06:15", "08:30", "09:10"], "none"), context(FIRST),
                             **only("multiple_choice")))  # fmt: skip
    assert dropped.reason == "wrong_key"


@pytest.mark.parametrize(("right", "wrong"), [("07:40", ["07:40.", "08:30", "09:10"]), ("a quarter", ["x", "y", "z"])])
def test_choices_that_are_the_same_or_a_right_one_that_the_quote_lacks_are_bad(right: str, wrong: list[str]) -> None:
    dropped = only_drop(made(choice(right, wrong, None), context(FIRST), **only("multiple_choice")))
    assert dropped.reason == "bad_choices"


def truth(verdict: str | None) -> Scripted:
    """Writes the statement that was asked for; the judge says `verdict`, or what is right."""
    quote = "It leaves Norvik at 07:40 every weekday."

    def asked(values: dict[str, Any]) -> dict[str, Any]:
        false = values["profiles"][0].startswith("false")
        at, changed = ("08:15", ("07:40", "08:15")) if false else ("07:40", ("", ""))
        said = {"quote": quote, "changed_from": changed[0], "changed_to": changed[1]}
        return {"statements": [said | {"statement": f"The Aurora leaves Norvik at {at}."}]}

    def judged(values: dict[str, Any]) -> dict[str, Any]:
        return {"reason": "So.", "verdict": verdict or ("true" if "07:40" in values["statement"] else "false")}

    return Scripted(ask__true_false=asked, judge__true_false=judged)


def test_statements_are_true_or_false_about_equally_often_and_say_what_was_changed() -> None:
    rows = [row for place in range(60) for row in made(truth(None), context(FIRST), place=place,
                                                       **only("true_false")).kept]  # fmt: skip
    assert len(rows) == 60
    assert 20 <= sum(row.attributes["label"] for row in rows) <= 40
    for row in rows:
        assert row.answer == ("True." if row.attributes["label"] else "False.")
        assert row.question == f"True or false? {row.attributes['statement']}"
        assert row.attributes.get("changed") == (
            None if row.attributes["label"] else {"from": "07:40", "to": "08:15"}
        )  # fmt: skip


def test_a_statement_the_judge_does_not_find_either_way_is_dropped() -> None:
    assert only_drop(made(truth("unknown"), context(FIRST), **only("true_false"))).reason == "wrong_key"


def test_a_false_statement_that_was_not_changed_is_dropped() -> None:
    same = {"quote": FIRST[:43], "changed_from": "Lind", "changed_to": "Holm", "statement": "Captain Lind steers it."}
    model = Scripted(
        ask__true_false=lambda values: {"statements": [same]}, judge__true_false={"reason": "", "verdict": "true"}
    )
    reasons = Counter(
        row.reason
        for place in range(20)
        for row in made(model, context(FIRST), place=place, **only("true_false")).dropped
    )
    assert set(reasons) == {"not_changed"}
    assert reasons["not_changed"] > 0


def test_a_statement_with_the_prompt_s_words_in_it_is_dropped() -> None:
    said = {"quote": FIRST[:44], "changed_from": "", "changed_to": ""}
    leak = said | {"statement": "Captain Lind steers the Aurora. // This sentence is to be true."}
    assert only_drop(
        made(Scripted(ask__true_false={"statements": [leak]}), context(FIRST), **only("true_false"))
    ).reason == ("copied_prompt")


def test_a_cloze_is_a_sentence_of_the_text_and_costs_no_call() -> None:
    about = context(FIRST, SECOND)
    model = Scripted()
    rows = made(model, about, question_types={"cloze": 1}, questions_per_context=3).kept
    assert len(rows) == 3
    assert model.asked == []
    for row in rows:
        [span] = row.sources
        assert stands(about, span)
        assert row.question == f"Fill in the gap: {span.quote.replace(row.answer, '_____')}"
        assert row.answer in span.quote
        measured = {verdict.metric for verdict in row.verdicts}
        assert "source" in measured
        assert not measured & {"faithfulness", "agreement"}, "no judge is asked"
    assert len({row.question for row in rows}) == 3


def test_gaps_that_the_text_has_no_sentence_for_are_dropped_and_counted() -> None:
    outcome = made(Scripted(), context("Short. Very short."), question_types={"cloze": 1}, questions_per_context=2)
    assert [row.reason for row in outcome.dropped] == ["no_sentence", "no_sentence"]


def test_the_user_s_own_questions_are_answered_beside_the_others() -> None:
    model = Scripted(
        ask__grounded={"questions": ["Who steers the ferry Aurora?"]},
        answer__grounded=lambda values: {
            "quote": FIRST[:44] if "steer" in values["question"] else "It leaves Norvik at 07:40 every weekday.",
            "answer": "Captain Lind." if "steer" in values["question"] else AT,
        },
        judge__grounded=lambda values: AGREES | {"own_answer": values["answer"]},
    )  # fmt: skip
    kept = made(model, context(FIRST), seeds=("when is it off",), **only("single_hop")).kept
    own = [row for row in kept if row.attributes.get("seed_question")]
    assert [row.question for row in own] == ["when is it off"]
    assert len(kept) == 2
    assert "- when is it off" in model.instructions("ask")[0], "the model is told not to ask it too"


def test_a_call_that_gets_no_reply_costs_its_own_type_only() -> None:
    model = Scripted(ask__unanswerable={})
    outcome = made(model, context(FIRST), question_types={"unanswerable": 1, "cloze": 1}, questions_per_context=2)
    assert [(row.reason, row.kind) for row in outcome.dropped] == [("parse_error", "unanswerable")]
    assert len(outcome.kept) == 1
