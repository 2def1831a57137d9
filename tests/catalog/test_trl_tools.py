"""Rows with calls of tools, as the library that trainers read with loads them."""

import json
from pathlib import Path

import datasets

from app import catalog
from tests.catalog.test_formats import CALLS, TOOLS


def test_arguments_come_out_of_the_reader_as_they_were_though_every_tool_has_others(tmp_path: Path) -> None:
    row = catalog.FORMATS["trl_tools"].render(TOOLS)
    (tmp_path / "rows.jsonl").write_text(f"{json.dumps(row)}\n" * 2)
    read = datasets.load_dataset("json", data_files=str(tmp_path / "rows.jsonl"), cache_dir=str(tmp_path / "cache"))
    loaded = read["train"][1]
    calls = [call["function"] for call in loaded["messages"][1]["tool_calls"]]
    assert calls == [{"name": name, "arguments": arguments} for _, name, arguments in CALLS]
    assert json.loads(loaded["tools"]) == TOOLS.attributes["tools"]
