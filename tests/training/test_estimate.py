"""Tokens and steps are known before the start, to the token; a base model that does not suit is told of."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from app.trainings.basecheck import check_base
from app.trainings.basemodel import BaseModel, NotAModel
from app.trainings.choice import choose
from app.trainings.estimate import estimate
from app.trainings.rows import rows
from tests.training import tiny
from tests.training.running import QUICK, here, spec


def settled(method: str, variant: str, **hyperparameters: Any) -> Any:
    return choose(method, variant, {}, {}, {**QUICK, **hyperparameters})


def test_the_run_takes_the_tokens_and_steps_that_were_estimated(base: Path, tmp_path: Path) -> None:
    asked = spec(tmp_path / "run", base, rows=21, hyperparameters={"n_epochs": 3})
    expected = estimate(BaseModel(base), settled("sft", "lora", n_epochs=3), asked.train_files)
    done = here(tmp_path / "run", asked)
    assert (expected.steps, expected.trained_tokens) == (done.result.steps, done.result.trained_tokens)
    assert (expected.rows, expected.rows_cut) == (21, 0)

    from tests.training.running import opened
    from workers.training.recipes import recipe

    with opened(tmp_path / "again", asked) as run:
        model = recipe("sft").build(run).model
    assert expected.parameters == sum(p.numel() for n, p in model.named_parameters() if "lora_" not in n)
    assert expected.trained_parameters == sum(p.numel() for p in model.parameters() if p.requires_grad)


def test_of_online_dpo_the_most_is_told_that_it_can_take(base: Path, tmp_path: Path) -> None:
    prompts = [str(tiny.written(tmp_path / "prompts.jsonl", [{"prompt": tiny.question(i)} for i in range(20)]))]
    options = {"rounds": 3, "answers": 10, "max_new_tokens": 16}
    chosen = choose("online_dpo", "lora", options, {}, {**QUICK, "n_epochs": 1})
    found = estimate(BaseModel(base), chosen, prompts)
    assert (found.steps, found.sampled_tokens) == (3 * 3, 3 * 20 * 10 * 16)
    assert found.judge_calls == 3 * 20 * 2, "ten answers are graded in two calls"
    asked = next(iter(BaseModel(base).lengths(rows(Path(prompts[0]), frozenset({"prompts"})))))
    assert found.longest_row >= asked + 16
    answered = [str(tiny.written(tmp_path / "rows.jsonl", tiny.chat_rows(20)))]
    assert estimate(BaseModel(base), chosen, answered).tokens == found.tokens, "answers that are there are not read"
    for more, calls in (({"most_judge_calls": 50}, 50), ({"reward_model": "ft:x"}, 0)):
        limited = choose("online_dpo", "lora", options | more, {}, QUICK)
        assert estimate(BaseModel(base), limited, prompts).judge_calls == calls


def test_quantised_weights_take_less_memory_and_all_weights_more(base: Path, tmp_path: Path) -> None:
    files = [str(tiny.written(tmp_path / "rows.jsonl", tiny.chat_rows(4)))]
    memory = {name: estimate(BaseModel(base), settled("sft", name), files).memory for name in ("qlora", "lora", "full")}
    assert memory["qlora"] < memory["lora"] < memory["full"]


def test_rows_that_will_be_cut_and_what_is_missing_are_told(base: Path, tmp_path: Path) -> None:
    rows = tiny.chat_rows(3)
    rows[0]["messages"][0]["content"] *= 50
    files = [str(tiny.written(tmp_path / "rows.jsonl", rows))]
    found = check_base(BaseModel(base), settled("sft", "lora"), files)
    assert {note.code for note in found.notes} == {"rows_cut", "no_licence", "small_for_adapters"}
    assert (found.rows_cut, found.chat_template, found.context) == (1, True, 512)

    bare = tiny.model(tmp_path / "bare", template=None)
    (bare / "README.md").write_text("---\nlicense: apache-2.0\n---\n")
    found = check_base(BaseModel(bare), settled("sft", "full", max_length=1024), files)
    assert {note.code for note in found.notes} == {"no_chat_template", "beyond_context"}
    assert found.licence == "apache-2.0"


def test_a_language_the_tokenizer_hardly_knows_is_told(base: Path, tmp_path: Path) -> None:
    text = "Гавань открывается в семь утра и закрывается в шесть вечера, кроме праздничных дней. "
    files = [str(tiny.written(tmp_path / "rows.jsonl", [{"text": text * 3}]))]
    found = check_base(BaseModel(base), settled("pretrain", "full"), files)
    assert "high_fertility" in {note.code for note in found.notes}
    assert found.fertility > 2 * found.english_fertility


def test_a_folder_that_is_no_model_is_told_and_torch_is_never_loaded(base: Path, tmp_path: Path) -> None:
    with pytest.raises(NotAModel, match=r"config\.json"):
        BaseModel(tmp_path)
    files = [str(tiny.written(tmp_path / "rows.jsonl", tiny.chat_rows(4)))]
    code = (
        "import sys; from pathlib import Path; from app.trainings import basecheck, basemodel, choice, estimate; "
        "base = basemodel.BaseModel(Path(sys.argv[1])); chosen = choice.choose('sft', 'lora', {}, {}, {}); "
        "files = [sys.argv[2]]; estimate.estimate(base, chosen, files); basecheck.check_base(base, chosen, files); "
        "print({'torch', 'transformers', 'datasets'} & set(sys.modules) or 'none')"
    )
    command = [sys.executable, "-c", code, str(base), files[0]]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip() == "none"
    assert json.loads((base / "config.json").read_text())["model_type"] == "llama"
