"""The documented rules of readers that cannot be run here: OpenAI, LLaMA-Factory, Axolotl, Unsloth."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from app import catalog
from tests.readers.shelf import Shelf, lines

Json = dict[str, Any]


def turn(*roles: str) -> Json:
    return {
        "type": "object",
        "required": ["role", "content"],
        "properties": {"role": {"enum": list(roles)}, "content": {"type": "string", "minLength": 1}},
        "additionalProperties": False,
    }


def array(item: Json, least: int = 1, most: int | None = None) -> Json:
    return {"type": "array", "items": item, "minItems": least} | ({"maxItems": most} if most else {})


# https://developers.openai.com/api/docs/guides/supervised-fine-tuning and /direct-preference-optimization
OPENAI = {
    "messages": {
        "type": "object",
        "required": ["messages"],
        "properties": {"messages": array(turn("system", "developer", "user", "assistant", "tool"), 2)},
        "additionalProperties": False,
    },
    "openai_preference": {
        "type": "object",
        "required": ["input", "preferred_output", "non_preferred_output"],
        "properties": {
            "input": {
                "type": "object",
                "required": ["messages"],
                "properties": {
                    "messages": array(turn("system", "developer", "user", "assistant")),
                    "tools": {"type": "array"},
                    "parallel_tool_calls": {"type": "boolean"},
                },
                "additionalProperties": False,
            },
            "preferred_output": array(turn("assistant"), 1, 1),
            "non_preferred_output": array(turn("assistant"), 1, 1),
        },
        "additionalProperties": False,
    },
}


@pytest.mark.parametrize(("name", "shape"), [("messages", "chat"), ("openai_preference", "preference")])
def test_openai_takes_every_line(name: str, shape: str, shelf: Shelf) -> None:
    for row in lines(shelf.bundle(name, "jsonl", shape)):
        jsonschema.validate(row, OPENAI[name])
        last = row["messages"][-1] if name == "messages" else row["preferred_output"][0]
        assert last["role"] == "assistant"
        if name == "openai_preference":
            assert row["input"]["messages"][-1]["role"] == "user"
            assert row["preferred_output"] != row["non_preferred_output"]


FACTORY = catalog.TRAINERS["llama_factory"]
AXOLOTL = catalog.TRAINERS["axolotl"]


def shape_of(name: str) -> str:
    return sorted(catalog.FORMATS[name].shapes - {"tools", "trajectories"})[0]


@pytest.mark.parametrize("container", ["jsonl", "parquet"])
@pytest.mark.parametrize("name", sorted(FACTORY.formats & set(catalog.FORMATS)))
def test_llama_factory_finds_its_columns_and_its_turns(name: str, container: str, shelf: Shelf, tmp_path: Path) -> None:
    """data/README.md of LLaMA-Factory: file_name relative to dataset_dir, columns that exist, turns that alternate."""
    from datasets import load_dataset

    folder = shelf.bundle(name, container, shape_of(name))
    config = yaml.safe_load((folder / "trainers/llama_factory/train.yaml").read_text())
    assert config["stage"] == {"text": "pt", "sharegpt_preference": "dpo"}.get(name, "sft")
    info = json.loads((folder / config["dataset_dir"] / "dataset_info.json").read_text())
    for dataset in (config["dataset"], config["eval_dataset"]):
        told = info[dataset]
        file = (folder / config["dataset_dir"] / told["file_name"]).resolve()
        assert file.suffix in (".json", ".jsonl", ".parquet", ".csv", ".arrow", ".txt")
        builder = "json" if file.suffix == ".jsonl" else "parquet"
        rows = load_dataset(builder, data_files=str(file), split="train", cache_dir=str(tmp_path))
        assert set(told["columns"].values()) <= set(rows.column_names)
        for row in rows:
            {"alpaca": _alpaca, "sharegpt": _turns, "openai": _turns}[told["formatting"]](row, told)


def test_llama_factory_reads_calls_of_tools(shelf: Shelf) -> None:
    folder = shelf.bundle("sharegpt", "jsonl", "tools")
    told = json.loads((folder / "trainers/llama_factory/dataset_info.json").read_text())["ferries"]
    for row in lines(folder):
        _turns(row, told)
        assert [turn["from"] for turn in row["conversations"]] == ["human", "function_call", "observation", "gpt"]
        assert json.loads(row[told["columns"]["tools"]])[0]["parameters"]["type"] == "object"
        called = json.loads(row["conversations"][1]["value"])
        assert set(called) == {"name", "arguments"} and isinstance(called["arguments"], dict)


def _alpaca(row: Json, told: Json) -> None:
    columns = told["columns"]
    assert isinstance(row[columns["prompt"]], str) and row[columns["prompt"]]
    if "response" in columns:
        assert isinstance(row[columns["response"]], str) and row[columns["response"]]
    if "system" in columns:
        assert row[columns["system"]] is None or isinstance(row[columns["system"]], str)
    for pair in row.get(columns.get("history", ""), None) or []:
        asked, answered = pair
        assert isinstance(asked, str) and isinstance(answered, str)


def _turns(row: Json, told: Json) -> None:
    """A system turn first or none; then users and assistants in turn, the assistant last but for pairs."""
    tags = {
        "role_tag": "from",
        "content_tag": "value",
        "user_tag": "human",
        "assistant_tag": "gpt",
        "observation_tag": "observation",
        "function_tag": "function_call",
        "system_tag": "system",
    } | told.get("tags", {})
    role, content = tags["role_tag"], tags["content_tag"]
    spoken = row[told["columns"]["messages"]]
    spoken = spoken[1:] if spoken[0][role] == tags["system_tag"] else spoken
    allowed = ((tags["user_tag"], tags["observation_tag"]), (tags["assistant_tag"], tags["function_tag"]))
    assert [turn[role] in allowed[i % 2] for i, turn in enumerate(spoken)] == [True] * len(spoken)
    assert len(spoken) % 2 == bool(told.get("ranking"))
    assert all(isinstance(turn[content], str) for turn in spoken)
    if told.get("ranking"):
        for way in ("chosen", "rejected"):
            assert row[told["columns"][way]][role] == tags["assistant_tag"]


@pytest.mark.parametrize("name", sorted(AXOLOTL.formats & set(catalog.FORMATS)))
def test_axolotl_finds_its_fields_and_knows_every_role(name: str, shelf: Shelf, tmp_path: Path) -> None:
    """docs/dataset-formats and docs/rlhf of Axolotl: a file with ds_type, the fields of its type, mapped roles."""
    from datasets import load_dataset

    folder = shelf.bundle(name, "jsonl", shape_of(name))
    config = yaml.safe_load((folder / "trainers/axolotl/train.yaml").read_text())
    assert (config.get("rl") == "dpo") == name.startswith("dpo")
    for told in (*config["datasets"], *config["test_datasets"]):
        files = str(folder / told["path"])
        rows = load_dataset(told["ds_type"], data_files=files, split=told["split"], cache_dir=str(tmp_path))
        assert len(rows)
        for row in rows:
            _AXOLOTL[told["type"]](row, told)


def _axolotl_chat(row: Json, told: Json) -> None:
    names = told["message_property_mappings"]
    roles = told.get("roles", {role: [role] for role in ("user", "assistant", "system", "tool")})
    known = {source: role for role, sources in roles.items() for source in sources}
    found = [known[turn[names["role"]]] for turn in row[told["field_messages"]]]
    assert found[-1] in told["roles_to_train"]
    assert all(isinstance(turn[names["content"]], str) for turn in row[told["field_messages"]])


def _axolotl_pairs(row: Json, told: Json) -> None:
    """`default`: the prompt and one message each; `argilla_chat`: both conversations with the same beginning."""
    if told["type"] == "chat_template.default":
        assert row[told["field_messages"]][-1]["role"] == "user"
        assert len(row[told["field_chosen"]]) == len(row[told["field_rejected"]]) == 1
    else:
        assert row["chosen"][:-1] == row["rejected"][:-1]
        assert row["chosen"][-1]["role"] == row["rejected"][-1]["role"] == "assistant"


def _axolotl_alpaca(row: Json, told: Json) -> None:
    assert row["instruction"] and isinstance(row["input"], str) and row["output"]


def _axolotl_text(row: Json, told: Json) -> None:
    assert isinstance(row[told["field"]], str)


_AXOLOTL = {
    "chat_template": _axolotl_chat,
    "chat_template.default": _axolotl_pairs,
    "chat_template.argilla_chat": _axolotl_pairs,
    "alpaca": _axolotl_alpaca,
    "completion": _axolotl_text,
}


@pytest.mark.parametrize("name", sorted(catalog.TRAINERS["unsloth"].formats))
def test_unsloths_script_compiles_and_reads_columns_that_are_there(name: str, shelf: Shelf) -> None:
    folder = shelf.bundle(name, "jsonl", shape_of(name))
    script = (folder / "trainers/unsloth/train.py").read_text()
    compile(script, "train.py", "exec")
    columns = set(lines(folder)[0])
    needed = {"messages": {"messages"}, "sharegpt": {"conversations"}, "dpo": {"prompt", "chosen", "rejected"}}
    assert needed.get(name, {"prompt", "completion", "label"} if name == "kto" else {"text"}) <= columns
    assert repr(str(shelf.base_model)) in script
