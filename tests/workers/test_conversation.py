"""Conversations, through their recipe: what it keeps, what it cuts, and what it drops with which reason."""

from typing import Any

import pytest
from pydantic import ValidationError

from app import catalog
from app.catalog.tasks.conversation import ConversationOptions
from app.domain import Dropped, Sample
from tests.workers.scripted import AGREES, FIRST, SECOND, Scripted, context, made_by, stands
from workers.recipes import Outcome

OPENING = "Who steers the ferry Aurora?"
# What is meant, what is said, the quote, the answer, and the judge's own answer.
LICENCE = (
    "Since when has Captain Lind held her licence?",
    "Since when has she held her licence?",
    "Captain Lind has held her licence since 1998.",
    "She has held it since 1998.",
    "since 1998",
)
HOME = (
    "Where does Captain Lind live?",
    "And where does she live?",
    "She lives in the old lighthouse of Tarnholm.",
    "She lives in the lighthouse of Tarnholm.",
    "in the lighthouse of Tarnholm",
)
ABOUT = context(FIRST, SECOND)
LONG = 0  # a unit whose conversation of two or three turns is drawn to have three


def model(*turns: tuple[str, str, str, str, str], follows: int = 5, tried: str = "UNKNOWN") -> Scripted:
    """Asks about the captain, then `turns`; the judge agrees with every answer."""
    said = {
        OPENING: ("The ferry Aurora is steered by Captain Lind.", "Captain Lind steers the Aurora.", "Captain Lind")
    }
    said |= {asked: rest for _, asked, *rest in turns}  # type: ignore[misc]
    own = {OPENING: "Captain Lind"} | {full: turn[-1] for full, *turn in turns}

    def next_turn(values: dict[str, Any]) -> dict[str, Any]:
        full, asked, *_ = turns[len(values["history"]) - 1]
        return {"standalone": full, "question": asked}

    def answer(values: dict[str, Any]) -> dict[str, Any]:
        quote, text, _ = said[values["question"]]
        return {"quote": quote, "answer": text, "further_quotes": []}

    return Scripted(
        ask__grounded={"questions": [OPENING]},
        ask__follow_up=next_turn,
        ask__follow_up_missing={
            "missing": "her age", "standalone": "How old is Captain Lind?", "question": "And how old is she?",
        },
        answer__turn=answer,
        answer__grounded={"quote": "", "answer": tried},
        answer__unanswerable={"refusal": "I do not know how old Captain Lind is."},
        judge__grounded=lambda values: AGREES | {"own_answer": own[values["question"]]},
        judge__follow_up={"reason": "It is she.", "follows": follows},
    )  # fmt: skip


def made(script: Scripted, turns: Any = 3, place: int = 0, **options: Any) -> Outcome:
    return made_by("conversation", script, ABOUT, place=place, turns=turns, **options)


def only_kept(outcome: Outcome) -> Sample:
    assert outcome.dropped == []
    [row] = outcome.kept
    return row


def only_drop(outcome: Outcome) -> Dropped:
    assert outcome.kept == []
    [row] = outcome.dropped
    return row


def test_every_turn_has_its_sources_and_what_is_meant_by_it() -> None:
    script = model(LICENCE, HOME)
    row = only_kept(made(script, system_prompt="You know the ferries."))
    messages = row.attributes["messages"]
    assert [message["role"] for message in messages] == ["system", *["user", "assistant"] * 3]
    assert [message["content"] for message in messages[1::2]] == [OPENING, LICENCE[1], HOME[1]]
    assert [turn["standalone"] for turn in row.attributes["turns"]] == [OPENING, LICENCE[0], HOME[0]]
    assert [turn["sources"] for turn in row.attributes["turns"]] == [[0], [1], [2]]
    assert row.sources[2].quote == HOME[2]
    assert all(stands(ABOUT, span) for span in row.sources)
    assert row.turns == messages
    assert (row.kind, row.question, row.answer) == ("conversation", OPENING, HOME[3])
    assert row.attributes["turns"][1]["scores"]["follows"] == 5
    assert "follows" not in row.attributes["turns"][0]["scores"], "an opening follows from nothing"
    assert {verdict.metric for verdict in row.verdicts} == set(catalog.TASKS["conversation"].gates)
    assert "Assistant: Captain Lind steers the Aurora." in script.instructions("answer/turn")[1]


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        ((HOME[0], HOME[0], *HOME[2:]), "not_follow_up"),
        ((*HOME[:2], "Zebras graze on the quay of Xanadu.", *HOME[3:]), "no_source"),
        ((LICENCE[0], "And since when, again, her licence?", *LICENCE[2:]), "not_follow_up"),
        ((*HOME[:3], "UNKNOWN", ""), "unanswerable"),
        ((*HOME[:4], "by the sea"), "no_agreement"),
        ((HOME[0], "Где она живёт сейчас, в каком городе и доме?", *HOME[2:]), "wrong_language"),
    ],
)  # fmt: skip
def test_a_turn_that_fails_cuts_the_conversation_or_drops_it(bad: Any, reason: str) -> None:
    row = only_kept(made(model(LICENCE, bad), turns={"min": 2, "max": 3}, place=LONG))
    assert [turn["standalone"] for turn in row.attributes["turns"]] == [OPENING, LICENCE[0]]
    assert row.attributes["cut"]["turn"] == 3
    assert row.attributes["cut"]["reason"] == reason
    for options in ({"turns": {"min": 2, "max": 3}, "failed_turn": "drop"}, {"turns": 3}):
        dropped = only_drop(made(model(LICENCE, bad), place=LONG, **options))
        assert dropped.reason == reason
        assert dropped.detail.startswith("turn 3: ")
        assert [m["content"] for m in dropped.attributes["messages"]][-1] == bad[1]


def test_a_question_that_the_judge_can_take_in_two_ways_is_no_follow_up() -> None:
    dropped = only_drop(made(model(LICENCE, follows=2), turns=2))
    assert (dropped.reason, dropped.kind) == ("not_follow_up", "conversation")
    assert "follows 2" in dropped.detail


def test_a_share_of_the_conversations_has_a_turn_with_a_refusal() -> None:
    row = only_kept(made(model(), turns=2, unanswerable_share=1))
    assert row.attributes["messages"][-1]["content"] == "I do not know how old Captain Lind is."
    assert [turn["answerable"] for turn in row.attributes["turns"]] == [True, False]
    assert row.attributes["turns"][1]["sources"] == []
    assert only_drop(made(model(tried="She is 61."), turns=2, unanswerable_share=1)).reason == "answerable"
    scripts = [model(LICENCE) for _ in range(40)]
    for place, script in enumerate(scripts):
        made(script, 2, place, unanswerable_share=0.25)
    assert 9 <= sum(bool(script.instructions("ask/follow_up_missing")) for script in scripts) <= 11


def test_turns_are_drawn_from_their_range_and_the_cost_is_that_of_the_mean() -> None:
    found = {len(only_kept(made(model(LICENCE, HOME), {"min": 2, "max": 3}, place)).attributes["turns"])
             for place in range(12)}  # fmt: skip
    assert found == {2, 3}
    task = catalog.TASKS["conversation"]
    script = model(LICENCE, HOME)
    made(script)
    assert task.calls({"turns": 3}, task.gates, catalog.METRICS.entries) == len(script.asked) == 1 + 2 + 3 + 3 + 2


@pytest.mark.parametrize(
    "options", [{"turns": 1}, {"turns": {"min": 4, "max": 3}}, {"failed_turn": "keep"}, {"system_prompt": ""}]
)
def test_options_that_mean_nothing_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        ConversationOptions.model_validate(options)
