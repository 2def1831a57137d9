"""Uploaded records as instructions, and their places in the file."""

import json

import pytest

from workers import instructions, records
from workers.steps.instruction import LONGEST, Instruction, read


@pytest.mark.parametrize(
    ("record", "text", "answer"),
    [
        ({"instruction": "Sort these.", "input": "b, a", "output": "a, b"}, "Sort these.\n\nb, a", "a, b"),
        ({"instruction": "Назови три фрукта.", "input": "", "output": ""}, "Назови три фрукта.", ""),
        ({"instruction": " Sort. ", "response": "ok", "source": 7}, "Sort.", "ok"),
        ({"conversations": [{"from": "human", "value": "Hi?"}, {"from": "gpt", "value": "Hello."}]}, "Hi?", "Hello."),
        (
            {"conversations": [{"from": "system", "value": "s"}, {"from": "gpt", "value": "Ask!"},
                               {"from": "human", "value": "Why?"}, {"from": "human", "value": "So?"}]},
            "Why?", "",
        ),
        (
            {"messages": [{"role": "system", "content": "s"}, {"role": "user", "content": "Why?"},
                          {"role": "assistant", "content": "Because."}, {"role": "user", "content": "More"}]},
            "Why?", "Because.",
        ),
        (
            {"messages": [{"role": "user", "content": [{"type": "text", "text": "Why?"}, {"type": "image_url"}]}]},
            "Why?", "",
        ),
        ({"prompt": "Why?", "completion": "Because."}, "Why?", "Because."),
        (
            {"prompt": [{"role": "user", "content": "Why?"}],
             "completion": [{"role": "assistant", "content": "So."}]},
            "Why?", "So.",
        ),
        ({"instruction": "a\u0000b\r\nc"}, "ab\nc", ""),
    ],
)  # fmt: skip
def test_the_format_of_a_record_is_told_by_itself(record: object, text: str, answer: str) -> None:
    assert read(record) == Instruction(text, answer)


@pytest.mark.parametrize(
    ("record", "why"),
    [
        ("a string", "no object"),
        ({"question": "Why?"}, "no instruction"),
        ({"instruction": ["a"], "input": "b"}, "no instruction"),
        ({"instruction": "  "}, "no instruction"),
        ({"messages": "Why?"}, "no instruction"),
        ({"messages": [7, {"role": "assistant", "content": "So."}]}, "no instruction"),
        ({"messages": [{"role": ["user"], "content": "Why?"}]}, "no instruction"),
        ({"instruction": "x" * (LONGEST + 1)}, "longer than 4,000"),
    ],
)
def test_a_record_that_is_no_instruction_says_why(record: object, why: str) -> None:
    assert why in str(read(record))


@pytest.mark.parametrize("separator", ["\n", "\r\n", "\n\n"])
def test_lines_are_where_they_say(separator: str) -> None:
    lines = ['{"instruction": "Ä"}', "{bad", '{"instruction": "б"}']
    text = separator.join(lines)
    found = list(records._lines(text))
    assert [text[start : start + len(piece)] for _, start, piece in found] == [piece for _, _, piece in found]
    assert [piece.strip() for _, _, piece in found] == lines
    assert [number for number, _, _ in found] == ([1, 3, 5] if separator == "\n\n" else [1, 2, 3])


def test_elements_of_an_array_are_where_they_say() -> None:
    given = [{"instruction": "a ] , b", "nested": [1, {"x": "]"}]}, "text", 7, {"instruction": "б"}]
    for text in (
        json.dumps(given),
        json.dumps(given, indent=2, ensure_ascii=False),
        f"\ufeff {json.dumps(given)} ",
    ):
        found = list(records._elements(text))
        assert [json.loads(piece) for _, _, piece in found] == given
        assert [text[start : start + len(piece)] for _, start, piece in found] == [piece for _, _, piece in found]
    assert [(number, json.loads(piece)) for number, _, piece in records._elements('{"a": 1}\n')] == [(1, {"a": 1})]
    assert list(records._elements("[]")) == []


@pytest.mark.parametrize(
    ("text", "document", "expected"),
    [
        ("Write a poem about the sea.", "en", "en"),
        ("Schreibe ein Gedicht.", "en", "en"),
        ("Напиши короткое стихотворение о море и о людях, которые там живут.", "en", "ru"),
        ("Write a short poem about the sea and the people who live there.", "ru", "en"),
        ("Напиши стихотворение.", "ru", "ru"),
        ("2 + 2 = ?", "ru", "ru"),
    ],
)
def test_an_instruction_has_its_file_s_language_unless_its_script_is_another(
    text: str, document: str, expected: str
) -> None:
    assert instructions.language_of(text, document) == expected
