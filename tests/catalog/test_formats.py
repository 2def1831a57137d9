"""What each format writes for a chat, a preference and a text row."""

import itertools
import json

import pytest

from app import catalog
from app.domain import Sample
from app.errors import UnknownCatalogEntry
from app.exports.checks import check_format

CHAT = Sample(
    kind="original",
    question="And on Sundays?",
    answer="At nine.",
    attributes={
        "messages": [
            {"role": "system", "content": "You know the ferry's timetable."},
            {"role": "user", "content": "When does it leave?"},
            {"role": "assistant", "content": "At half past seven."},
            {"role": "user", "content": "And on Sundays?"},
            {"role": "assistant", "content": "At nine."},
        ]
    },
)
PREFERENCE = Sample(
    kind="original",
    question="When does it leave?",
    answer="At half past seven.",
    attributes={
        "rejected": "In the evening.",
        "margin": 2.5,
        "candidates": [{"text": "In the evening.", "score": 1.0}, {"text": "At half past seven.", "score": 3.5}],
    },
)
SHARED = [
    {"role": "user", "content": "When does it leave?"},
    {"role": "assistant", "content": "At half past seven."},
    {"role": "user", "content": "And on Sundays?"},
]
BETTER = [
    {"role": "assistant", "content": "At nine."},
    {"role": "user", "content": "From where?"},
    {"role": "assistant", "content": "From the old pier."},
]
WORSE = [
    {"role": "assistant", "content": "At ten."},
    {"role": "user", "content": "Are you sure?"},
    {"role": "assistant", "content": "Yes."},
]
TRAJECTORIES = Sample(
    kind="conversation",
    question="When does it leave?",
    answer="From the old pier.",
    attributes={
        "messages": [*SHARED, *BETTER],
        "prompt_turns": 3,
        "rejected": "Yes.",
        "rejected_turns": WORSE,
        "margin": 2.0,
        "candidates": [
            {"text": "From the old pier.", "turns": BETTER, "score": 5.0, "model": "large"},
            {"text": "Yes.", "turns": WORSE, "score": 3.0, "model": "small"},
        ],
    },
)
CALLS = [("call_1", "departures", {"day": "Sunday"}), ("call_2", "fare", {"child": True})]
TOOLS = Sample(
    kind="parallel",
    question="When does it leave on Sunday, and what does a child pay?",
    answer="At nine, and 4 euros.",
    attributes={
        "tools": [
            {"type": "function", "function": {"name": name, "description": "", "parameters": {"type": "object"}}}
            for name in ("departures", "fare")
        ],
        "messages": [
            {"role": "user", "content": "When does it leave on Sunday, and what does a child pay?"},
            {
                "role": "assistant",
                "content": "",
                "tool_calls": [
                    {"id": key, "type": "function", "function": {"name": name, "arguments": json.dumps(arguments)}}
                    for key, name, arguments in CALLS
                ],
            },
            {"role": "tool", "tool_call_id": "call_1", "content": '{"at": "09:00"}'},
            {"role": "tool", "tool_call_id": "call_2", "content": '{"euros": 4}'},
            {"role": "assistant", "content": "At nine, and 4 euros."},
        ],
    },
)
TEXT = Sample(kind="original", question="", answer="The ferry leaves at half past seven.")
ROWS = {"chat": CHAT, "preference": PREFERENCE, "trajectories": TRAJECTORIES, "text": TEXT, "tools": TOOLS}


@pytest.mark.parametrize(
    ("name", "shape"),
    [(name, shape) for name, entry in catalog.FORMATS.entries.items() for shape in sorted(entry.shapes)],
)
def test_every_format_writes_every_row_it_says_it_can(name: str, shape: str) -> None:
    written = catalog.FORMATS[name].render(ROWS[shape])
    assert ROWS[shape].answer in json.dumps(written)


def test_a_conversation_keeps_all_its_turns() -> None:
    assert catalog.FORMATS["messages"].render(CHAT) == {"messages": CHAT.attributes["messages"]}
    assert catalog.FORMATS["sharegpt"].render(CHAT) == {
        "conversations": [
            {"from": "system", "value": "You know the ferry's timetable."},
            {"from": "human", "value": "When does it leave?"},
            {"from": "gpt", "value": "At half past seven."},
            {"from": "human", "value": "And on Sundays?"},
            {"from": "gpt", "value": "At nine."},
        ]
    }


def test_alpaca_puts_earlier_turns_into_history() -> None:
    assert catalog.FORMATS["alpaca"].render(CHAT) == {
        "instruction": "And on Sundays?",
        "input": "",
        "output": "At nine.",
        "system": "You know the ferry's timetable.",
        "history": [["When does it leave?", "At half past seven."]],
    }


def test_chatml_closes_every_turn() -> None:
    written = catalog.FORMATS["chatml"].render(CHAT)
    assert isinstance(written, dict)
    assert written["text"].count("<|im_start|>") == written["text"].count("<|im_end|>\n") == 5


def test_dpo_states_the_prompt_once_and_the_implicit_form_in_both_conversations() -> None:
    asked = {"role": "user", "content": "When does it leave?"}
    chosen, rejected = (
        {"role": "assistant", "content": "At half past seven."},
        {"role": "assistant", "content": "In the evening."},
    )
    assert catalog.FORMATS["dpo"].render(PREFERENCE) == {"prompt": [asked], "chosen": [chosen], "rejected": [rejected]}
    assert catalog.FORMATS["dpo_implicit"].render(PREFERENCE) == {
        "chosen": [asked, chosen],
        "rejected": [asked, rejected],
    }


def test_kto_writes_a_line_for_each_answer() -> None:
    lines = catalog.FORMATS["kto"].render(PREFERENCE)
    assert isinstance(lines, list)
    assert [(line["completion"][0]["content"], line["label"]) for line in lines] == [
        ("At half past seven.", True),
        ("In the evening.", False),
    ]


def test_pairs_of_conversations_have_the_shared_beginning_as_their_prompt() -> None:
    assert catalog.FORMATS["dpo"].render(TRAJECTORIES) == {"prompt": SHARED, "chosen": BETTER, "rejected": WORSE}
    whole = {"chosen": [*SHARED, *BETTER], "rejected": [*SHARED, *WORSE]}
    assert catalog.FORMATS["dpo_implicit"].render(TRAJECTORIES) == whole
    assert catalog.FORMATS["reward"].render(TRAJECTORIES) == whole | {"margin": 2.0}
    assert catalog.FORMATS["kto"].render(TRAJECTORIES) == [
        {"prompt": SHARED, "completion": BETTER, "label": True},
        {"prompt": SHARED, "completion": WORSE, "label": False},
    ]
    assert catalog.FORMATS["ultrafeedback"].render(TRAJECTORIES) == {
        "instruction": "And on Sundays?",
        "history": SHARED[:2],
        "completions": [
            {"response": "From the old pier.", "overall_score": 5.0, "model": "large", "messages": BETTER},
            {"response": "Yes.", "overall_score": 3.0, "model": "small", "messages": WORSE},
        ],
    }


def test_kto_gives_no_answer_both_labels_whichever_pairs_of_a_ranking_there_are() -> None:
    scores = {"a": 5.0, "b": 4.0, "c": 2.0, "d": 1.0}
    labels: dict[str, set[bool]] = {}
    for chosen, rejected in itertools.combinations(scores, 2):
        row = PREFERENCE.model_copy(
            update={
                "answer": chosen,
                "attributes": {
                    "rejected": rejected,
                    "scores": {"chosen": scores[chosen], "rejected": scores[rejected]},
                    "candidates": [{"text": text, "score": score} for text, score in scores.items()],
                },
            }
        )
        lines = catalog.FORMATS["kto"].render(row)
        assert isinstance(lines, list)
        for line in lines:
            labels.setdefault(line["completion"][0]["content"], set()).add(line["label"])
    assert labels == {"a": {True}, "b": {True}, "c": {False}, "d": {False}}


def test_ultrafeedback_lists_answers_best_first() -> None:
    written = catalog.FORMATS["ultrafeedback"].render(PREFERENCE)
    assert isinstance(written, dict)
    assert [found["overall_score"] for found in written["completions"]] == [3.5, 1.0]


def test_a_format_that_cannot_hold_the_rows_is_refused_with_those_that_can() -> None:
    with pytest.raises(UnknownCatalogEntry, match=r"cannot hold the chat rows of grounded_qa; it can be: .*messages"):
        check_format("grounded_qa", "dpo", {})
    check_format("grounded_qa", "messages", {})


def test_calls_of_tools_keep_who_called_what_in_every_format_that_takes_them() -> None:
    assert catalog.FORMATS["messages"].render(TOOLS) == {
        "messages": TOOLS.attributes["messages"],
        "tools": TOOLS.attributes["tools"],
    }
    told = catalog.FORMATS["trl_tools"].render(TOOLS)
    assert isinstance(told, dict)
    assert json.loads(told["tools"]) == TOOLS.attributes["tools"]
    calls = [call["function"] for call in told["messages"][1]["tool_calls"]]
    assert calls == [{"name": name, "arguments": arguments} for _, name, arguments in CALLS]
    assert [turn["name"] for turn in told["messages"] if turn["role"] == "tool"] == ["departures", "fare"]
    shared = catalog.FORMATS["sharegpt"].render(TOOLS)
    assert isinstance(shared, dict)
    assert [turn["from"] for turn in shared["conversations"]] == ["human", "function_call", "observation", "gpt"]
    assert json.loads(shared["conversations"][2]["value"]) == [{"at": "09:00"}, {"euros": 4}]
    assert [tool["name"] for tool in json.loads(shared["tools"])] == ["departures", "fare"]


def test_a_format_without_a_place_for_tools_refuses_them_by_name() -> None:
    with pytest.raises(UnknownCatalogEntry, match="cannot hold the tools rows of tool_calls"):
        check_format("tool_calls", "alpaca", {})
