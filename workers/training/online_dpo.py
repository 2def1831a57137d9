"""Online iterative DPO (RLHF Workflow, arXiv 2405.07863): sample, judge, pair, train, begin again from what came out.

Every part is a process of its own, so that a quantised model is never sampled from and then trained (guard.py), and
every part leaves a whole file in `rounds/N/`: a run that is killed does again only the part it was in.

    prompts -> answers.jsonl (sample.py) -> scores.jsonl (a reward model, or whoever keeps the run) -> pairs.jsonl
    -> train/ (a run of method dpo, with its own checkpoints)
"""

import math
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

import orjson

from app.trainings.rows import Chat, Pair, Prompt, Turn
from app.trainings.run import CheckpointEvent, Failure, Result, RunSpec, StepEvent, Stopped
from workers.training import control, data
from workers.training.events import follow
from workers.training.files import files_below, flush, sha256, sync_folder, write_whole
from workers.training.rounds import ANSWERS, PAIRS, ROUNDS, SCORES
from workers.training.run import Run, RunFailed

_TICK = 0.2


class _Asked(Exception):
    """The run was asked to stop."""

    def __init__(self, how: Literal["paused", "cancelled"]) -> None:
        super().__init__(how)
        self.how = how


def work(run: Run) -> Result | Stopped:
    """All rounds. Raises RunFailed; a round in which no pair is left ends the run with what it has."""
    adapter, done = run.spec.adapter, 0
    ended: Result | None = None
    tokens = 0
    try:
        for number in range(1, run.choice.method_options.rounds + 1):
            folder = run.folder / ROUNDS / str(number)
            folder.mkdir(parents=True, exist_ok=True)
            _sample(run, folder, adapter, number)
            _judge(run, folder)
            if not _pair(run, folder):
                run.journal.warning("no_pairs_left", f"round {number}: no two answers differ by the margin")
                break
            ended = _train(run, folder, adapter, number, (done, tokens))
            adapter, done, tokens = ended.adapter, done + ended.steps, tokens + ended.trained_tokens
    except _Asked as asked:
        return Stopped(type=asked.how, step=done)
    if ended is None:
        raise RunFailed("training_failed", "no pair in the first round: the judge scored all answers alike")
    left = _left(run, Path(ended.adapter))
    return Result(adapter=str(left), files=files_below(left), steps=done, trained_tokens=tokens, metrics=ended.metrics)


def _sample(run: Run, folder: Path, adapter: str | None, number: int) -> None:
    if (folder / ANSWERS).exists():
        return
    run.journal.message(f"round {number}: answers are sampled")
    prompts = [{"turns": turns, "tools": tools} for turns, tools in _prompts(run)]
    write_whole(folder / "prompts.jsonl", _lines(prompts))
    _finish(run, [sys.executable, "-m", "workers.training.sample", str(run.folder), str(folder), adapter or ""])


def _prompts(run: Run) -> Iterator[tuple[list[Turn], Any]]:
    """What the rows ask; their answers are left out."""
    for row in data.of_rows(run, run.spec.train_files):
        if isinstance(row, Pair | Prompt):
            yield row.prompt, row.tools
        elif isinstance(row, Chat):
            yield row.turns[:-1], row.tools


def _judge(run: Run, folder: Path) -> None:
    """A reward model judges here. Without one the run waits until its keeper has written the scores (rounds.py)."""
    if (folder / SCORES).exists():
        return
    model = run.spec.reward_model
    if model:
        _finish(run, [sys.executable, "-m", "workers.training.score", str(run.folder), str(folder), model])
        return
    run.journal.message(f"round {folder.name}: the answers wait for their judge")
    while not (folder / SCORES).exists():
        _hear(run)
        time.sleep(_TICK)


def _pair(run: Run, folder: Path) -> int:
    """Best against worst of each prompt, where they differ by the margin and not too much in length; how many."""
    options = run.choice.method_options
    pairs = []
    answered, scored = _read(folder / ANSWERS), _read(folder / SCORES)
    for one, scores in zip(answered, scored, strict=True):
        found = best_and_worst(one["answers"], scores, options.margin, options.longest_ratio)
        if found:
            pairs.append({"prompt": one["turns"], "chosen": found[0], "rejected": found[1]})
    write_whole(folder / PAIRS, _lines(pairs))
    return len(pairs)


def best_and_worst(
    answers: Sequence[str], scores: Sequence[float | None], margin: float, longest_ratio: float
) -> tuple[str, str] | None:
    """The best answer and the worst one of about its length; None: no such two differ by `margin`. Ties: the first.

    Answers without a score (None, not a number) are left out.
    """
    known = [(s, a) for s, a in zip(scores, answers, strict=True) if a.strip() and s is not None and math.isfinite(s)]
    if not known:
        return None
    top, best = max(known, key=lambda one: one[0])
    near = [(s, a) for s, a in known if max(len(a), len(best)) <= longest_ratio * min(len(a), len(best)) and a != best]
    if not near:
        return None
    low, worst = min(near, key=lambda one: one[0])
    return (best, worst) if top - low >= max(margin, 1e-9) else None


def _train(run: Run, folder: Path, adapter: str | None, number: int, before: tuple[int, int]) -> Result:
    """A run of dpo over the round's pairs, in its own child; its steps are told as ours, after those `before`."""
    train = folder / "train"
    there = control.outcome(train)
    if isinstance(there, Result):
        return there
    run.journal.message(f"round {number}: trains on {len(_read(folder / PAIRS))} pairs")
    control.prepare(train, _dpo(run, folder, adapter))
    offset = 0  # what was told before a kill may not have come through, and a step takes the place of itself
    child = subprocess.Popen(control.command(train), stdout=subprocess.DEVNULL)
    while child.poll() is None:
        offset = _tell(run, train, offset, before)
        time.sleep(_TICK)
        asked = control.asked(run.folder)
        if asked and control.asked(train) is None and asked.wish != "checkpoint":
            control.ask(train, asked.wish)
    _tell(run, train, offset, before)
    ended = control.outcome(train)
    if isinstance(ended, Stopped):
        raise _Asked(ended.type)
    if not isinstance(ended, Result):
        failure = ended or Failure(code="killed", message="the child of a round ended without a word")
        raise RunFailed(failure.code, f"round {number}: {failure.message}", param=failure.param)
    digest = sha256(Path(ended.adapter) / "adapter_config.json")
    run.journal.say(
        CheckpointEvent(
            at=time.time(), step=before[0] + ended.steps, folder=ended.adapter, sha256=digest, metrics=ended.metrics
        )
    )
    return ended


def _dpo(run: Run, folder: Path, adapter: str | None) -> RunSpec:
    # The reference stays the model before all rounds, as in the paper, where that is the base itself.
    reference = "base" if run.spec.adapter is None else "start"
    options = {"beta": run.choice.method_options.beta, "reference": reference}
    changed = {"method": "dpo", "method_options": options, "train_files": (str(folder / PAIRS),), "adapter": adapter}
    return run.spec.model_copy(update={**changed, "hyperparameters": run.hyperparameters.model_dump()})


def _tell(run: Run, train: Path, offset: int, before: tuple[int, int]) -> int:
    steps, tokens = before
    events, offset = follow(train, offset)
    for event in events:
        if isinstance(event, StepEvent):
            after = {"step": steps + event.step, "steps": steps + event.steps, "tokens": tokens + event.tokens}
            run.journal.say(event.model_copy(update=after))
    return offset


def _finish(run: Run, command: list[str]) -> None:
    """Runs a part to its end. Raises RunFailed with its last words, _Asked when the run is to stop."""
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        while True:
            try:
                _, words = child.communicate(timeout=_TICK)
                break
            except subprocess.TimeoutExpired:
                _hear(run)
    finally:
        child.kill()
        child.wait()
    if child.returncode:
        raise RunFailed("training_failed", f"{command[2]}: {words.strip()[-500:]}")


def _hear(run: Run) -> None:
    asked = control.asked(run.folder)
    if asked and asked.wish != "checkpoint":
        raise _Asked("paused" if asked.wish == "pause" else "cancelled")


def _left(run: Run, adapter: Path) -> Path:
    target = run.folder / control.ADAPTER
    partial = target.with_name(f".{control.ADAPTER}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    shutil.copytree(adapter, partial)
    flush(partial)
    shutil.rmtree(target, ignore_errors=True)
    partial.rename(target)
    sync_folder(run.folder)
    return target


def _read(path: Path) -> list[Any]:
    return [orjson.loads(line) for line in path.read_bytes().splitlines()]


def _lines(rows: Sequence[Any]) -> bytes:
    return b"".join(orjson.dumps(row) + b"\n" for row in rows)
