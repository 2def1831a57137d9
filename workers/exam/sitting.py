"""The exam itself, on torch: loads the base model once, has it and every adapter on it answer, and writes down what.

Models are measured as they will be served: the base in its own precision (float32 on a CPU), the adapter beside it and
not merged, also where training had quantised the base. Nothing is trained here, so nothing can be spoilt by it.
"""

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from app.catalog.training import Rows
from app.exams.records import Answers, Candidate, ExamQuestion, ExamSpec, Sat
from app.trainings.rows import Chat, Text, Turn, rows
from workers.exam.general import GeneralQuestion, some
from workers.training.template import NO_LOSS, encode, render, tokens

LEARNT: frozenset[Rows] = frozenset({"chat", "text"})


def sit(spec: ExamSpec) -> Sat:
    """All candidates' answers. Raises OSError or ValueError where a model cannot be loaded."""
    device = _device(spec)
    dtype = torch.bfloat16 if device == "cuda" and torch.cuda.is_bf16_supported() else torch.float32
    tokenizer = AutoTokenizer.from_pretrained(spec.base_model, local_files_only=True, padding_side="left")
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    answers = []
    with torch.inference_mode():
        for candidate, model in _models(spec, device, dtype):
            answers.append(_answers(spec, candidate, model, tokenizer))
    return Sat(answers=tuple(answers), device=device, precision=str(dtype).removeprefix("torch."))


def _device(spec: ExamSpec) -> str:
    if spec.device != "auto":
        return spec.device
    return "cuda" if torch.cuda.is_available() else "cpu"


def _models(spec: ExamSpec, device: str, dtype: Any) -> Iterator[tuple[Candidate, Any]]:
    """Each candidate's model, ready to be run; one set of base weights serves all adapters."""
    base = adapted = None
    for candidate in spec.candidates:
        if candidate.adapter and not (Path(candidate.adapter) / "adapter_config.json").exists():
            yield candidate, _load(candidate.adapter, device, dtype)  # whole weights
            continue
        base = base or _load(spec.base_model, device, dtype)
        if candidate.adapter is None:
            with adapted.disable_adapter() if adapted else contextlib.nullcontext():
                yield candidate, adapted or base
            continue
        if adapted is None:
            from peft import PeftModel

            adapted = PeftModel.from_pretrained(base, candidate.adapter, adapter_name=candidate.name)
        else:
            adapted.load_adapter(candidate.adapter, adapter_name=candidate.name)
        adapted.set_adapter(candidate.name)
        yield candidate, adapted.eval()


def _load(folder: str, device: str, dtype: Any) -> Any:
    return AutoModelForCausalLM.from_pretrained(folder, local_files_only=True, dtype=dtype).to(device).eval()


def _answers(spec: ExamSpec, candidate: Candidate, model: Any, tokenizer: Any) -> Answers:
    loss, counted = _held_out(spec, model, tokenizer)
    return Answers(
        candidate=candidate.name,
        texts=tuple(_texts(spec, model, tokenizer)),
        general=tuple(chosen(model, tokenizer, question) for question in some(spec.general)) if spec.general else (),
        loss=loss,
        tokens=counted,
    )


def asked(question: ExamQuestion) -> list[Turn]:
    """The turns that a model is shown: closed-book, without the document."""
    system = [{"role": "system", "content": question.system}] if question.system else []
    return [*system, {"role": "user", "content": question.question}]


def _texts(spec: ExamSpec, model: Any, tokenizer: Any) -> Iterator[str]:
    """Greedy answers, in the order of the questions; questions of like length go together."""
    prompts = [encode(tokenizer, render(tokenizer, asked(question), None, ask=True)) for question in spec.questions]
    order = sorted(range(len(prompts)), key=lambda at: -len(prompts[at]))
    found: dict[int, str] = {}
    for start in range(0, len(order), spec.batch_size):
        places = order[start : start + spec.batch_size]
        texts = generate(model, tokenizer, [prompts[at] for at in places], spec.max_new_tokens)
        for at, made in zip(places, texts, strict=True):
            found[at] = tokenizer.decode(made, skip_special_tokens=True).strip()
    return iter(found[at] for at in range(len(prompts)))


def generate(model: Any, tokenizer: Any, prompts: Sequence[Sequence[int]], most: int) -> list[list[int]]:
    """Greedy continuations of at most `most` tokens, as token ids without padding."""
    longest = max(map(len, prompts))
    pad = tokenizer.pad_token_id
    ids = torch.tensor([[pad] * (longest - len(prompt)) + list(prompt) for prompt in prompts], device=model.device)
    mask = torch.tensor([[0] * (longest - len(prompt)) + [1] * len(prompt) for prompt in prompts], device=model.device)
    ends = _ends(model, tokenizer)
    made = model.generate(
        input_ids=ids,
        attention_mask=mask,
        max_new_tokens=most,
        do_sample=False,
        temperature=None,
        top_p=None,
        top_k=None,
        pad_token_id=pad,
        eos_token_id=ends,
    )
    return [_until(row, set(ends)) for row in made[:, longest:].tolist()]


def _ends(model: Any, tokenizer: Any) -> list[int]:
    """Tokens that end an answer: the tokenizer's, and those of the model's generation settings."""
    known = model.generation_config.eos_token_id
    more = known if isinstance(known, list) else [known]
    return sorted({token for token in (tokenizer.eos_token_id, *more) if token is not None})


def _until(row: list[int], ends: set[int]) -> list[int]:
    place = next((at for at, token in enumerate(row) if token in ends), len(row))
    return row[:place]


def chosen(model: Any, tokenizer: Any, question: GeneralQuestion) -> bool:
    """Whether the right option has the highest log-likelihood a token, as an answer in the model's chat format."""
    turns: list[Turn] = [{"role": "user", "content": question.question}]
    losses = []
    for option in question.options:
        row = Chat([*turns, {"role": "assistant", "content": option}], [False, True])
        coded = tokens(tokenizer, row)
        total, counted = _loss(model, coded.input_ids, coded.labels)
        losses.append(total / max(1, counted))
    return losses.index(min(losses)) == question.right


def _held_out(spec: ExamSpec, model: Any, tokenizer: Any) -> tuple[float | None, int]:
    """Mean loss a token over the held-out rows' own tokens (of chat rows the assistant's)."""
    total, counted = 0.0, 0
    for file in spec.held_out:
        for row in rows(Path(file), LEARNT):
            if isinstance(row, Text):
                ids = encode(tokenizer, row.text)
                labels = list(ids)
            else:
                assert isinstance(row, Chat)
                coded = tokens(tokenizer, row)
                ids, labels = coded.input_ids, coded.labels
            some_loss, some_tokens = _loss(model, ids[: spec.max_length], labels[: spec.max_length])
            total, counted = total + some_loss, counted + some_tokens
    return (total / counted, counted) if counted else (None, 0)


def _loss(model: Any, ids: list[int], labels: list[int]) -> tuple[float, int]:
    """The sum of -log p over the labelled tokens, in float32, and how many those are."""
    if len(ids) < 2:
        return 0.0, 0
    logits = model(input_ids=torch.tensor([ids], device=model.device), use_cache=False).logits[0, :-1].float()
    wanted = torch.tensor(labels[1:], device=model.device)
    counted = int((wanted != NO_LOSS).sum())
    total = torch.nn.functional.cross_entropy(logits, wanted, ignore_index=NO_LOSS, reduction="sum")
    return float(total), counted
