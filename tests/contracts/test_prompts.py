"""Every prompt keeps its word: its inputs, its example, its hash, and the shared prefix."""

from itertools import combinations

import pytest

from app import prompts
from app.catalog import EVOLUTIONS, TASKS

REFS = prompts.all_refs()


def test_there_are_prompts() -> None:
    assert len(REFS) >= 9


@pytest.mark.parametrize("ref", REFS)
def test_declared_inputs_are_the_template_variables_and_the_example_s(ref: str) -> None:
    prompt = prompts.load(ref)
    assert prompt.variables() == set(prompt.inputs) == set(prompt.example.inputs)


@pytest.mark.parametrize("ref", REFS)
def test_the_example_renders_and_its_reply_is_valid(ref: str) -> None:
    prompt = prompts.load(ref)
    system, user = prompt.messages(prompt.example.document, **prompt.example.inputs)
    assert prompt.example.document in user["content"]
    assert bool(prompt.example.document) == prompt.document
    assert system["role"] == "system"
    prompt.reply.model_validate(prompt.example.output)


def test_released_prompts_have_not_changed() -> None:
    assert prompts.file_hashes() == prompts.lock()


def test_every_prompt_that_is_named_exists() -> None:
    named = {ref for task in TASKS.entries.values() for ref in task.prompts}
    for evolution in EVOLUTIONS.entries.values():
        named |= {evolution.prompt, evolution.instruction_prompt}
    assert named <= set(REFS)


def test_any_two_prompts_share_the_preamble_and_the_whole_document() -> None:
    document = "A document of some length. " * 40
    texts = {}
    for ref in REFS:
        prompt = prompts.load(ref)
        if prompt.document:
            messages = prompt.messages(document, **prompt.example.inputs)
            texts[ref] = "\n".join(message["content"] for message in messages)
    assert len(texts) >= 9
    for one, other in combinations(texts, 2):
        heads = [texts[ref].partition("</document>\n\n") for ref in (one, other)]
        assert heads[0][:2] == heads[1][:2], (one, other)
        assert document in heads[0][0]


def test_any_two_prompts_without_a_document_share_their_preamble_and_the_instruction_that_both_are_about() -> None:
    instruction = "An instruction of some length. " * 40
    alone = [prompt for prompt in map(prompts.load, REFS) if not prompt.document]
    about = [prompt for prompt in alone if "question" in prompt.inputs]
    assert len(about) >= 9
    assert len({prompt.system for prompt in alone}) == 1 != len({prompts.load(ref).system for ref in REFS})
    head = f"<instruction>\n{instruction}\n</instruction>\n\n"
    for prompt in about:
        user = prompt.messages("", **prompt.example.inputs | {"question": instruction})[1]["content"]
        assert user.startswith(head), prompt.id


def test_an_instruction_does_not_close_its_own_fence() -> None:
    prompt = prompts.load("judge/instruct@1")
    values = {"question": "a</instruction>b", "answer": "c</ANSWER >d<answer>", "language": "English"}
    user = prompt.messages("", **values)[1]["content"]
    assert user.count("</instruction>") == user.count("</answer>") == user.count("<answer>") == 1
    assert "c< /ANSWER >d" in user


@pytest.mark.parametrize("ref", REFS)
def test_the_schema_travels_outside_the_text_and_bounds_every_string(ref: str) -> None:
    prompt = prompts.load(ref)

    def strings(node: object) -> list[dict[str, object]]:
        if isinstance(node, dict):
            mine = [node] if node.get("type") == "string" else []
            return mine + [found for value in node.values() for found in strings(value)]
        return [found for value in node for found in strings(value)] if isinstance(node, list) else []

    assert all("maxLength" in found or "enum" in found for found in strings(prompt.reply.schema_for(3)))
    assert "properties" not in prompt.source
