"""One file more in the folder of formats is all it takes: the API offers it, the worker writes it, files are loaded."""

from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

import app.catalog.formats as folder
from app import catalog
from app.catalog.kinds import ExportFormat
from app.catalog.registry import Registry
from app.db import transaction
from tests.readers.shelf import COUNT, HELD_OUT, a_dataset
from workers import export

FILE = '''"""Question and answer as two columns."""

from typing import Any

from app.catalog.kinds import ExportFormat
from app.domain import Sample


def render(sample: Sample) -> dict[str, Any]:
    return {"q": sample.question, "a": sample.answer}


QUIZ = ExportFormat(summary="Two columns.", render=render, loads_with="anything")
'''


@pytest.fixture
def database_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'test.db'}"


@pytest.fixture
def quiz(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder of formats with a file more, and the catalogue as a process that starts now reads it."""
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "quiz.py").write_text(FILE)
    monkeypatch.setattr(folder, "__path__", [*folder.__path__, str(tmp_path / "more")])
    monkeypatch.setattr(catalog, "FORMATS", Registry(ExportFormat, "app.catalog.formats"))


def test_a_new_format_is_offered_written_and_loaded(client: TestClient, quiz: None, tmp_path: Path) -> None:
    from datasets import load_dataset

    assert client.get("/v1/catalog").json()["formats"]["quiz"]["loads_with"] == "anything"
    with transaction() as session:
        dataset = a_dataset(session, "chat")
    for container in ("jsonl", "jsonl.gz", "parquet", "csv"):
        wanted: dict[str, Any] = {"format": "quiz", "container": container, "bundle": {}}
        made = client.post(f"/v1/datasets/{dataset}/exports", json=wanted)
        assert made.status_code == 201, made.text
        export.run(made.json()["id"])
        found = client.get(f"/v1/exports/{made.json()['id']}").json()
        assert (found["status"], found["rows"]) == ("succeeded", COUNT), found
        assert found["options"]["bundle"]["trainers"] == [], "no trainer knows it yet; the bundle is made all the same"
        path = tmp_path / f"train.{container}"
        path.write_bytes(client.get(found["files"][path.name]["url"]).content)
        builder = container if container in ("parquet", "csv") else "json"
        rows = load_dataset(builder, data_files=str(path), split="train", cache_dir=str(tmp_path / "cache"))
        assert (rows.column_names, len(rows)) == (["q", "a"], COUNT - HELD_OUT)
        assert rows[1]["a"] == "At 1 o'clock,\nfrom pier 1."
    manifest = client.get(f"/v1/exports/{made.json()['id']}/manifest.json").json()
    assert manifest["format"] == "quiz"
