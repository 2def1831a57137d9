"""Preference pairs of one context: who answers, what both rankings must say, and what a row keeps of them."""

from typing import Any

import pytest

from app.catalog.pairs import pair
from app.catalog.tasks.preferences import PreferencesOptions
from app.domain import Dropped, Sample
from tests.workers.scripted import FIRST, SECOND, Scripted, context, made_by
from workers.recipes import Outcome
from workers.steps.perturb import changed_text
from workers.steps.voices import voices

QUESTION = "At what time does the ferry Aurora leave Norvik?"
QUOTE = "It leaves Norvik at 07:40 every weekday."
ANSWERS = {
    0.1: "The ferry Aurora leaves Norvik at 07:40 every weekday.",
    0.2: "The ferry Aurora leaves Norvik every weekday.",
    0.3: "The ferry Aurora leaves Norvik at 08:40 every weekday.",
}
GRADES = {ANSWERS[0.1]: (5, 5), ANSWERS[0.2]: (5, 3), ANSWERS[0.3]: (1, 3)}


class Talkative(Scripted):
    """Answers by the temperature, and a judge that grades by `GRADES`, the first one shown better by `bias`."""

    def __init__(self, bias: int = 0, grades: dict[str, tuple[int, int]] = GRADES, **said: Any) -> None:
        super().__init__(
            ask__grounded={"questions": [QUESTION]},
            answer__grounded=lambda values: {"quote": QUOTE, "answer": ANSWERS[values["temperature"]]},
            judge__rank=lambda values: {"grades": list(self._grades(values["answers"]))},
            perturb__fact={"changed_from": "07:40", "changed_to": "09:15"},
            **said,
        )
        self.bias, self.graded = bias, grades

    def _grades(self, answers: list[str]) -> Any:
        for place, answer in enumerate(answers):
            faithfulness, helpfulness = self.graded.get(answer, (1, 5))
            bent = helpfulness - self.bias * (place > 0)
            yield {"reason": "So.", "faithfulness": faithfulness, "helpfulness": max(1, bent)}


def pairs_of(model: Scripted, **options: Any) -> Outcome:
    given: dict[str, Any] = {"questions_per_context": 1, "answers": 3, "temperatures": [0.1, 0.2, 0.3]}
    return made_by("preferences", model, context(FIRST, SECOND), **(given | options))


def only(rows: list[Any]) -> Any:
    assert len(rows) == 1, rows
    return rows[0]


def test_the_best_answer_is_chosen_over_the_worst_and_the_whole_ranking_is_kept() -> None:
    model = Talkative()
    row: Sample = only(pairs_of(model).kept)
    assert (row.kind, row.question, row.answer) == ("ranked", QUESTION, ANSWERS[0.1])
    assert row.attributes["rejected"] == ANSWERS[0.3]
    assert row.attributes["margins"] == [3.0, 3.0]
    assert [(one["rank"], one["text"], one["score"]) for one in row.attributes["candidates"]] == [
        (1, ANSWERS[0.1], 5.0),
        (2, ANSWERS[0.2], 4.0),
        (3, ANSWERS[0.3], 2.0),
    ]
    assert [one["temperature"] for one in row.attributes["candidates"]] == [0.1, 0.2, 0.3]
    assert (row.attributes["compared"], row.attributes["flipped"]) == (3, 0)
    assert row.sources[0].quote == QUOTE
    assert {verdict.metric: verdict.score for verdict in row.verdicts if verdict.metric in ("margin", "source")} == {
        "margin": 3.0,
        "source": 100.0,
    }
    assert set(row.lineage["prompts"]) == {"ask/grounded@1", "answer/grounded@1", "judge/rank@1"}


def test_the_judge_sees_the_answers_once_in_each_order() -> None:
    model = Talkative()
    pairs_of(model)
    one, other = (values["answers"] for ref, _, values, _ in model.asked if ref == "judge/rank@1")
    assert one == other[::-1]
    assert sorted(one) == sorted(ANSWERS.values())


def test_all_pairs_of_a_ranking_become_rows() -> None:
    outcome = pairs_of(Talkative(), pairs="all")
    kept = {(row.answer, row.attributes["rejected"]) for row in outcome.kept}
    assert kept == {
        (ANSWERS[0.1], ANSWERS[0.2]),
        (ANSWERS[0.1], ANSWERS[0.3]),
        (ANSWERS[0.2], ANSWERS[0.3]),
    }
    assert [row.attributes["compared"] for row in outcome.kept] == [1, 1, 1]


@pytest.mark.parametrize(
    ("bias", "grades", "reason"),
    [
        (2, {ANSWERS[0.1]: (5, 5), ANSWERS[0.3]: (5, 4)}, "order_flip"),
        (0, dict.fromkeys(ANSWERS.values(), (5, 4)), "tie"),
        (0, {ANSWERS[0.1]: (5, 5), ANSWERS[0.2]: (5, 5), ANSWERS[0.3]: (5, 4)}, "small_margin"),
        (0, {ANSWERS[0.1]: (3, 5), ANSWERS[0.2]: (3, 3), ANSWERS[0.3]: (1, 1)}, "chosen_not_faithful"),
    ],
)
def test_a_pair_that_is_no_clear_preference_is_dropped(
    bias: int, grades: dict[str, tuple[int, int]], reason: str
) -> None:
    temperatures = [warmth for warmth, text in ANSWERS.items() if text in grades]
    outcome = pairs_of(Talkative(bias, grades), answers=len(grades), temperatures=temperatures)
    assert not outcome.kept
    dropped: Dropped = only(outcome.dropped)
    assert dropped.reason == reason
    assert dropped.attributes["rejected"]


def test_of_equal_answers_those_are_paired_that_are_about_as_long() -> None:
    graded = {ANSWERS[0.1]: (5, 5), ANSWERS[0.2]: (5, 1), ANSWERS[0.3]: (1, 3)}
    row: Sample = only(pairs_of(Talkative(grades=graded | {ANSWERS[0.2][:12]: (1, 1)})).kept)
    assert row.attributes["rejected"] == ANSWERS[0.3]


def test_answers_that_all_say_the_same_are_no_pair() -> None:
    outcome = pairs_of(Talkative(), temperatures=[0.1])
    assert only(outcome.dropped).reason == "same_answers"


def test_a_changed_fact_makes_a_faithful_and_an_unfaithful_answer() -> None:
    outcome = pairs_of(Talkative(), perturbed=1.0)
    row = next(row for row in outcome.kept if row.kind == "perturbed")
    assert row.answer == ANSWERS[0.1]
    assert row.attributes["rejected"] == "The ferry Aurora leaves Norvik at 09:15 every weekday."
    assert row.attributes["changed"] == {"from": "07:40", "to": "09:15"}
    assert "perturb/fact@1" in row.lineage["prompts"]


def test_a_judge_that_does_not_see_the_changed_fact_gives_no_row() -> None:
    blind = GRADES | {"The ferry Aurora leaves Norvik at 09:15 every weekday.": (5, 5)}
    outcome = pairs_of(Talkative(grades=blind), perturbed=1.0)
    assert [row.reason for row in outcome.dropped] == ["tie"]


def test_a_change_that_changes_nothing_is_dropped() -> None:
    model = Talkative()
    model.said["perturb/fact"] = {"changed_from": "at dawn", "changed_to": "at dusk"}
    assert [row.reason for row in pairs_of(model, perturbed=1.0).dropped] == ["not_changed"]
    assert changed_text("At 7, not at 17.", "7", "8") == "At 8, not at 17."


def test_conversations_are_compared_as_a_whole_from_where_they_part() -> None:
    model = Talkative(
        answer__next_turn=lambda values: {
            "quote": QUOTE,
            "answer": f"It is {len(values['talk'])}, by {values['temperature']}.",
        },
        ask__next_request=lambda values: {"question": f"And then, after {values['talk'][-1][-4:]}?"},
    )
    model.said["judge/rank"] = lambda values: {
        "grades": [
            {"reason": "So.", "faithfulness": 5, "helpfulness": 5 if "0.1" in text.splitlines()[-1] else 2}
            for text in values["answers"]
        ]
    }
    gates = {"margin": 1.0, "chosen_faithfulness": 4.0}
    options: dict[str, Any] = {"questions_per_context": 1, "answers": 2, "temperatures": [0.1, 0.2]}
    outcome = made_by("preferences", model, context(FIRST), gates=gates, turns=3, shared_turns=1, **options)
    row: Sample = only(outcome.kept)
    found = pair(row)
    assert row.kind == "conversation"
    assert [turn["role"] for turn in found.prompt] == ["user", "assistant", "user"]
    assert found.prompt[0]["content"] == row.question == QUESTION
    for way in (found.chosen, found.rejected):
        assert [turn["role"] for turn in way] == ["assistant", "user", "assistant"]
    assert found.chosen[-1]["content"] == row.answer == "It is 4, by 0.1."
    assert found.rejected[-1]["content"] == row.attributes["rejected"] == "It is 4, by 0.2."
    shown = next(values for ref, _, values, _ in model.asked if ref == "judge/rank@1")
    assert (shown["question"], shown["earlier"]) == (QUESTION, [])
    for text in shown["answers"]:
        assert text.startswith("Assistant: It is 0, by 0.1.\nUser: "), "what is shared is graded as well"
        assert text.count("Assistant: ") == 3


def test_in_a_conversation_the_last_answer_is_made_wrong_behind_all_that_was_said() -> None:
    model = Talkative(
        answer__next_turn=lambda values: {"quote": QUOTE, "answer": f"At 07:40, and {values['temperature']} more."},
        ask__next_request={"question": "And on other days?"},
    )
    model.said["judge/rank"] = lambda values: {
        "grades": [
            {"reason": "So.", "faithfulness": 1 if "09:15" in text else 5, "helpfulness": 5 if "0.1" in text else 2}
            for text in values["answers"]
        ]
    }
    options: dict[str, Any] = {"questions_per_context": 1, "answers": 2, "temperatures": [0.1, 0.2], "perturbed": 1.0}
    gates = {"margin": 1.0, "chosen_faithfulness": 4.0}
    outcome = made_by("preferences", model, context(FIRST), gates=gates, turns=2, **options)
    row = next(row for row in outcome.kept if row.kind == "perturbed")
    found = pair(row)
    assert [turn["role"] for turn in found.prompt] == ["user", "assistant", "user"]
    assert [turn["content"] for turn in found.chosen] == ["At 07:40, and 0.1 more."]
    assert [turn["content"] for turn in found.rejected] == ["At 09:15, and 0.1 more."]
    shown = [values for ref, _, values, _ in model.asked if ref == "judge/rank@1"][-1]
    assert shown["question"] == "And on other days?"
    assert shown["earlier"] == [f"User: {QUESTION}", "Assistant: At 07:40, and 0.1 more."]


def test_roles_models_and_temperatures_take_turns_and_repeats_are_samples_of_their_own() -> None:
    options = PreferencesOptions(answers=6, temperatures=[0.2, 0.9], roles=["generator"], models=["mine"])
    found = [(voice.role, voice.model, voice.temperature, voice.sample) for voice in voices(options)]
    assert found == [
        ("generator", None, 0.2, 0),
        ("generator", "mine", 0.2, 0),
        ("generator", None, 0.9, 0),
        ("generator", "mine", 0.9, 0),
        ("generator", None, 0.2, 1),
        ("generator", "mine", 0.2, 1),
    ]
