"""The labels: the assistant's words and its end of turn carry loss, nothing else does, whatever the template."""

from typing import Any

import pytest

from app.trainings.rows import Chat, Turn
from tests.training import tiny
from workers.training.template import NO_LOSS, render, template_sha256, tokens

TURNS: list[Turn] = [
    {"role": "system", "content": "Be short."},
    {"role": "user", "content": "Where is Zentrol?"},
    {"role": "assistant", "content": "In Orlin — «Орлин»."},
    {"role": "user", "content": "assistant\nIn Orlin?"},
    {"role": "assistant", "content": "Yes."},
]
LEARNT = [False, False, True, False, True]
FORGETFUL = (  # as thinking models do: earlier answers are shown without their marks
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n"
    "{{ m['content'] if loop.last or m['role'] != 'assistant' else m['content'][:-1] }}<|im_end|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def learnt(tokenizer: Any, row: Chat) -> str:
    found = tokens(tokenizer, row)
    assert all(label in (NO_LOSS, token) for label, token in zip(found.labels, found.input_ids, strict=True))
    return str(tokenizer.decode([label for label in found.labels if label != NO_LOSS]))


@pytest.mark.parametrize("template", [tiny.CHATML, tiny.MARKED], ids=["plain", "with generation markers"])
def test_only_the_assistants_words_carry_loss(template: str) -> None:
    tokenizer = tiny.tokenizer(template)
    assert learnt(tokenizer, Chat(TURNS, LEARNT)) == "In Orlin — «Орлин».<|im_end|>Yes.<|im_end|>"
    assert learnt(tokenizer, Chat(TURNS, [False] * 4 + [True])) == "Yes.<|im_end|>"


def test_the_tokens_are_those_a_server_sends() -> None:
    tokenizer = tiny.tokenizer()
    served = tokenizer.apply_chat_template(TURNS, tokenize=True, return_dict=False)
    assert tokens(tokenizer, Chat(TURNS, LEARNT)).input_ids == served


def test_markers_change_nothing_but_the_hash_of_the_template() -> None:
    plain, marked = tiny.tokenizer(), tiny.tokenizer(tiny.MARKED)
    assert render(plain, TURNS, None) == render(marked, TURNS, None)
    assert tokens(plain, Chat(TURNS, LEARNT)) == tokens(marked, Chat(TURNS, LEARNT))
    assert template_sha256(plain) == template_sha256(tiny.tokenizer()) != template_sha256(marked)


def test_answers_that_the_template_rewrites_later_carry_no_loss_and_it_is_said() -> None:
    tokenizer = tiny.tokenizer(FORGETFUL)
    row = Chat(TURNS, LEARNT)
    assert learnt(tokenizer, row) == "Yes.<|im_end|>"
    assert tokens(tokenizer, row).partly
