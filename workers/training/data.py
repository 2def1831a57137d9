"""Rows as `datasets` for the trainers. Chat and text become tokens and labels here; pairs are rendered by TRL.

Loss is on the assistant's tokens only: the labels of all others are -100 (template.py).
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, cast

import orjson
from datasets import Dataset, Features, Json, List, Value, concatenate_datasets
from trl import pack_dataset

from app.catalog import METHODS
from app.trainings.rows import Chat, Labelled, Pair, Row, Text, Turn, rows
from workers.training.run import Run, RunFailed
from workers.training.template import NO_LOSS, encode, render, tokens

_TOKENS = Features({"input_ids": List(Value("int32")), "labels": List(Value("int32"))})
_TURNS = List(Json())
_PAIRS = Features({"prompt": _TURNS, "chosen": _TURNS, "rejected": _TURNS, "tools": Value("string")})
_LABELLED = Features({"prompt": _TURNS, "completion": _TURNS, "label": Value("bool"), "tools": Value("string")})


@dataclass(slots=True)
class Lengths:
    """What was met while rows became tokens."""

    rows: int = 0
    cut: int = 0
    lost: int = 0  # nothing of the answer was left after the cut
    partly: int = 0  # earlier answers without loss


def of_rows(run: Run, files: Sequence[str]) -> Iterator[Row]:
    """All rows of these files, in order. They were checked before (child.py)."""
    for file in files:
        yield from rows(Path(file), METHODS[run.choice.method].rows)


def chat(run: Run, tokenizer: Any, files: Sequence[str]) -> Dataset:
    """`input_ids` and `labels` of every conversation, cut at max_length, packed if asked for."""
    met = Lengths()

    def encoded() -> Iterator[dict[str, list[int]]]:
        for row in of_rows(run, files):
            found = tokens(tokenizer, cast(Chat, row))
            met.rows, met.partly = met.rows + 1, met.partly + found.partly
            kept = _cut(found.input_ids, found.labels, run.hyperparameters.max_length, met)
            if kept:
                yield kept

    return _finished(run, _dataset(encoded, _TOKENS), met)


def text(run: Run, tokenizer: Any, files: Sequence[str]) -> Dataset:
    """`input_ids` and `labels` of every document and its end; a long one becomes several pieces, nothing is lost."""
    met, longest = Lengths(), run.hyperparameters.max_length

    def encoded() -> Iterator[dict[str, list[int]]]:
        for row in of_rows(run, files):
            met.rows += 1
            whole = [*encode(tokenizer, cast(Text, row).text), tokenizer.eos_token_id]
            for start in range(0, len(whole), longest):
                piece = whole[start : start + longest]
                if len(piece) > 1:  # a single token has nothing to learn from
                    yield {"input_ids": piece, "labels": piece}

    return _finished(run, _dataset(encoded, _TOKENS), met)


def pairs(run: Run, files: Sequence[str]) -> Dataset:
    """`prompt`, `chosen`, `rejected` as turns, and `tools` as JSON."""

    def each() -> Iterator[dict[str, Any]]:
        for row in of_rows(run, files):
            pair = cast(Pair, row)
            turns = {"prompt": pair.prompt, "chosen": pair.chosen, "rejected": pair.rejected}
            yield {**turns, "tools": _json(pair.tools)}

    return _without_empty_tools(_dataset(each, _PAIRS))


def rendered_pairs(run: Run, tokenizer: Any, files: Sequence[str]) -> Dataset:
    """`prompt`, `chosen` and `rejected` as text, for a trainer that reads no turns."""

    def each() -> Iterator[dict[str, Any]]:
        for row in of_rows(run, files):
            pair = cast(Pair, row)
            asked = render(tokenizer, pair.prompt, pair.tools, ask=True)
            ways = (render(tokenizer, pair.prompt + way, pair.tools) for way in (pair.chosen, pair.rejected))
            chosen, rejected = (whole.removeprefix(asked).removesuffix("\n") for whole in ways)
            yield {"prompt": asked, "chosen": chosen, "rejected": rejected}

    return _dataset(each, Features(dict.fromkeys(("prompt", "chosen", "rejected"), Value("string"))))


def labelled(run: Run, files: Sequence[str]) -> Dataset:
    """`prompt`, `completion`, `label`; a pair becomes a good and a bad row."""

    def each() -> Iterator[dict[str, Any]]:
        for row in of_rows(run, files):
            for prompt, completion, good, tools in _as_labelled(row):
                yield {"prompt": prompt, "completion": completion, "label": good, "tools": _json(tools)}

    return _without_empty_tools(_dataset(each, _LABELLED))


def sequences(run: Run, tokenizer: Any, count: int) -> Iterator[list[int]]:
    """The tokens of the first rows, whatever their shape; of a pair its chosen side."""
    for row in islice(of_rows(run, run.spec.train_files), count):
        if isinstance(row, Text):
            yield encode(tokenizer, row.text)
            continue
        turns = row.turns if isinstance(row, Chat) else _as_labelled(row)[0][0] + _as_labelled(row)[0][1]
        yield encode(tokenizer, render(tokenizer, turns, row.tools))


def _as_labelled(row: Row) -> list[tuple[list[Turn], list[Turn], bool, list[Any] | None]]:
    if isinstance(row, Labelled):
        return [(row.prompt, row.completion, row.good, row.tools)]
    pair = cast(Pair, row)
    return [(pair.prompt, pair.chosen, True, pair.tools), (pair.prompt, pair.rejected, False, pair.tools)]


def _json(tools: list[Any] | None) -> str | None:
    return orjson.dumps(tools).decode() if tools else None


def _without_empty_tools(dataset: Dataset) -> Dataset:
    return dataset if any(dataset["tools"]) else dataset.remove_columns("tools")


def _cut(ids: list[int], labels: list[int], longest: int, met: Lengths) -> dict[str, list[int]] | None:
    """The first `longest` tokens; None if no loss is left in them."""
    met.cut += len(ids) > longest
    if all(label == NO_LOSS for label in labels[1:longest]):  # the first token is never predicted
        met.lost += 1
        return None
    return {"input_ids": ids[:longest], "labels": labels[:longest]}


def _dataset(each: Callable[[], Iterator[dict[str, Any]]], features: Features) -> Dataset:
    """A batch of rows at a time into Arrow, so that Python never holds all of them."""
    rows = each()
    batches = []
    while batch := list(islice(rows, 1000)):
        batches.append(Dataset.from_list(batch, features=features))
    if not batches:
        raise RunFailed("invalid_training_file", "no row is left to train on: all are longer than max_length")
    return concatenate_datasets(batches)


def _finished(run: Run, dataset: Dataset, met: Lengths) -> Dataset:
    if met.cut:
        lost = f"; {met.lost} lost the whole answer and are left out" if met.lost else ""
        longest = run.hyperparameters.max_length
        run.journal.warning("rows_cut", f"{met.cut} of {met.rows} rows are cut at {longest} tokens{lost}")
    if met.partly:
        text = "this chat template rewrites earlier answers: only the last one carries loss in"
        run.journal.warning("earlier_answers_without_loss", f"{text} {met.partly} of {met.rows} rows")
    if not run.hyperparameters.packing:
        return dataset
    return pack_dataset(dataset, run.hyperparameters.max_length, "bfd")
