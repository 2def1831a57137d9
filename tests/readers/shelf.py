"""Finished datasets of every row shape, and the exports that the worker writes of them, unpacked from their bundles."""

import json
import os
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert

from app import catalog, ids, migrate, storage
from app.db import reading, transaction
from app.models import Context, Corpus, Dataset, Export, Sample, Unit
from app.models.tenants import DEFAULT_TENANT, Tenant
from app.settings import settings
from tests.conftest import forget_process_state
from workers import export

Json = dict[str, Any]
TENANT = {"tenant_id": DEFAULT_TENANT}
COUNT, HELD_OUT = 8, 2


def _turn(role: str, content: str) -> Json:
    return {"role": role, "content": content}


def _conversation(i: int) -> list[Json]:
    """Every second one is a single exchange; the others have a system message and two exchanges."""
    last = [
        _turn("user", f'When does ferry {i} "Аврора" leave?'),
        _turn("assistant", f"At {i} o'clock,\nfrom pier {i}."),
    ]
    first = [_turn("system", "You know the ferries."), _turn("user", "Is there a ferry?"), _turn("assistant", "Yes.")]
    return last if i % 2 else [*first, *last]


def _called(i: int, row: Json) -> Json:
    """A question, a call of a tool, its result and the answer; every row has other arguments."""
    name = ("departures", "fare")[i % 2]
    schema = {"type": "object", "properties": {f"day{i}": {"type": "string"}}}
    arguments = json.dumps({f"day{i}": "Sunday"})
    call = {"id": f"call_{i}", "type": "function", "function": {"name": name, "arguments": arguments}}
    return {
        "tools": [{"type": "function", "function": {"name": name, "description": "Ask.", "parameters": schema}}],
        "messages": [
            _turn("user", row["question"]),
            _turn("assistant", "") | {"tool_calls": [call]},
            _turn("tool", json.dumps({"at": i})) | {"tool_call_id": call["id"]},
            _turn("assistant", row["answer"]),
        ],
    }


def rows(shape: str) -> list[Json]:
    """Columns of rows: question, answer and attributes."""
    found = []
    for i in range(COUNT):
        told = _conversation(i)
        row: Json = {"question": told[-2]["content"], "answer": told[-1]["content"], "attributes": {"messages": told}}
        row["attributes"] |= {"database": "ferries", "schema": "CREATE TABLE trips (at int)", "dialect": "sqlite"}
        row["attributes"] |= {"level": "easy"}
        if shape == "tools":
            row["attributes"] |= _called(i, row)
        if shape == "preference":
            row["attributes"] |= {"rejected": f"In the evening, ferry {i}.", "margin": i / 2}
        if shape == "trajectories":
            other = [_turn("assistant", "Perhaps."), _turn("user", "When?"), _turn("assistant", f"At {i + 1}.")]
            row["attributes"] |= {"rejected": f"At {i + 1}.", "rejected_turns": other, "prompt_turns": len(told) - 1}
        if shape == "text":
            row |= {"question": "", "answer": f"Ferry {i} leaves at {i}. " * 5, "attributes": {}}
        found.append(row)
    return found


class Shelf:
    """`shelf.bundle("messages", "parquet", "chat")` is a folder; asked twice it is the same one."""

    def __init__(self, folder: Path, base_model: str) -> None:
        self.folder, self.base_model = folder, base_model
        self._made: dict[tuple[str, str, str], Path] = {}
        with self._process():
            migrate.upgrade(settings().database_url)

    @contextmanager
    def _process(self) -> Iterator[None]:
        """This process with a database and a store of its own, for as long as it takes."""
        with pytest.MonkeyPatch.context() as patched:
            for name in [name for name in os.environ if name.startswith("CORPUSMITH_")]:
                patched.delenv(name)
            patched.setenv("CORPUSMITH_DATA_DIR", str(self.folder))
            forget_process_state()
            self.folder.mkdir(exist_ok=True)
            yield
        forget_process_state()

    def bundle(self, format: str, container: str, shape: str) -> Path:
        key = (format, container, shape)
        if key not in self._made:
            with self._process():
                self._made[key] = self._unpacked(*key)
        return self._made[key]

    def _unpacked(self, format: str, container: str, shape: str) -> Path:
        asked: Json = {"base_model": self.base_model, "trainers": [], "license": "CC0-1.0"}
        asked |= dict.fromkeys(("title", "description", "author", "url"))
        asked["trainers"] = [
            name for name, entry in catalog.TRAINERS.entries.items() if entry.reads(format, shape, container)
        ]
        export_id = ids.new("exp")
        with transaction() as session:
            dataset = a_dataset(session, shape)
            options = {"container": container, "bundle": asked}
            session.add(Export(id=export_id, **TENANT, dataset_id=dataset, format=format, options=options))
        export.run(export_id)
        with reading() as session:
            made = session.get_one(Export, export_id)
            assert made.status == "succeeded", made.error
            file = made.files["bundle.zip"]
        packed, folder = self.folder / f"{export_id}.zip", self.folder / export_id
        packed.write_bytes(b"".join(storage.storage().read(file["blob"])))
        with zipfile.ZipFile(packed) as archive:
            archive.extractall(folder)
        return folder


def a_dataset(session: Any, shape: str) -> str:
    """A finished dataset of these rows, made once; its id."""
    dataset = f"dst_{shape}"
    if session.get(Dataset, dataset):
        return dataset
    if not session.get(Tenant, DEFAULT_TENANT):
        session.add(Tenant(id=DEFAULT_TENANT))
        session.flush()
    spec = {"model": "fake", "options": {}, "gates": {"faithfulness": 4.0}}
    corpus, unit = f"crp_{shape}", f"unt_{shape}"
    of = TENANT | {"dataset_id": dataset}
    session.execute(insert(Corpus), [TENANT | {"id": corpus, "name": "ferries"}])
    made = TENANT | {"id": dataset, "corpus_id": corpus, "name": "Ferries", "task": "grounded_qa", "spec": spec}
    session.execute(insert(Dataset), [made | {"status": "succeeded", "accepted": COUNT}])
    context = {"id": f"ctx_{shape}", "position": 0, "chunk_ids": [], "quality": 1.0, "language": "en"}
    session.execute(insert(Context), [of | context])
    session.execute(insert(Unit), [of | {"id": unit, "context_id": context["id"], "position": 0, "status": "done"}])
    lineage = {"prompts": {"ask/grounded@1": "0" * 64}, "models": {"generator": "fake"}}
    beside = {"unit_id": unit, "context_id": context["id"], "state": "accepted", "kind": "original"}
    beside |= {"sources": [], "verdicts": [], "lineage": lineage}
    session.execute(
        insert(Sample),
        [
            of | beside | row | {"key": i, "split": "train" if i < COUNT - HELD_OUT else "validation"}
            for i, row in enumerate(rows(shape))
        ],
    )
    return dataset


def lines(folder: Path, split: str = "train") -> list[Json]:
    """The rows of a bundle in plain JSON lines."""
    return [json.loads(line) for line in (folder / "data" / f"{split}.jsonl").read_text().splitlines()]
