"""A conversation as the tokens the served model will see, and which of them carry loss.

The text is always that of the model's own chat template, the one a server renders. Which tokens are the assistant's
comes from the template's `{% generation %}` markers where it has them; where not, from rendering the conversation up
to each answer, with the generation prompt, and past it: what lies between is what the model has to say.
"""

import hashlib
from dataclasses import dataclass
from typing import Any

from app.trainings.rows import Chat, Turn

NO_LOSS = -100


@dataclass(frozen=True, slots=True)
class Tokens:
    """`labels` repeat `input_ids` where there is loss and are -100 elsewhere. `partly`: earlier answers had to be
    left without loss, since the template renders them otherwise once the conversation goes on."""

    input_ids: list[int]
    labels: list[int]
    partly: bool = False


def has_markers(tokenizer: Any) -> bool:
    """Whether the template says itself which part is the assistant's."""
    template = tokenizer.chat_template
    return isinstance(template, str) and "generation %}" in template.replace("endgeneration", "")


def template_sha256(tokenizer: Any) -> str:
    """The hash that must be equal between training and serving."""
    return hashlib.sha256(str(tokenizer.chat_template).encode()).hexdigest()


def render(tokenizer: Any, turns: list[Turn], tools: list[Any] | None, *, ask: bool = False) -> str:
    """The text of `turns`; with `ask` the prompt for the next answer is added, as a server does."""
    return str(tokenizer.apply_chat_template(turns, tools=tools, tokenize=False, add_generation_prompt=ask))


def encode(tokenizer: Any, text: str) -> list[int]:
    """Tokens of rendered text: special tokens stand in it already, none are added."""
    return list(tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"])


def tokens(tokenizer: Any, row: Chat) -> Tokens:
    """The whole conversation, with loss on the answers the row wants learnt and on nothing else."""
    whole = render(tokenizer, row.turns, row.tools)
    coded = tokenizer(whole, add_special_tokens=False, return_offsets_mapping=True, verbose=False)
    spans, partly = _spans(tokenizer, row, whole)
    labels = [
        token if end > start and any(a <= start and end <= b for a, b in spans) else NO_LOSS
        for token, (start, end) in zip(coded["input_ids"], coded["offset_mapping"], strict=True)
    ]
    return Tokens(list(coded["input_ids"]), labels, partly)


def _spans(tokenizer: Any, row: Chat, whole: str) -> tuple[list[tuple[int, int]], bool]:
    """Where in the text the learnt answers stand, and whether some could not be found."""
    if has_markers(tokenizer):
        marked = _marked(tokenizer, row)
        wanted = [learnt for turn, learnt in zip(row.turns, row.learnt, strict=True) if turn["role"] == "assistant"]
        if len(marked) == len(wanted):
            return [span for span, learnt in zip(marked, wanted, strict=True) if learnt], False
    found = [_span(tokenizer, row, whole, i) for i, learnt in enumerate(row.learnt) if learnt]
    spans = [span for span in found if span]
    return spans, len(spans) < len(found)


def _marked(tokenizer: Any, row: Chat) -> list[tuple[int, int]]:
    from transformers.utils.chat_template_utils import render_jinja_template

    _, spans = render_jinja_template(
        [row.turns],
        tools=row.tools,
        chat_template=tokenizer.chat_template,
        return_assistant_tokens_mask=True,
        **tokenizer.special_tokens_map,
    )
    return [(start, end) for start, end in spans[0]]


def _span(tokenizer: Any, row: Chat, whole: str, turn: int) -> tuple[int, int] | None:
    """The text of one answer, its end of turn included: from what a server would send up to where it is over."""
    before = render(tokenizer, row.turns[:turn], row.tools, ask=True) if turn else ""
    past = whole if turn == len(row.turns) - 1 else render(tokenizer, row.turns[: turn + 1], row.tools)
    start, known = _common(before, past), render(tokenizer, row.turns[:turn], row.tools) if turn else ""
    if not whole.startswith(past) or not past.startswith(known) or start < len(known):
        return None  # this template rewrites earlier turns once the conversation goes on
    return start, len(past.rstrip("\n"))


def _common(a: str, b: str) -> int:
    """Characters both begin with. A prompt is nearly always the whole of it; thinking templates add to theirs."""
    if b.startswith(a):
        return len(a)
    return next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
