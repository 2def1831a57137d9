"""TRL takes every export that it is said to take: by the bundle's own files, with the right tokens to learn."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.readers.shelf import COUNT, HELD_OUT, Shelf, lines

pytestmark = pytest.mark.filterwarnings("ignore")  # what TRL and its libraries warn of is theirs
TRAINED = COUNT - HELD_OUT


class Prepared:
    """A trainer of TRL with the rows of a bundle, made as `trl <method> --config <file>` makes it."""

    def __init__(self, method: str, folder: Path) -> None:
        import trl
        from datasets import load_dataset
        from trl.scripts.utils import DatasetMixtureConfig, ScriptArguments, TrlParser

        name = {"sft": "SFT", "dpo": "DPO", "kto": "KTO", "reward": "Reward"}[method]
        config, trainer = getattr(trl, f"{name}Config"), getattr(trl, f"{name}Trainer")
        parser = TrlParser((ScriptArguments, config, trl.ModelConfig, DatasetMixtureConfig))
        here = ["--config", f"trainers/trl/{method}.yaml", "--use_cpu", "true", "--bf16", "false"]
        script, args, model, _ = parser.parse_args_and_config([*here, "--gradient_checkpointing", "false"])
        rows = load_dataset(script.dataset_name, cache_dir=str(folder / "cache"))
        self.trainer = trainer(
            model=model.model_name_or_path,
            args=args,
            train_dataset=rows[script.dataset_train_split],
            eval_dataset=rows[script.dataset_test_split],
            peft_config=trl.get_peft_config(model),
        )

    @property
    def rows(self) -> Any:
        return self.trainer.train_dataset

    def batch(self) -> Any:
        return next(iter(self.trainer.get_train_dataloader()))


@pytest.fixture
def prepared(shelf: Shelf, model: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    def make(method: str, format: str, shape: str, container: str = "jsonl") -> Prepared:
        folder = shelf.bundle(format, container, shape)
        monkeypatch.chdir(folder)
        return Prepared(method, folder)

    return make


def learnt(batch: Any, tokenizer: Any) -> list[str]:
    """The texts that a batch's labels teach."""
    return [tokenizer.decode([int(label) for label in row if label != -100]) for row in batch["labels"]]


@pytest.mark.parametrize("container", ["jsonl", "jsonl_gz", "parquet"])
def test_messages_are_whole_conversations(prepared: Any, shelf: Shelf, model: Any, container: str) -> None:
    made = prepared("sft", "messages", "chat", container)
    rows = lines(shelf.bundle("messages", "jsonl", "chat"))
    assert len(made.rows) == len(rows) == TRAINED and len(made.trainer.eval_dataset) == HELD_OUT
    for row, told in zip(rows, made.rows, strict=True):
        text = model.apply_chat_template(row["messages"], tokenize=False)
        assert model.decode(told["input_ids"]).startswith(text.rstrip("\n"))


@pytest.mark.parametrize("container", ["jsonl", "parquet"])
def test_calls_of_tools_keep_their_own_arguments(prepared: Any, shelf: Shelf, model: Any, container: str) -> None:
    made = prepared("sft", "trl_tools", "tools", container)
    rows = lines(shelf.bundle("trl_tools", "jsonl", "tools"))
    assert len(made.rows) == TRAINED
    for row, told in zip(rows, made.rows, strict=True):
        text = model.decode(told["input_ids"])
        assert row["messages"][-1]["content"] in text
        assert json.dumps(row["messages"][1]["tool_calls"][0]["function"]["arguments"]) in text
        assert row["messages"][0]["content"] in text


def test_of_prompt_and_completion_only_the_completion_is_learnt(prepared: Any, shelf: Shelf, model: Any) -> None:
    made = prepared("sft", "prompt_completion", "chat")
    answers = {row["completion"][0]["content"] for row in lines(shelf.bundle("prompt_completion", "jsonl", "chat"))}
    for text in learnt(made.batch(), model):
        assert text.removesuffix("\n").removesuffix("<|im_end|>") in answers


@pytest.mark.parametrize(("format", "shape"), [("chatml", "chat"), ("text", "text")])
def test_texts_are_learnt_whole(prepared: Any, shelf: Shelf, model: Any, format: str, shape: str) -> None:
    made = prepared("sft", format, shape)
    texts = [row["text"] for row in lines(shelf.bundle(format, "jsonl", shape))]
    assert all(any(found.startswith(text.rstrip("\n")) for text in texts) for found in learnt(made.batch(), model))


@pytest.mark.parametrize("shape", ["preference", "trajectories"])
@pytest.mark.parametrize("format", ["dpo", "dpo_implicit"])
def test_dpo_finds_prompt_chosen_and_rejected(prepared: Any, shelf: Shelf, model: Any, format: str, shape: str) -> None:
    made = prepared("dpo", format, shape)
    assert len(made.rows) == TRAINED
    pairs = lines(shelf.bundle("dpo", "jsonl", shape))
    for pair, told in zip(pairs, made.rows, strict=True):
        text = {name: model.decode(told[f"{name}_ids"]) for name in ("prompt", "chosen", "rejected")}
        assert text["prompt"] == model.apply_chat_template(pair["prompt"], tokenize=False, add_generation_prompt=True)
        for way in ("chosen", "rejected"):
            assert [turn["content"] in text[way] for turn in pair[way]] == [True] * len(pair[way])
            assert pair["prompt"][-1]["content"] not in text[way]


def test_dpo_reads_parquet_as_it_reads_lines(prepared: Any) -> None:
    one, two = (prepared("dpo", "dpo", "preference", container).rows for container in ("jsonl", "parquet"))
    assert [row["chosen_ids"] for row in one] == [row["chosen_ids"] for row in two]


def test_kto_has_a_label_an_answer(prepared: Any, shelf: Shelf, model: Any) -> None:
    made = prepared("kto", "kto", "preference")
    rows = lines(shelf.bundle("kto", "jsonl", "preference"))
    assert len(made.rows) == len(rows) == 2 * TRAINED
    assert [row["label"] for row in made.rows] == [row["label"] for row in rows]
    assert sum(row["label"] for row in rows) == TRAINED


@pytest.mark.parametrize("shape", ["preference", "trajectories"])
def test_reward_models_get_both_conversations_and_the_margin(
    prepared: Any, shelf: Shelf, model: Any, shape: str
) -> None:
    made = prepared("reward", "reward", shape)
    rows = lines(shelf.bundle("reward", "jsonl", shape))
    for row, told in zip(rows, made.rows, strict=True):
        for way in ("chosen", "rejected"):
            text = model.apply_chat_template(row[way], tokenize=False)
            assert model.decode(told[f"{way}_ids"]).startswith(text.rstrip("\n"))
    assert [row["margin"] for row in made.rows] == [row["margin"] for row in rows]
    assert made.batch()["margin"].shape[0] > 0


def test_orpo_reads_the_pairs_of_dpo(shelf: Shelf, model: Any, tiny_model: Path, tmp_path: Path) -> None:
    from datasets import load_dataset
    from transformers import AutoModelForCausalLM
    from trl.experimental.orpo import ORPOConfig, ORPOTrainer

    folder = shelf.bundle("dpo", "jsonl", "preference")
    trainer = ORPOTrainer(
        model=AutoModelForCausalLM.from_pretrained(tiny_model),
        args=ORPOConfig(output_dir=str(tmp_path), use_cpu=True, bf16=False, max_length=512, report_to="none"),
        train_dataset=load_dataset(str(folder), cache_dir=str(tmp_path))["train"],
        processing_class=model,
    )
    pairs = lines(folder)
    for pair, told in zip(pairs, trainer.train_dataset, strict=True):
        for way in ("chosen", "rejected"):
            labels = [token for token in told[f"{way}_labels"] if token != -100]
            assert pair[way][0]["content"] in model.decode(labels)
            assert pair["prompt"][-1]["content"] not in model.decode(labels)
