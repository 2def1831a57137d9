"""Rows of every shape that can be written are read, and a row that cannot be used is refused with its line."""

import json
from pathlib import Path

import pytest

from app.catalog import FORMATS, METHODS
from app.catalog.training import Rows
from app.domain import Sample
from app.trainings.rows import BadRow, Chat, Labelled, Pair, Prompt, Row, Text, check, row, rows

USER, ANSWER = {"role": "user", "content": "When?"}, {"role": "assistant", "content": "At noon."}
OTHER = {"role": "assistant", "content": "Never."}
EVERYTHING: frozenset[Rows] = frozenset({"chat", "text", "pairs", "labelled", "prompts"})


def read(given: object) -> Row:
    return row(json.dumps(given).encode(), EVERYTHING)


def test_every_chat_shape_is_the_same_conversation() -> None:
    turns = [USER, ANSWER]
    for given in (
        {"messages": turns},
        {"prompt": [USER], "completion": [ANSWER]},
        {"prompt": "When?", "completion": "At noon."},
        {"messages": [{"role": "user", "content": [{"type": "text", "text": "When?"}]}, ANSWER]},
    ):
        assert read(given) == Chat(turns, [False, True])


def test_every_pair_shape_is_the_same_pair() -> None:
    for given in (
        {"prompt": [USER], "chosen": [ANSWER], "rejected": [OTHER]},
        {"prompt": "When?", "chosen": "At noon.", "rejected": "Never."},
        {"chosen": [USER, ANSWER], "rejected": [USER, OTHER], "margin": 2.0},
        {"input": {"messages": [USER]}, "preferred_output": [ANSWER], "non_preferred_output": [OTHER]},
    ):
        assert read(given) == Pair([USER], [ANSWER], [OTHER])


def test_text_and_labelled_answers() -> None:
    assert read({"text": "It was noon."}) == Text("It was noon.")
    assert read({"prompt": [USER], "completion": [ANSWER], "label": False}) == Labelled([USER], [ANSWER], False)


def test_a_prompt_alone_is_read_where_answers_are_sampled() -> None:
    assert read({"prompt": "When?"}) == read({"prompt": [USER]}) == Prompt([USER])
    line = json.dumps({"prompt": "When?"}).encode()
    assert row(line, METHODS["online_dpo"].rows) == Prompt([USER])
    with pytest.raises(ValueError, match="`prompt` alone cannot be used here"):
        row(line, METHODS["sft"].rows)


def test_a_weight_of_zero_takes_the_loss_from_a_turn_and_only_completions_are_learnt() -> None:
    weighted = read({"messages": [USER, {**OTHER, "weight": 0}, USER, {**ANSWER, "weight": 1}]})
    assert weighted == Chat([USER, OTHER, USER, ANSWER], [False, False, False, True])
    assert read({"prompt": [USER, OTHER, USER], "completion": [ANSWER]}) == weighted


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"messages": []}, "not a list of turns"),
        ({"messages": [USER]}, "last turn is not the assistant's"),
        ({"messages": [USER, {"role": "assistant", "content": " "}]}, "nothing to learn"),
        ({"messages": [USER, {"role": "bot", "content": "x"}]}, r"messages\[1\]. has no role"),
        ({"messages": [{"role": "user", "content": [{"type": "image_url"}]}, ANSWER]}, "not text"),
        ({"messages": [USER, {**ANSWER, "weight": 0}]}, "carries loss"),
        ({"prompt": "When?", "chosen": "Noon.", "rejected": "Noon."}, "the same"),
        ({"chosen": [ANSWER], "rejected": [OTHER]}, "do not begin with the same"),
        ({"prompt": "When?", "completion": "Noon.", "label": 1}, "not true or false"),
        ({"text": " "}, "something in it"),
        ({"prompt": [USER, ANSWER]}, "last turn of `prompt` is the assistant's"),
        ({"question": "When?"}, "its fields cannot be used"),
        ([1], "not a JSON object"),
    ],
)
def test_a_row_without_sense_is_refused_with_the_reason(given: object, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        read(given)


def test_the_line_of_the_first_bad_row_is_told_and_blank_lines_count(tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    file.write_text(json.dumps({"messages": [USER, ANSWER]}) + "\n\n{not json\n")
    with pytest.raises(BadRow, match=r"rows\.jsonl, line 3: not JSON") as bad:
        check([file], METHODS["sft"].rows)
    assert bad.value.line == 3
    with pytest.raises(BadRow, match="cannot be used here; wanted: `chosen` and `rejected`"):
        check([file], METHODS["dpo"].rows)
    file.write_text("\n")
    with pytest.raises(BadRow, match="holds no rows"):
        check([file], METHODS["sft"].rows)
    with pytest.raises(BadRow, match="no such file"):
        check([tmp_path / "none.jsonl"], METHODS["sft"].rows)


def test_every_format_that_a_trainer_here_can_read_is_read(tmp_path: Path) -> None:
    sample = Sample(kind="original", question="When?", answer="At noon.", attributes={"rejected": "Never."})
    for name in ("messages", "prompt_completion", "text", "dpo", "dpo_implicit", "openai_preference", "kto", "reward"):
        made = FORMATS[name].render(sample)
        lines = made if isinstance(made, list) else [made]
        file = tmp_path / f"{name}.jsonl"
        file.write_text("".join(json.dumps(line) + "\n" for line in lines))
        assert len(list(rows(file, EVERYTHING))) == len(lines)
