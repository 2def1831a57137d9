"""Raw replies: what is taken, what is asked again, what can never reach the database."""

from typing import Any

import orjson
import pytest

from app.llm import parse
from app.replies import Answer, Questions, Verdicts
from app.replies.text import Labelled
from app.replies.thoughts import ThoughtfulAnswer


def completion(content: Any, finish: str = "stop") -> Any:
    return {"choices": [{"message": {"content": content}, "finish_reason": finish}]}


def test_a_reply_that_ran_into_its_limit_is_never_success() -> None:
    with pytest.raises(parse.BadReply, match="truncated"):
        parse.content(completion('{"answer": "whole", "quote": "q"}', "length"))


@pytest.mark.parametrize(
    "body", [None, {}, {"choices": []}, [], "text", completion(""), completion(None), completion("  ")]
)
def test_a_body_that_is_no_completion_is_a_parse_error(body: Any) -> None:
    with pytest.raises(parse.BadReply, match="parse_error"):
        parse.content(body)


def test_almost_json_is_repaired() -> None:
    found = parse.reply('```json\n{"quote": "q", "answer": "yes",}\n```', Answer, None)
    assert found == Answer(quote="q", answer="yes")


@pytest.mark.parametrize("text", ['{"quote": "q", "answer": "def f():\\n    return', '{"quote": "q", "answer": "a \\"'])
def test_a_reply_that_breaks_off_within_a_text_is_not_taken_for_whole(text: str) -> None:
    with pytest.raises(parse.BadReply, match="breaks off"):
        parse.reply(text, Answer, None)


def test_a_text_that_was_closed_at_its_longest_is_truncated() -> None:
    """Servers that keep to a schema close a string at `maxLength`, wherever that is."""
    whole = "It leaves at noon. " * 40
    for answer, cut in ((whole[:600], True), (whole[:598] + "n.", False), (whole[:590], False)):
        reply = orjson.dumps({"quote": "q" * 400, "answer": answer}).decode()
        if cut:
            with pytest.raises(parse.BadReply, match="truncated: answer"):
                parse.reply(reply, Answer, None)
        else:
            assert parse.reply(reply, Answer, None)
    with pytest.raises(parse.BadReply, match="truncated: thought"):
        step = {"quote": "", "thought": ("word " * 101)[:500]}
        parse.reply(orjson.dumps({"steps": [step], "answer": "Yes."}).decode(), ThoughtfulAnswer, None)


def test_a_label_as_long_as_it_may_be_is_whole() -> None:
    assert parse.reply(orjson.dumps({"labels": ["x" * 60], "reason": "r"}).decode(), Labelled, None)


def test_a_quotation_mark_too_many_is_repaired() -> None:
    found = parse.reply('{"quote": "a 5" pipe", "answer": "yes"}', Answer, None)
    assert isinstance(found, Answer) and found.answer == "yes"


def test_fewer_items_than_were_asked_for_are_a_bad_reply() -> None:
    with pytest.raises(parse.BadReply, match="fewer than 3"):
        parse.reply('{"questions": ["one?", "two?"]}', Questions, 3)


@pytest.mark.parametrize("grade", [0, 6, "high", None, 3.5])
def test_grades_outside_one_to_five_are_a_bad_reply(grade: object) -> None:
    verdict = {"own_answer": "a", "reason": "r", "faithfulness": grade, "answerability": 5, "usefulness": 5}
    with pytest.raises(parse.BadReply):
        parse.reply(orjson.dumps(verdict).decode(), Verdicts, None)


def test_nul_and_lone_surrogates_are_gone() -> None:
    found = parse.reply('{"quote": "a\\u0000b", "answer": "c\\ud800d"}', Answer, None)
    assert isinstance(found, Answer)
    assert (found.quote, found.answer) == ("ab", "cd")


def test_a_reply_nested_too_deeply_is_a_bad_reply() -> None:
    with pytest.raises(parse.BadReply):
        parse.reply('{"answer":' * 50_000, Answer, None)


def test_usage_is_read_where_it_is_given() -> None:
    body = {"usage": {"prompt_tokens": 9, "completion_tokens": 3, "prompt_tokens_details": {"cached_tokens": 5}}}
    assert parse.usage(body) == parse.Usage(9, 5, 3)
    assert parse.usage({"usage": None}) == parse.Usage()
