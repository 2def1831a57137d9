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
    with pytest.raises(parse.BadReply, match="truncated: thought"):
        step = {"quote": "", "thought": ("It is so. " * 60)[:498] + "it"}
        parse.reply(orjson.dumps({"steps": [step], "answer": "Yes."}).decode(), ThoughtfulAnswer, None)
    with pytest.raises(parse.BadReply, match="truncated: questions"):
        asked = ["Why?", ("When does it leave? " * 20)[:298] + "wh"]
        parse.reply(orjson.dumps({"questions": asked}).decode(), Questions, 2)


@pytest.mark.parametrize(
    ("answer", "kept"),
    [
        (("It leaves at noon. " * 40)[:600], ("It leaves at noon. " * 31).strip()),
        (("Er sagte: „Um zwölf.“ " * 40)[:600], ("Er sagte: „Um zwölf.“ " * 27).strip()),
        ("船は七時に出る。" * 74 + "そして次の船はもう", "船は七時に出る。" * 74),
        ("It leaves at noon. " * 31 + "At 7 p.m. the", ("It leaves at noon. " * 31).strip()),
        (("It leaves at noon. " * 40)[:590], ("It leaves at noon. " * 40)[:590]),
    ],
)
def test_an_answer_that_was_closed_at_its_longest_ends_with_its_last_whole_sentence(answer: str, kept: str) -> None:
    found = parse.reply(orjson.dumps({"quote": "q" * 400, "answer": answer}).decode(), Answer, None)
    assert found.model_dump()["answer"] == kept.strip()


@pytest.mark.parametrize("answer", ["word " * 120, "Short. " + "word " * 119, "```\nx = 1. \n" + "It is so. " * 60])
def test_an_answer_of_which_little_is_whole_is_truncated(answer: str) -> None:
    with pytest.raises(parse.BadReply, match="truncated: answer"):
        parse.reply(orjson.dumps({"quote": "q", "answer": answer[:598] + "it"}).decode(), Answer, None)


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
