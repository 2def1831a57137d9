"""Uploaded databases become questions with SQL that runs, in both engines."""

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.process import FakeModel
from tests.service import Service
from tests.workers import databases
from workers.sandbox.sql import SqlSandbox

FIELDS = {"db_id", "question", "query", "schema", "dialect", "difficulty"}
DIALECTS = ("sqlite", "postgres")  # the second is executed in DuckDB


def test_a_dump_and_a_sqlite_file_become_rows_that_run_in_both_engines(tmp_path: Path) -> None:
    broken = {"broken/a.sql": b"CREATE TABLE t (a INTEGER);\nINSERT INTO t VALUES (1, 2);\n"}
    files = {
        "shop/dump.sql": databases.dump(),
        "school.sqlite": school(tmp_path / "school.sqlite").read_bytes(),
        "notes.txt": b"This is no database, but a note about one of them.",
    }
    with FakeModel() as model, Service(tmp_path, model_url=model.url) as service:
        corpus, nothing = service.corpus(files | broken), service.corpus(broken)
        asked = {
            dialect: service.dataset(
                corpus,
                task="text_to_sql",
                rows=20,
                options={"dialect": dialect, "ways": {"model": 1, "template": 1}, "tables_per_context": 2},
            )
            for dialect in DIALECTS
        }
        failed = service.finished(service.dataset(nothing, task="text_to_sql"))
        assert failed["status"] == "failed"
        assert failed["error"]["code"] == "bad_database"
        assert failed["error"]["message"].startswith("broken/a.sql: statement 2 (INSERT INTO t VALUES (1, 2)...): ")
        for dialect, dataset in asked.items():
            found = service.finished(dataset)
            assert found["status"] == "succeeded", found
            rows = service.samples(dataset, state="accepted")
            assert len(rows) == 20
            assert {row["kind"] for row in rows} == {"model", "template"}
            assert {row["attributes"]["database"] for row in rows} == {"school", "shop"}
            runs_again(rows, dialect, tmp_path)
            for row in rows:
                assert not set(row["attributes"]["tables"]) & set(row["attributes"]["distractors"])
                _, user, said = row["attributes"]["messages"]
                assert said["content"] == row["answer"]
                assert user["content"] == f"{row['attributes']['schema']}\n\n{row['question']}"
        said_of_all(service, asked["sqlite"])
        exported(service, asked["postgres"])
        assert "unit.failed" not in service.log("llm1")


def said_of_all(service: Service, dataset: str) -> None:
    """What was left out, and that what a part costs is what the catalogue says."""
    events = service.ok(service.http.get(f"/v1/datasets/{dataset}/events"))["data"]
    left_out = [event["message"] for event in events if event["type"] == "planning.left_out"]
    assert any(said.startswith("broken/a.sql: statement 2") for said in left_out)
    assert any(said.startswith("notes.txt: it is no file of a database") for said in left_out)
    usage, units = service.get(dataset)["usage"], service.get(dataset)["units"]["total"]
    assert usage["calls"] + usage["replayed_calls"] <= units * (2 + 4)


def exported(service: Service, dataset: str) -> None:
    export = service.exported(dataset, format="sql_spider")
    lines = service.http.get(export["files"]["data.jsonl"]["url"]).text.splitlines()
    assert len(lines) == 20
    assert all(set(json.loads(line)) == FIELDS for line in lines)
    chat = service.http.post(f"/v1/datasets/{dataset}/exports", json={"format": "dpo"})
    assert chat.status_code == 422
    assert "sql_spider" in chat.json()["errors"][0]["detail"]


def school(path: Path) -> Path:
    connection = sqlite3.connect(path)
    connection.executescript(
        "CREATE TABLE pupils (id INTEGER PRIMARY KEY, name TEXT, grade TEXT);"
        "CREATE TABLE marks (pupil_id INTEGER REFERENCES pupils (id), subject TEXT, points INTEGER, given DATE);"
    )
    pupils = [(i, f"Pupil {i}", "ABC"[i % 3]) for i in range(1, 31)]
    marks = [
        (1 + i % 30, ("maths", "music", "sport")[i % 3], i * 7 % 20, f"2025-03-{1 + i % 28:02}") for i in range(90)
    ]
    connection.executemany("INSERT INTO pupils VALUES (?, ?, ?)", pupils)
    connection.executemany("INSERT INTO marks VALUES (?, ?, ?, ?)", marks)
    connection.commit()
    connection.close()
    return path


def runs_again(rows: list[dict[str, Any]], dialect: str, folder: Path) -> None:
    """Every row's SQL, in its own dialect, over a database made by hand gives the result that the row holds."""
    shop = databases.sqlite_file(folder / f"shop_{dialect}.sqlite")
    for name, path in (("shop", shop), ("school", folder / "school.sqlite")):
        sandbox = SqlSandbox(path, dialect)
        for row in rows:
            if row["attributes"]["database"] == name:
                result = sandbox.run(row["answer"])
                assert result.sha256 == row["attributes"]["result"]["sha256"], row
                assert result.row_count == row["attributes"]["result"]["row_count"] > 0
        sandbox.close()


@pytest.mark.parametrize(
    ("options", "pointer"),
    [
        ({"dialect": "access"}, "/options/dialect"),
        ({"ways": {"model": 0}}, "/options/ways"),
        ({"levels": {"easy": 1, "harder": 1}}, "/options/levels/harder"),
    ],
)
def test_options_that_cannot_be_are_refused(options: dict[str, Any], pointer: str, client: Any) -> None:
    corpus = client.post("/v1/corpora", json={}).json()["id"]
    client.put(f"/v1/corpora/{corpus}/documents/a.sql", content=b"CREATE TABLE t (a INT);")
    reply = client.post("/v1/datasets", json={"corpus_id": corpus, "task": "text_to_sql", "options": options})
    assert reply.status_code == 422
    assert reply.json()["errors"][0]["pointer"].startswith(pointer)
