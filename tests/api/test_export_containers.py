"""Exports as JSON lines, gzipped, as Parquet and as CSV: each over HTTP, loaded by what people load it with."""

import csv
import io
import json
import sys
from pathlib import Path
from typing import Any

import duckdb
import pytest

from app import catalog
from app.errors import InvalidRequest, MissingExtra
from app.exports.checks import check_container
from app.exports.schemas import ExportCreate
from tests.api.conftest import Made

Json = dict[str, Any]
SPLITS = ("train", "validation")


@pytest.fixture(scope="module")
def exports(made: Made) -> dict[str, Json]:
    """One of each container; those with sources hold values of all types."""
    return {
        entry.suffix: made.service.exported(made.dataset_id, container=entry.suffix, include_sources=True)
        for entry in catalog.CONTAINERS.entries.values()
    }


@pytest.fixture(scope="module")
def lines(made: Made, exports: dict[str, Json]) -> dict[str, list[Json]]:
    """The rows of each split, from the plain JSON lines."""
    files = exports["jsonl"]["files"]
    texts = {split: made.service.http.get(files[f"{split}.jsonl"]["url"]).text for split in SPLITS}
    return {split: [json.loads(line) for line in text.splitlines()] for split, text in texts.items()}


def test_every_container_has_the_same_rows_under_its_own_names(exports: dict[str, Json]) -> None:
    assert len(exports) == 4
    for suffix, export in exports.items():
        assert export["status"] == "succeeded", export
        assert list(export["files"]) == [
            f"data.{suffix}",
            f"train.{suffix}",
            f"validation.{suffix}",
            "manifest.json",
        ]
        assert export["container"] == export["options"]["container"] == suffix.replace(".", "_")
        assert export["rows"] == exports["jsonl"]["rows"] == export["files"][f"data.{suffix}"]["rows"]


@pytest.mark.parametrize("suffix", [entry.suffix for entry in catalog.CONTAINERS.entries.values()])
def test_every_container_is_downloaded_by_the_same_contract(made: Made, exports: dict[str, Json], suffix: str) -> None:
    http, file = made.service.http, exports[suffix]["files"][f"train.{suffix}"]
    head, whole = http.head(file["url"]), http.get(file["url"])
    assert head.headers["content-length"] == str(len(whole.content)) == str(file["bytes"])
    assert head.headers["etag"] == whole.headers["etag"] == f'"{file["sha256"]}"'
    media_type = catalog.CONTAINERS[suffix.replace(".", "_")].media_type
    assert head.headers["content-type"].partition(";")[0] == media_type
    assert "content-encoding" not in whole.headers, "a .gz is sent as the file that it is"
    part = http.get(file["url"], headers={"Range": "bytes=-8"})
    assert (part.status_code, part.content) == (206, whole.content[-8:])
    assert http.get(file["url"], headers={"If-None-Match": head.headers["etag"]}).status_code == 304


@pytest.mark.parametrize(("suffix", "builder"), [("jsonl", "json"), ("jsonl.gz", "json"), ("parquet", "parquet")])
def test_datasets_loads_the_same_rows_over_http(
    suffix: str,
    builder: str,
    made: Made,
    exports: dict[str, Json],
    lines: dict[str, list[Json]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import datasets

    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    base = str(made.service.http.base_url)
    urls = {split: base + exports[suffix]["files"][f"{split}.{suffix}"]["url"] for split in SPLITS}
    found = datasets.load_dataset(builder, data_files=urls, cache_dir=str(tmp_path))
    for split in SPLITS:
        assert [_told(row) for row in found[split]] == [_told(row) for row in lines[split]]


def _told(value: Any) -> Any:
    """A row without the members that are null because other rows have them."""
    if isinstance(value, dict):
        return {name: _told(member) for name, member in value.items() if member is not None}
    return [_told(item) for item in value] if isinstance(value, list) else value


def test_duckdb_reads_every_container(
    made: Made, exports: dict[str, Json], lines: dict[str, list[Json]], tmp_path: Path
) -> None:
    asked = [row["messages"][0]["content"] for row in lines["train"]]
    with duckdb.connect() as connection:
        for suffix, export in exports.items():
            path = tmp_path / f"train.{suffix}"
            path.write_bytes(made.service.http.get(export["files"][path.name]["url"]).content)
            messages = "messages::JSON->0->>'content'" if suffix == "csv" else "messages[1].content"
            found = connection.execute(f"SELECT {messages} FROM '{path}'").fetchall()
            assert [row[0] for row in found] == asked, suffix


def test_csv_gives_every_value_back(made: Made, exports: dict[str, Json], lines: dict[str, list[Json]]) -> None:
    text = made.service.http.get(exports["csv"]["files"]["train.csv"]["url"]).content.decode()
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    for row, line in zip(rows, lines["train"], strict=True):
        plain = {name: value for name, value in line.items() if isinstance(value, str)}
        assert plain == {name: row[name] for name in plain}
        rest = {name: value for name, value in line.items() if name not in plain and value is not None}
        assert rest == {name: json.loads(row[name]) for name in rest}


def test_a_spreadsheet_safe_csv_calculates_nothing(made: Made) -> None:
    export = made.service.exported(made.dataset_id, format="alpaca", container="csv", spreadsheet_safe=True)
    data = made.service.http.get(export["files"]["data.csv"]["url"]).content
    assert data.startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")))
    assert len(rows) == export["rows"] + 1
    assert [cell for row in rows for cell in row if cell.startswith(("=", "+", "-", "@", "\t", "\r"))] == []


@pytest.mark.parametrize(
    ("wanted", "code", "pointer"),
    [
        ({"container": "xlsx"}, "unknown_catalog_entry", "/container"),
        ({"container": "parquet", "spreadsheet_safe": True}, "invalid_request", "/spreadsheet_safe"),
        ({"containr": "csv"}, "invalid_request", "/containr"),
    ],
)
def test_what_no_container_can_do_is_refused(made: Made, wanted: Json, code: str, pointer: str) -> None:
    reply = made.service.http.post(f"/v1/datasets/{made.dataset_id}/exports", json=wanted)
    assert (reply.status_code, reply.json()["error"]["code"]) == (422, code)
    assert reply.json()["errors"][0]["pointer"] == pointer


def test_parquet_without_its_library_is_refused_and_the_catalogue_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingExtra, match=r"corpusmith\[parquet\]") as refused:
        check_container(ExportCreate(container="parquet"))
    assert refused.value.fields[0][0] == "/container"
    assert catalog.CONTAINERS["parquet"].extra is not None and catalog.CONTAINERS["parquet"].extra.missing
    check_container(ExportCreate(container="jsonl.gz"))
    with pytest.raises(InvalidRequest):
        check_container(ExportCreate(container="jsonl", spreadsheet_safe=True))


def test_files_of_another_container_are_not_there(made: Made, exports: dict[str, Json]) -> None:
    reply = made.service.http.get(f"/v1/exports/{exports['csv']['id']}/train.parquet")
    assert (reply.status_code, reply.json()["error"]["code"]) == (404, "not_found")
