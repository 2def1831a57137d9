"""Every format in every container, read by `datasets`, pyarrow, DuckDB and pandas: the same rows each time."""

import json
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pyarrow.parquet as pq
import pytest

from app import catalog
from tests.readers.shelf import COUNT, HELD_OUT, Shelf, lines

WRITTEN = [(name, sorted(entry.shapes)[0]) for name, entry in catalog.FORMATS.entries.items()]
WRITTEN += [(name, "tools") for name, entry in catalog.FORMATS.entries.items() if {"tools", "chat"} <= entry.shapes]


def told(value: Any) -> Any:
    """Without the members that are null only because other rows have them."""
    if isinstance(value, dict):
        return {name: told(member) for name, member in value.items() if member is not None}
    return [told(item) for item in value] if isinstance(value, list) else value


def opened(found: Any, like: Any) -> Any:
    """With the JSON text read that pyarrow leaves closed: where the row has something else than a text."""
    if isinstance(found, str) and not isinstance(like, str):
        return json.loads(found)
    if isinstance(found, dict):
        return {name: opened(member, like[name]) for name, member in found.items()}
    return [opened(*pair) for pair in zip(found, like, strict=True)] if isinstance(found, list) else found


@pytest.mark.parametrize(("name", "shape"), WRITTEN)
@pytest.mark.parametrize("container", ["jsonl", "jsonl_gz", "parquet", "csv"])
def test_datasets_reads_every_format_from_every_container(
    name: str, shape: str, container: str, shelf: Shelf, tmp_path: Path
) -> None:
    from datasets import load_dataset

    found = load_dataset(str(shelf.bundle(name, container, shape)), cache_dir=str(tmp_path))
    plain = shelf.bundle(name, "jsonl", shape)
    assert set(found) == {"train", "validation"}
    for split, rows in found.items():
        expected = lines(plain, split)
        assert len(rows) == len(expected) >= (HELD_OUT if split == "validation" else COUNT - HELD_OUT)
        if container == "csv":
            assert [_parsed(row, like) for row, like in zip(rows, expected, strict=True)] == expected
        else:
            assert [told(row) for row in rows] == expected


def _parsed(row: dict[str, Any], like: dict[str, Any]) -> dict[str, Any]:
    """A CSV row with the JSON of its cells read; an empty cell is an empty text, if anything."""
    cells = {name: "" if row[name] is None else row[name] for name in like}
    return {
        name: json.loads(cell) if isinstance(cell, str) and not isinstance(like[name], str) else cell
        for name, cell in cells.items()
    }


@pytest.mark.parametrize(("name", "shape"), WRITTEN)
def test_pyarrow_pandas_and_duckdb_read_every_format_as_parquet(name: str, shape: str, shelf: Shelf) -> None:
    path = shelf.bundle(name, "parquet", shape) / "data/train.parquet"
    expected = lines(shelf.bundle(name, "jsonl", shape))
    table = pq.read_table(path)
    assert [opened(told(row), like) for row, like in zip(table.to_pylist(), expected, strict=True)] == expected
    assert list(pd.read_parquet(path).columns) == table.column_names
    with duckdb.connect() as connection:
        found = connection.execute("SELECT to_json(t) FROM read_parquet(?) AS t", [str(path)]).fetchall()
    assert [told(json.loads(row[0])) for row in found] == expected


@pytest.mark.filterwarnings("ignore:ConjunctiveGraph is deprecated", "ignore:The inplace keyword")
@pytest.mark.parametrize(("name", "shape"), WRITTEN)
@pytest.mark.parametrize("container", ["jsonl", "parquet"])
def test_mlcroissant_reads_every_format(name: str, shape: str, container: str, shelf: Shelf) -> None:
    import mlcroissant

    described = mlcroissant.Dataset(shelf.bundle(name, container, shape) / "croissant.json")
    assert not described.metadata.ctx.issues.errors and not described.metadata.ctx.issues.warnings
    found = list(described.records("train"))
    assert len(found) == len(lines(shelf.bundle(name, "jsonl", shape)))
    assert all(record for record in found), "every format has a field that Croissant can describe"
