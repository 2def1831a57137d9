"""Uploaded records as rows: what people have, read as what it is, and what is none says why."""

from typing import Any

import pytest

from app.catalog import FORMATS
from app.domain import Sample
from workers.steps.record import parsed, read

ASKED, SAID = "When does it leave?", "At noon."
USER, ASSISTANT = {"role": "user", "content": ASKED}, {"role": "assistant", "content": SAID}
SYSTEM, WORSE = {"role": "system", "content": "Be short."}, {"role": "assistant", "content": "Dunno."}
CALL = {"role": "assistant", "content": "", "tool_calls": [{"type": "function", "function": {"name": "now"}}]}


@pytest.mark.parametrize(
    "record",
    [
        {"messages": [USER, ASSISTANT]},
        {"conversations": [{"from": "human", "value": ASKED}, {"from": "gpt", "value": SAID}]},
        {"instruction": ASKED, "input": "", "output": SAID},
        {"prompt": ASKED, "completion": SAID},
        {"prompt": [USER], "completion": [ASSISTANT]},
        {"prompt": ASKED, "response": f" {SAID}\r\n"},
        {"question": ASKED, "answer": SAID, "source": "handbook"},
        {"messages": [{"role": "user", "content": [{"type": "text", "text": ASKED}]}, ASSISTANT]},
    ],
)
def test_one_question_and_answer_in_every_shape(record: dict[str, Any]) -> None:
    assert read(record, "chat") == Sample(kind="original", question=ASKED, answer=SAID)


def test_conversations_keep_their_turns_and_alpaca_its_system_input_and_history() -> None:
    turns = [SYSTEM, {"role": "user", "content": "Hello"}, {"role": "assistant", "content": "Hi"}, USER, ASSISTANT]
    row = Sample(kind="original", question=ASKED, answer=SAID, attributes={"messages": turns})
    history = {"system": "Be short.", "history": [["Hello", "Hi"]]}
    assert read({"messages": turns}, "chat") == row
    assert read({"instruction": ASKED, "output": SAID} | history, "chat") == row
    found = read({"instruction": "Shorten it.", "input": "A text.", "output": SAID}, "chat")
    assert isinstance(found, Sample)
    assert found.question == "Shorten it.\n\nA text."


@pytest.mark.parametrize("name", ["messages", "sharegpt", "alpaca", "prompt_completion"])
def test_what_we_export_comes_back_as_it_was(name: str) -> None:
    turns = [SYSTEM, {"role": "user", "content": "Hello"}, {"role": "assistant", "content": "Hi"}, USER, ASSISTANT]
    for row in (
        Sample(kind="original", question=ASKED, answer=SAID),
        Sample(kind="original", question=ASKED, answer=SAID, attributes={"messages": turns}),
    ):
        assert read(FORMATS[name].render(row), "chat") == row


@pytest.mark.parametrize(
    "record",
    [
        {"prompt": ASKED, "chosen": SAID, "rejected": "Dunno."},
        {"prompt": [USER], "chosen": [ASSISTANT], "rejected": [WORSE]},
        {"chosen": [USER, ASSISTANT], "rejected": [USER, WORSE]},
        {"instruction": ASKED, "input": "", "chosen": SAID, "rejected": "Dunno."},
        {"conversations": [{"from": "human", "value": ASKED}], "chosen": {"from": "gpt", "value": SAID},
         "rejected": {"from": "gpt", "value": "Dunno."}},
        {"input": {"messages": [USER]}, "preferred_output": [ASSISTANT], "non_preferred_output": [WORSE]},
    ],
)  # fmt: skip
def test_a_preference_pair_in_every_shape(record: dict[str, Any]) -> None:
    row = Sample(kind="original", question=ASKED, answer=SAID, attributes={"rejected": "Dunno."})
    assert read(record, "preference") == row


@pytest.mark.parametrize("name", ["dpo", "dpo_implicit", "openai_preference"])
def test_pairs_that_we_export_come_back_as_they_were(name: str) -> None:
    row = Sample(kind="original", question=ASKED, answer=SAID, attributes={"rejected": "Dunno."})
    rendered = FORMATS[name].render(row)
    assert isinstance(rendered, dict)
    assert read(rendered, "preference") == row


def test_calls_of_tools_are_kept_with_the_tools() -> None:
    tools = [{"type": "function", "function": {"name": "now", "parameters": {}}}]
    turns = [USER, CALL, {"role": "tool", "content": "11:00", "name": "now"}, ASSISTANT]
    found = read({"messages": turns, "tools": tools}, "tools")
    assert isinstance(found, Sample)
    assert found.attributes == {"messages": turns, "tools": tools}
    assert read({"messages": [USER, CALL], "tools": tools}, "tools") != "it does not end with an answer"


def test_what_no_database_can_store_is_left_out_or_no_json() -> None:
    assert parsed('\ufeff{"a": ["x\\u0000y", "\\ud800z"], "n": 123456789012345678901234567890}') == {
        "a": ["xy", "z"],
        "n": 123456789012345678901234567890.0,
    }
    for text in ("NaN", '{"a": -Infinity}', "1e999", "[" * 100_000, "{", ""):
        with pytest.raises((ValueError, RecursionError)):
            parsed(text)


def test_plain_text_is_its_answer() -> None:
    assert read({"text": "All of it."}, "text") == Sample(kind="original", question="", answer="All of it.")


@pytest.mark.parametrize(
    ("record", "records", "why"),
    [
        (["a"], "chat", "it is no object"),
        ({"title": "x"}, "chat", "it has no answer"),
        ({"messages": []}, "chat", "it has no answer"),
        ({"instruction": "", "output": "x"}, "chat", "nobody asks first"),
        ({"messages": [USER]}, "chat", "it does not end with an answer"),
        ({"messages": [ASSISTANT, USER, ASSISTANT]}, "chat", "nobody asks first"),
        ({"messages": [{"role": "user", "content": ""}, ASSISTANT]}, "chat", "a request is empty"),
        ({"messages": [{"role": "wizard", "content": "x"}]}, "chat", "a turn is by 'wizard', who is nobody known"),
        ({"messages": ["x"]}, "chat", "a turn is no object"),
        ({"messages": "x"}, "chat", "it has no turns"),
        ({"messages": [USER, CALL]}, "chat", "it calls tools: import it with `records: tools`"),
        ({"messages": [USER, ASSISTANT]}, "tools", "it has no list of `tools`"),
        ({"prompt": ASKED, "chosen": SAID}, "preference", "it has no answer"),
        ({"prompt": ASKED, "chosen": SAID, "rejected": SAID}, "preference",
         "the chosen and the rejected answer are the same"),
        ({"chosen": [USER, ASSISTANT, USER, ASSISTANT], "rejected": [USER, WORSE]}, "preference",
         "its chosen and its rejected way are not one answer each to the same prompt"),
        ({"instruction": ASKED, "output": SAID, "history": ["x"]}, "chat", "its `history` is no list of pairs"),
        ({"body": "x"}, "text", "it has no `text`"),
    ],
)  # fmt: skip
def test_a_record_that_is_no_row_says_why(record: Any, records: str, why: str) -> None:
    assert read(record, records) == why
