"""The reward model as judge: what it learnt to prefer scores higher, and online DPO learns from its scores."""

from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.training import tiny
from tests.training.running import ended, here, spec, started
from workers.training import control, rounds, score

PREFERRED, WORSE = "In Orlin.", "In Orlin!"  # as every pair of the rows has it


def rewarded(folder: Path, base: Path, variant: str = "lora") -> Path:
    """A reward model that was shown which of the two ends is better."""
    asked = spec(folder, base, "reward", variant, hyperparameters={"n_epochs": 6, "learning_rate": 1e-2})
    return Path(here(folder, asked).result.adapter)


def answered(folder: Path, base: Path, lines: list[dict[str, Any]], reward: Path) -> Path:
    """A run that waits with these answers in its first round; the folder of the round."""
    control.prepare(folder, spec(folder, base, "online_dpo", rows=4, reward_model=str(reward)))
    round_ = folder / rounds.ROUNDS / "1"
    round_.mkdir(parents=True)
    (round_ / rounds.ANSWERS).write_bytes(b"".join(orjson.dumps(line) + b"\n" for line in lines))
    return round_


def read(path: Path) -> list[Any]:
    return [orjson.loads(line) for line in path.read_bytes().splitlines()]


@pytest.mark.parametrize("variant", ["lora", "full"])
def test_what_was_preferred_scores_higher_whatever_its_place(base: Path, tmp_path: Path, variant: str) -> None:
    reward = rewarded(tmp_path / "reward", base, variant)
    asked = [[{"role": "user", "content": tiny.question(i)}] for i in range(6)]
    lines = [
        {"turns": turns, "answers": [PREFERRED, WORSE, PREFERRED] if i % 2 else [WORSE, PREFERRED, WORSE]}
        for i, turns in enumerate(asked)
    ]
    round_ = answered(tmp_path / "run", base, lines, reward)
    score.main(tmp_path / "run", round_, reward)
    found = read(round_ / rounds.SCORES)
    assert [len(scores) for scores in found] == [3] * 6
    for i, (first, second, third) in enumerate(found):
        assert first == third, "the same answer to the same question"
        assert (first > second) is bool(i % 2), found
    assert len({scores[0] for scores in found}) > 1, "the question is read, too"


def test_the_tokenizer_and_base_of_the_reward_model_are_those_of_its_folder(base: Path, tmp_path: Path) -> None:
    """It may be a reward model over another base than the one that is trained."""
    other = tiny.model(tmp_path / "other", hidden_size=48, num_attention_heads=3, num_key_value_heads=3)
    reward = rewarded(tmp_path / "reward", other)
    line = {"turns": [{"role": "user", "content": tiny.question(1)}], "answers": [WORSE, PREFERRED]}
    round_ = answered(tmp_path / "run", base, [line], reward)
    score.main(tmp_path / "run", round_, reward)
    ((worse, preferred),) = read(round_ / rounds.SCORES)
    assert preferred > worse


@pytest.mark.slow
def test_online_dpo_pairs_and_learns_by_the_scores_of_the_reward_model(base: Path, tmp_path: Path) -> None:
    reward = rewarded(tmp_path / "reward", base)
    options = {"rounds": 1, "answers": 4, "max_new_tokens": 8, "margin": 0.01, "longest_ratio": 100}
    folder = tmp_path / "run"
    prompts = tiny.written(tmp_path / "prompts.jsonl", [{"prompt": tiny.question(i)} for i in range(6)])
    asked = spec(
        folder, base, "online_dpo", method_options=options, reward_model=str(reward), train_files=(str(prompts),),
        hyperparameters={"n_epochs": 1, "batch_size": 4},
    )  # fmt: skip
    done = ended(folder, started(folder, asked))
    assert done.result.steps >= 1
    assert {"torch", "peft"} <= set(done.result.packages)
    round_ = folder / rounds.ROUNDS / "1"
    scores = {
        (line["turns"][0]["content"], answer): value
        for line, found in zip(read(round_ / rounds.ANSWERS), read(round_ / rounds.SCORES), strict=True)
        for answer, value in zip(line["answers"], found, strict=True)
    }
    pairs = read(round_ / rounds.PAIRS)
    assert pairs
    for pair in pairs:
        question = pair["prompt"][0]["content"]
        assert scores[question, pair["chosen"]] - scores[question, pair["rejected"]] >= 0.01
