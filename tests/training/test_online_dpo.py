"""Online DPO: answers are sampled, judged by whoever keeps the run, paired, learnt; and again from what came out."""

import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from app.trainings.run import MessageEvent
from tests.training.running import ended, spec, started
from workers.training import rounds
from workers.training.online_dpo import best_and_worst


def few_capitals(turns: list[dict[str, Any]], answers: list[str]) -> list[float]:
    """The judge: it likes answers of which many characters are lower case."""
    assert turns[-1]["role"] == "user"
    return [sum(c.islower() for c in answer) / max(len(answer), 1) for answer in answers]


def judged(folder: Path, running: "subprocess.Popen[str]") -> int:
    """Judges whatever waits until the run is over: how many rounds."""
    count = 0
    while running.poll() is None:
        waiting = rounds.waiting(folder)
        if waiting:
            rounds.judge(waiting, few_capitals)
            count += 1
        time.sleep(0.05)
    return count


@pytest.mark.slow
def test_two_rounds_with_a_judge_and_what_is_done_is_not_done_again(base: Path, tmp_path: Path) -> None:
    options = {"rounds": 2, "answers": 3, "max_new_tokens": 8, "margin": 0.05, "longest_ratio": 4}
    settings = {"n_epochs": 1, "batch_size": 4}
    folder = tmp_path / "run"
    asked = spec(folder, base, "online_dpo", rows=8, method_options=options, hyperparameters=settings)
    running = started(folder, asked)
    assert judged(folder, running) == 2
    done = ended(folder, running)
    assert done.result.steps == len(done.losses) >= 2
    assert [found.step for found in done.checkpoints][-1] == done.result.steps
    assert "adapter_model.safetensors" in done.result.files
    first = (folder / "rounds/1/train/adapter/adapter_model.safetensors").stat().st_mtime_ns

    again = ended(folder, started(folder, asked))
    assert again.result == done.result
    assert (folder / "rounds/1/train/adapter/adapter_model.safetensors").stat().st_mtime_ns == first
    said = [event.message for event in again.events if isinstance(event, MessageEvent)]
    assert sum("sampled" in text for text in said) == 2


def test_best_and_worst_of_about_the_same_length() -> None:
    answers = ["Right and short.", "Wrong, and short.", "Wrong, and very, very long indeed, for no reason at all."]
    assert best_and_worst(answers, [1.0, 0.2, 0.0], margin=0.1, longest_ratio=1.5) == (answers[0], answers[1])
    assert best_and_worst(answers, [1.0, 0.2, 0.0], margin=0.1, longest_ratio=9) == (answers[0], answers[2])
    assert best_and_worst(answers, [1.0, 0.95, 0.0], margin=0.1, longest_ratio=1.5) is None
    assert best_and_worst(["Same."] * 3, [1.0, 0.0, 0.0], margin=0.1, longest_ratio=1.5) is None
    assert best_and_worst(["", " "], [1.0, 0.0], margin=0.1, longest_ratio=1.5) is None
    assert best_and_worst(answers, [float("nan"), 0.5, 0.5], margin=0.0, longest_ratio=9) is None
