"""Uploaded databases become questions with SQL that runs, in both engines."""

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.process import FakeModel
from tests.service import Service
from tests.workers import databases
from workers.sandbox.sql import SqlSandbox

DIALECTS = ("sqlite", "postgres")  # the second is executed in DuckDB


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_dump_and_a_sqlite_file_become_rows_that_run(tmp_path: Path, dialect: str) -> None:
    files = {
        "shop/dump.sql": databases.dump(),
        "school.sqlite": school(tmp_path / "school.sqlite").read_bytes(),
        "broken/a.sql": b"CREATE TABLE t (a INTEGER);\nINSERT INTO t VALUES (1, 2);\n",
        "notes.txt": b"This is no database, but a note about one of them.",
    }
    with FakeModel() as model, Service(tmp_path, model_url=model.url) as service:
        corpus = service.corpus(files)
        options = {"dialect": dialect, "ways": {"model": 1, "template": 1}, "tables_per_context": 2}
        dataset = service.dataset(corpus, task="text_to_sql", rows=24, options=options)
        found = service.finished(dataset)
        assert found["status"] == "succeeded", found
        events = service.ok(service.http.get(f"/v1/datasets/{dataset}/events"))["data"]
        left_out = {event["message"] for event in events if event["type"] == "planning.left_out"}
        assert any(said.startswith("broken/a.sql: statement 2 (INSERT INTO t VALUES (1, 2)...): ") for said in left_out)
        assert any(said.startswith("notes.txt: it is no file of a database") for said in left_out)
        rows = service.samples(dataset, state="accepted")
        assert len(rows) == 24
        assert {row["kind"] for row in rows} == {"model", "template"}
        assert {row["attributes"]["database"] for row in rows} == {"school", "shop"}
        runs_again(rows, dialect, tmp_path)
        for row in rows:
            assert not set(row["attributes"]["tables"]) & set(row["attributes"]["distractors"])
            _, user, said = row["attributes"]["messages"]
            assert said["content"] == row["answer"]
            assert user["content"] == f"{row['attributes']['schema']}\n\n{row['question']}"
            assert {verdict["metric"] for verdict in row["verdicts"]} == {"question_length", "sql_match", "sql_clarity"}


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
    shop = databases.sqlite_file(folder / "shop.sqlite")
    for name, path in (("shop", shop), ("school", folder / "school.sqlite")):
        sandbox = SqlSandbox(path, dialect)
        for row in rows:
            if row["attributes"]["database"] == name:
                result = sandbox.run(row["answer"])
                assert result.sha256 == row["attributes"]["result"]["sha256"], row
                assert result.row_count == row["attributes"]["result"]["row_count"] > 0
        sandbox.close()
