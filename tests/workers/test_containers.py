"""The files that rows become: the same bytes for the same rows, the same values in every container."""

import csv
import gzip
import io
import json
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import orjson
import pyarrow.parquet as pq
import pytest

from app import catalog
from app.storage import Folder
from workers import containers
from workers.containers.columns import Seen
from workers.containers.csv import cell, neutral

Row = dict[str, Any]
ROWS: list[Row] = [
    {"messages": [{"role": "user", "content": "Когда?"}, {"role": "assistant", "content": "В семь,\nутром"}], "n": 1},
    {"messages": [{"role": "user", "content": 'She said "no"'}], "n": 2.5, "system": "=SUM(A1)"},
    {"messages": [], "n": None, "tools": [{"name": "find", "parameters": {"x": {"type": "string"}}}]},
    {"messages": [{"role": "user", "content": "?", "tool_calls": [{"name": "f", "arguments": {"y": [1]}}]}], "n": -7},
]
JSON_MEMBERS = frozenset({"tools", "arguments"})


class Written:
    """The three files of a container, and their bytes."""

    def __init__(self, folder: Path, name: str, train: list[Row], validation: list[Row], **options: object) -> None:
        self.store = Folder(folder)
        with self.store.upload() as upload, self.store.upload() as held_out:
            spool = containers.Spool(containers.Part(upload), containers.Part(held_out), JSON_MEMBERS)
            for part, rows in ((spool.train, train), (spool.validation, validation)):
                for row in rows:
                    part.add(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE))
            self.files = containers.writer(name)(spool, self.store, options)

    def bytes(self, name: str) -> bytes:
        file = self.files[name]
        return b"".join(self.store.read(file["blob"], file["start"], file["start"] + file["bytes"]))


@pytest.mark.parametrize("name", list(catalog.CONTAINERS))
def test_the_same_rows_give_the_same_bytes_and_the_files_are_what_they_are_said_to_be(
    name: str, tmp_path: Path
) -> None:
    from hashlib import sha256

    one, two = (Written(tmp_path / folder, name, ROWS[:3], ROWS[3:]) for folder in "ab")
    assert one.files == two.files
    assert [one.files[part]["rows"] for part in ("data", "train", "validation")] == [4, 3, 1]
    for part, file in one.files.items():
        data = one.bytes(part)
        assert (len(data), sha256(data).hexdigest()) == (file["bytes"], file["sha256"])
        assert data == two.bytes(part)


def test_gzip_unpacks_to_the_lines_and_carries_no_time(tmp_path: Path) -> None:
    plain = Written(tmp_path / "a", "jsonl", ROWS[:3], ROWS[3:])
    packed = Written(tmp_path / "b", "jsonl_gz", ROWS[:3], ROWS[3:])
    for part in ("data", "train", "validation"):
        assert gzip.decompress(packed.bytes(part)) == plain.bytes(part)
        assert packed.bytes(part)[4:8] == b"\0\0\0\0"
    assert packed.bytes("data") == packed.bytes("train") + packed.bytes("validation")


def test_parquet_holds_what_the_lines_hold(tmp_path: Path) -> None:
    written = Written(tmp_path, "parquet", ROWS[:3], ROWS[3:])
    tables = {part: pq.read_table(io.BytesIO(written.bytes(part))) for part in written.files}
    assert tables["train"].schema == tables["validation"].schema == tables["data"].schema
    assert tables["data"].to_pylist() == tables["train"].to_pylist() + tables["validation"].to_pylist()
    found = tables["data"].to_pylist()
    assert [row["n"] for row in found] == [1.0, 2.5, None, -7.0]
    assert [row["system"] for row in found] == [None, "=SUM(A1)", None, None]
    assert found[0]["messages"][1] == {"role": "assistant", "content": "В семь,\nутром", "tool_calls": None}
    assert json.loads(found[2]["tools"]) == ROWS[2]["tools"]
    assert json.loads(found[3]["messages"][0]["tool_calls"][0]["arguments"]) == {"y": [1]}
    (tmp_path / "data.parquet").write_bytes(written.bytes("data"))
    asked = "SELECT messages[1].content, tools->0->>'name' FROM read_parquet(?) WHERE system IS NULL"
    with duckdb.connect() as connection:
        assert connection.execute(asked, [str(tmp_path / "data.parquet")]).fetchall()[1] == (None, "find")


def test_columns_have_one_type_whatever_row_comes_first(tmp_path: Path) -> None:
    late = {"n": "text now", "system": {"a": 1}}
    for rows in ([*ROWS, late], [late, *ROWS]):
        written = Written(tmp_path / str(len(rows[0])), "parquet", rows, [])
        found = pq.read_table(io.BytesIO(written.bytes("data"))).to_pylist()
        assert [None if row["n"] is None else json.loads(row["n"]) for row in found] == [r.get("n") for r in rows]
        assert [None if row["system"] is None else json.loads(row["system"]) for row in found] == [
            row.get("system") for row in rows
        ]


def test_objects_whose_members_are_never_the_same_are_json_and_not_a_column_for_each(tmp_path: Path) -> None:
    rows = [{"scores": {f"metric{i}": i}, "empty": {}, "big": 2**63} for i in range(300)]
    table = pq.read_table(io.BytesIO(Written(tmp_path, "parquet", rows, []).bytes("data")))
    assert [str(field.type) for field in table.schema] == ["extension<arrow.json>"] * 3
    assert [json.loads(text) for text in table["scores"].to_pylist()] == [row["scores"] for row in rows]
    seen = Seen()
    for row in rows:
        seen.see(row["scores"], frozenset())
    assert len(seen.members) < 100, "what is known of a map does not grow with the rows"


def test_no_rows_are_a_file_without_rows(tmp_path: Path) -> None:
    for name in catalog.CONTAINERS:
        written = Written(tmp_path / name, name, [], [])
        assert {file["rows"] for file in written.files.values()} == {0}
    table = pq.read_table(io.BytesIO(Written(tmp_path / "p", "parquet", ROWS, []).bytes("validation")))
    assert (table.num_rows, table.schema.names) == (0, ["messages", "n", "system", "tools"])


def test_row_groups_have_a_bounded_size(tmp_path: Path) -> None:
    from workers.containers.parquet import GROUP_BYTES, GROUP_ROWS

    short = Written(tmp_path / "short", "parquet", [{"n": i} for i in range(GROUP_ROWS + 1)], [])
    file = pq.ParquetFile(io.BytesIO(short.bytes("train")))
    assert [file.metadata.row_group(i).num_rows for i in range(file.num_row_groups)] == [GROUP_ROWS, 1]
    long = Written(tmp_path / "long", "parquet", [{"text": "x" * (GROUP_BYTES // 2)}] * 5, [])
    file = pq.ParquetFile(io.BytesIO(long.bytes("train")))
    assert [file.metadata.row_group(i).num_rows for i in range(file.num_row_groups)] == [2, 2, 1]


def read(data: bytes) -> Iterator[dict[str, str]]:
    return csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline=""))


def test_csv_has_text_as_it_is_and_json_for_the_rest(tmp_path: Path) -> None:
    written = Written(tmp_path, "csv", ROWS[:3], ROWS[3:])
    rows = list(read(written.bytes("data")))
    assert rows == [*read(written.bytes("train")), *read(written.bytes("validation"))]
    assert [row["system"] for row in rows] == ["", "=SUM(A1)", "", ""]
    assert [row["n"] for row in rows] == ["1", "2.5", "", "-7"]
    assert [json.loads(row["messages"]) for row in rows] == [row["messages"] for row in ROWS]


DANGEROUS = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", " =1", "＝1", "\u00a0=1", "'=1"]
HARMLESS = ["", "1-1", "a=b", "It's", "x\t=1", "ja -", " 'a'"]


@pytest.mark.parametrize("text", DANGEROUS + HARMLESS)
def test_cells_that_a_spreadsheet_would_calculate_are_neutralised_reversibly(text: str, tmp_path: Path) -> None:
    shown = neutral(text)
    assert shown == (text if text in HARMLESS else "'" + text)
    assert shown.removeprefix("'") == text or not shown.startswith("'")
    written = Written(tmp_path, "csv", [{"q": text, text or "empty": -1, "o": True}], [], spreadsheet_safe=True)
    data = written.bytes("data")
    assert data.startswith(b'\xef\xbb\xbf"q"')
    (row,) = read(data)
    assert (row["q"], row["o"], row[neutral(text or "empty")]) == (shown, "true", "-1")
    assert cell(["=1"], True) == '["=1"]'


@pytest.mark.parametrize("name", list(catalog.CONTAINERS))
def test_memory_does_not_grow_with_the_rows(name: str, tmp_path: Path) -> None:
    """What Python holds; benchmarks/export_rows.py measures the whole process."""
    if name == "parquet":
        pytest.skip("Arrow's memory is not Python's; the row groups' sizes are tested above")
    row = orjson.dumps({"text": "What the ferry costs is written on the quay. " * 20}) + b"\n"
    peaks = []
    for count in (2_000, 20_000):
        store = Folder(tmp_path / str(count))
        with store.upload() as upload, store.upload() as held_out:
            spool = containers.Spool(containers.Part(upload), containers.Part(held_out), frozenset())
            for _ in range(count):
                spool.train.add(row)
            tracemalloc.start()
            containers.writer(name)(spool, store, {})
            peaks.append(tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()
    assert peaks[1] < peaks[0] + 4 * 1024**2, peaks
