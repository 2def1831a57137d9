"""What a run will take, before it starts: tokens, steps, memory, and a hint of time. Loads no torch.

Tokens and steps are counted on the rows. Memory is what weights, gradients, optimiser and activations need; libraries
and fragmentation add to it. Time is a hint: it assumes a speed of the device, which may be off by a factor of three;
once a run has made some steps, its own pace says more.
"""

import math
from collections.abc import Iterable, Sequence
from pathlib import Path

from app.catalog import METHODS, VARIANTS
from app.catalog.methods.online_dpo import AT_ONCE
from app.catalog.training import Choice
from app.domain import Record
from app.trainings.basemodel import BaseModel
from app.trainings.rows import Chat, Pair, Prompt, Row, rows

MANY_ROWS = 50_000  # above it the rank is 64 unless told otherwise
_SPEED = {"cpu": 4e10, "cuda": 5e13}  # useful operations a second: two cores; one data-centre GPU
_ACTIVATION = 34  # bytes a token, layer and hidden unit in 16 bits (arXiv 2205.05198, without the attention scores)
_OPTIMIZER = {"adamw": 8, "paged_adamw_32bit": 8, "adamw_8bit": 2, "paged_adamw_8bit": 2}  # bytes a trained weight


class Estimate(Record):
    """What a run will take. `tokens` are those of one epoch, `trained_tokens` of all; `memory` is in bytes.

    Of online_dpo it is the most there can be: every prompt gives a pair in every round, every answer is as long as it
    may be, every call of the judge is answered at once.
    """

    rows: int
    rows_cut: int
    longest_row: int
    tokens: int
    trained_tokens: int
    steps: int
    parameters: int
    trained_parameters: int
    memory: int
    seconds: float
    sampled_tokens: int = 0
    judge_calls: int = 0


def estimate(base: BaseModel, choice: Choice, files: Sequence[str], device: str = "cpu") -> Estimate:
    """Counts every row of `files`. Raises BadRow at the first that cannot be read."""
    shapes = METHODS[choice.method].rows
    found = (row for file in files for row in rows(Path(file), shapes))
    return from_lengths(base, choice, list(base.lengths(_each(choice, found))), device)


def _each(choice: Choice, found: Iterable[Row]) -> Iterable[Row]:
    """KTO reads a pair as two rows, online DPO the prompts alone."""
    for row in found:
        if choice.method == "online_dpo" and isinstance(row, Chat | Pair):
            yield Prompt(row.turns[:-1] if isinstance(row, Chat) else row.prompt, row.tools)
            continue
        yield row
        if choice.method == "kto" and type(row).__name__ == "Pair":
            yield row


def from_lengths(base: BaseModel, choice: Choice, lengths: list[int], device: str = "cpu") -> Estimate:
    """The same for rows of these lengths in tokens."""
    settings, longest = choice.hyperparameters, choice.hyperparameters.max_length
    rounds, sampled, judged = _sampled(choice, len(lengths))
    if choice.method == "online_dpo":
        lengths = [length + choice.method_options.max_new_tokens for length in lengths]
    cut = lengths if choice.method == "pretrain" else [min(length, longest) for length in lengths]
    tokens = sum(cut)
    pieces = _pieces(choice, cut)
    each = max(
        math.ceil(math.ceil(pieces / settings.micro_batch_size) * settings.micro_batch_size / settings.batch_size), 1
    )
    steps = math.ceil(settings.n_epochs * each)
    steps = rounds * min(steps, settings.max_steps or steps)
    sides = 2 if choice.method in ("dpo", "orpo", "reward", "online_dpo") else 1
    trained = round(tokens * sides * steps / each)
    learnt = _trained(base, choice, len(lengths))
    return Estimate(
        rows=len(lengths),
        rows_cut=0 if choice.method == "pretrain" else sum(length > longest for length in lengths),
        longest_row=max(lengths),
        tokens=tokens * sides,
        trained_tokens=trained,
        steps=steps,
        parameters=base.parameters,
        trained_parameters=learnt,
        memory=_memory(base, choice, learnt, min(max(cut), longest) * sides, device),
        seconds=(_operations(base, choice) * trained + 2 * base.parameters * sampled) / _SPEED[device],
        sampled_tokens=sampled,
        judge_calls=judged,
    )


def _sampled(choice: Choice, prompts: int) -> tuple[int, int, int]:
    """Rounds, tokens that are sampled in all of them, and calls of the judge."""
    if choice.method != "online_dpo":
        return 1, 0, 0
    options = choice.method_options
    calls = 0 if options.reward_model else options.rounds * prompts * math.ceil(options.answers / AT_ONCE)
    tokens = options.rounds * prompts * options.answers * options.max_new_tokens
    return options.rounds, tokens, min(calls, options.most_judge_calls or calls)


def _pieces(choice: Choice, cut: list[int]) -> int:
    """Sequences an epoch: rows, or packs of them (best-fit packing leaves a few percent of a sequence empty)."""
    longest = choice.hyperparameters.max_length
    if choice.hyperparameters.packing and choice.method in ("sft", "pretrain"):
        return max(math.ceil(sum(cut) / longest), 1)
    return sum(math.ceil(length / longest) for length in cut)


def _trained(base: BaseModel, choice: Choice, count: int) -> int:
    if not VARIANTS[choice.variant].adapter:
        return base.parameters
    options = choice.variant_options
    if choice.variant == "vera":
        return sum(options.r + shape[0] for shape in base.linear)
    rank = options.r or (64 if count > MANY_ROWS else 16)
    rank = (options.initial_r or math.ceil(1.5 * rank)) if choice.variant == "adalora" else rank
    return sum(rank * (shape[0] + shape[1]) for shape in base.linear)


def _memory(base: BaseModel, choice: Choice, learnt: int, tokens: int, device: str) -> int:
    settings = choice.hyperparameters
    half = settings.precision == "bf16" or (settings.precision == "auto" and device == "cuda")
    wide = 2 if half else 4
    kept = {"qlora": "nf4", "int8": "int8"}.get(choice.variant, getattr(choice.variant_options, "base", "none"))
    linear = sum(math.prod(shape) for shape in base.linear)
    if VARIANTS[choice.variant].adapter:
        each = {"none": float(wide), "nf4": 0.53, "int8": 1.01}[kept]
        weights = (base.parameters - linear) * wide + linear * each + learnt * 4
    else:
        weights = base.parameters * 4.0
    state = learnt * (4 + _OPTIMIZER[settings.optimizer])
    hidden, layers = int(base.config.get("hidden_size", 0)), int(base.config.get("num_hidden_layers", 0))
    a_layer = _ACTIVATION * hidden * wide / 2
    stored = layers * hidden * wide + a_layer if settings.gradient_checkpointing else layers * a_layer
    head = 2 * 4 * int(base.config.get("vocab_size", 0))
    at_once = settings.micro_batch_size * tokens
    reference = base.parameters * wide if choice.method in ("dpo", "kto") and learnt == base.parameters else 0
    return round(weights + state + at_once * (stored + head) + reference)


def _operations(base: BaseModel, choice: Choice) -> float:
    """A token's: 2 a weight forwards, 2 back through the frozen ones and 4 through those that train."""
    back = 2 if VARIANTS[choice.variant].adapter else 4
    again = 2 if choice.hyperparameters.gradient_checkpointing else 0
    reference = 2 if choice.method in ("dpo", "kto", "online_dpo") else 0
    return float(base.parameters * (2 + back + again + reference))
