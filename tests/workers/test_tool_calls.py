"""Requests met by calling tools, through their recipe: patterns, arguments, results, and what is dropped for what."""

import json
from collections import Counter
from typing import Any

import pytest

from app import catalog
from app.domain import Context, Dropped
from tests.workers.scripted import Scripted, context, made_by
from workers.recipes import Outcome

DEPARTURES = {
    "name": "departures",
    "description": "Departures of a ferry on a day.",
    "parameters": {
        "type": "object",
        "properties": {"ferry": {"type": "string"}, "day": {"type": "string"}},
        "required": ["ferry", "day"],
        "additionalProperties": False,
    },
}
BOOK = {
    "name": "book",
    "description": "Book places on a departure.",
    "parameters": {
        "type": "object",
        "properties": {"departure": {"type": "string"}, "places": {"type": "integer", "minimum": 1}},
        "required": ["departure", "places"],
    },
}
TOOLS = [DEPARTURES, BOOK]
ABOUT = context(*(json.dumps(tool) for tool in TOOLS))
ASKED = "Please book two places on the first Aurora of 3 May 2027."
LOOK: dict[str, Any] = {"name": "departures", "arguments": {"ferry": "Aurora", "day": "2027-05-03"}}
OTHER = {"name": "departures", "arguments": {"ferry": "Borealis", "day": "2027-05-03"}}
TAKE = {"name": "book", "arguments": {"departure": "D7", "places": 2}}
SAID = "The two places on the Aurora are booked, and it leaves at 07:40."
GRADES = {"flaw": "None.", "tool_choice": 5, "result_use": 5, "request_sense": 4}
Calls = list[dict[str, Any]]


def made(
    kind: str, rounds: list[Calls], wanted: list[str], *, said: str = SAID, grades: Any = GRADES, **options: Any
) -> tuple[Outcome, Scripted]:
    """One request of a type, met with these rounds of calls and then the answer."""

    def call(values: dict[str, Any]) -> dict[str, Any]:
        done, number = len(values["so_far"]), 0
        for calls in rounds:
            if number == done:
                return {"calls": calls, "answer": ""}
            number += len(calls)
        return {"calls": [], "answer": said}

    script = Scripted(
        ask__tools={"questions": [{"tools": wanted, "question": ASKED}]},
        call__tools=call,
        simulate__tools=lambda values: {"results": [{"id": "D7", "at": "07:40"}] * values["count"]},
        judge__tools=grades,
    )
    chosen: dict[str, Any] = {"tools": TOOLS, "requests_per_context": 1, "call_types": {kind: 1}} | options
    return made_by("tool_calls", script, ABOUT, **chosen), script


def only_drop(outcome: Outcome) -> Dropped:
    assert outcome.kept == []
    [row] = outcome.dropped
    return row


def test_a_row_of_several_steps_has_its_calls_and_results_in_the_openai_form() -> None:
    outcome, script = made("multi_step", [[LOOK], [TAKE]], ["departures", "book"], system_prompt="You book ferries.")
    [row] = outcome.kept
    roles = [message["role"] for message in row.turns]
    assert roles == ["system", "user", "assistant", "tool", "assistant", "tool", "assistant"]
    [first] = row.turns[2]["tool_calls"]
    assert first["function"] == {"name": "departures", "arguments": '{"ferry":"Aurora","day":"2027-05-03"}'}
    assert row.turns[3] == {"role": "tool", "tool_call_id": first["id"], "content": '{"id":"D7","at":"07:40"}'}
    assert [turn["tool_calls"][0]["id"] for turn in (row.turns[2], row.turns[4])] == ["call_1", "call_2"]
    assert row.turns[-1]["content"] == row.answer == SAID
    assert sorted(tool["function"]["name"] for tool in row.attributes["tools"]) == ["book", "departures"]
    assert {verdict.metric for verdict in row.verdicts} == set(catalog.TASKS["tool_calls"].gates)
    assert 'departures({"ferry":"Aurora","day":"2027-05-03"}) -> {"id":"D7"' in script.instructions("call/tools")[1]
    task = catalog.TASKS["tool_calls"]
    options = {"tools": TOOLS, "requests_per_context": 1, "call_types": {"multi_step": 1}}
    assert task.calls(options, task.gates, catalog.METRICS.entries) == len(script.asked) == 1 + 3 + 2 + 1


def test_calls_at_once_are_one_message_with_a_result_each() -> None:
    [row] = made("parallel", [[LOOK, OTHER]], ["departures"])[0].kept
    assert [message["role"] for message in row.turns] == ["user", "assistant", "tool", "tool", "assistant"]
    assert [call["id"] for call in row.turns[1]["tool_calls"]] == ["call_1", "call_2"]


def test_a_request_that_lacks_a_value_is_met_with_a_question_and_no_call() -> None:
    said = "I cannot book that: for which ferry do you want the places?"
    outcome, script = made("no_call", [], [], said=said)
    [row] = outcome.kept
    assert "leaves out a value" in script.instructions("ask/tools")[0]
    assert [message["role"] for message in row.turns] == ["user", "assistant"]
    assert row.attributes["gap"] == "missing"


@pytest.mark.parametrize(
    ("kind", "rounds", "wanted", "reason", "why"),
    [
        ("single", [[LOOK | {"name": "sail"}]], ["departures"], "unknown_tool", "'sail' is none of"),
        ("single", [[LOOK | {"arguments": {"ferry": "Aurora"}}]], ["departures"], "bad_arguments", '"day" is a'),
        ("single", [[TAKE | {"arguments": {"departure": "D7", "places": "2"}}]], ["book"], "bad_arguments", "/places"),
        ("single", [[TAKE | {"arguments": {"departure": "D7", "places": 0}}]], ["book"], "bad_arguments", "minimum"),
        ("single", [[LOOK | {"arguments": LOOK["arguments"] | {"x": 1}}]], ["departures"], "bad_arguments", "'x'"),
        ("parallel", [[LOOK, LOOK]], ["departures"], "repeated_call", "was made already"),
        ("multi_step", [[LOOK], [LOOK]], ["departures"], "repeated_call", "was made already"),
        ("single", [[LOOK, OTHER]], ["departures"], "wrong_pattern", "to be single, and made 2 calls"),
        ("parallel", [[LOOK]], ["departures"], "wrong_pattern", "to be parallel, and made 1 calls"),
        ("multi_step", [[LOOK, OTHER]], ["departures"], "wrong_pattern", ""),
        ("no_call", [[LOOK]], [], "wrong_pattern", "to be no_call, and made 1 calls"),
        ("single", [[LOOK], [TAKE]], ["departures"], "unfinished", "after 1 rounds"),
        ("single", [[TAKE]], ["departures"], "other_tools", "written for departures, and called book"),
        ("single", [], ["departures"], "wrong_pattern", "made no calls"),
    ],
)  # fmt: skip
def test_calls_are_validated_one_by_one(
    kind: str, rounds: list[Calls], wanted: list[str], reason: str, why: str
) -> None:
    dropped = only_drop(made(kind, rounds, wanted)[0])
    assert dropped.reason == reason, dropped.detail
    assert why in dropped.detail
    assert dropped.question == ASKED


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"said": "It leaves at 09:55."}, "unsupported_number"),
        ({"said": ""}, "unfinished"),
        ({"said": "I'm sorry, I cannot help with that request."}, "refused"),
        ({"grades": GRADES | {"tool_choice": 2}}, "wrong_calls"),
        ({"grades": GRADES | {"result_use": 3}}, "misused_results"),
        ({"grades": GRADES | {"request_sense": 1}}, "no_sense"),
        ({"grades": {}}, "judge_parse_error"),
    ],
)
def test_the_answer_says_what_the_calls_gave_back(more: dict[str, Any], reason: str) -> None:
    assert only_drop(made("single", [[LOOK]], ["departures"], **more)[0]).reason == reason


def test_types_come_in_their_shares_and_no_call_rows_have_both_causes() -> None:
    found: Counter[str] = Counter()
    for place in range(40):
        script = Scripted(ask__tools={})
        made_by("tool_calls", script, ABOUT, place=place, tools=TOOLS, requests_per_context=1)
        found.update(values["type"] + values["gap"] for ref, _, values, _ in script.asked if ref == "ask/tools@1")
    wanted = {"single": 16, "parallel": 8, "multi_step": 8, "no_callmissing": 4, "no_callbeyond": 4}
    assert sum(found.values()) == 40
    assert all(abs(found[name] - count) <= 2 for name, count in wanted.items()), found


def test_the_tools_of_a_row_stand_in_an_order_of_their_own() -> None:
    many = [DEPARTURES | {"name": f"tool{i}"} for i in range(6)]
    about: Context = context(*(json.dumps(tool) for tool in many))
    first = set()
    for place in range(12):
        script = Scripted(
            ask__tools={"questions": [{"tools": [], "question": ASKED}]},
            call__tools={"calls": [], "answer": "None of my tools can do that."},
            judge__tools=GRADES,
        )
        one: dict[str, Any] = {"requests_per_context": 1, "call_types": {"no_call": 1}}
        [row] = made_by("tool_calls", script, about, place=place, tools=many, **one).kept
        first.add(row.attributes["tools"][0]["function"]["name"])
    assert len(first) > 2
