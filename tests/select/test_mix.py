"""Mixes over real databases: shares, no repetitions, splits that are respected, and numbers where rows are missing."""

import io
import json
import os
import zipfile
from collections import Counter
from copy import deepcopy
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import insert, select

from app import storage
from app.datasets import mixes
from app.db import reading, transaction
from app.models import Context, Corpus, Dataset, Document, Export, Sample, Tenant, Unit
from app.models.tenants import DEFAULT_TENANT
from tests.select.texts import Writer
from workers import export, plan

OWN = {"tenant_id": DEFAULT_TENANT}
Row = tuple[str, str, str]  # question, answer, split


def rows(count: int, seed: int, validation: int = 0) -> list[Row]:
    """Rows that are unlike any other; the first so many are held out."""
    writer = Writer(seed)
    return [(writer.question(), writer.answer(), "validation" if i < validation else "train") for i in range(count)]


def ended(given: list[Row], **changed: Any) -> str:
    """A dataset that has ended with these rows, a context each; its id."""
    name = os.urandom(6).hex()
    found = f"dst_{name}"
    with transaction() as session:
        if session.get(Tenant, DEFAULT_TENANT) is None:
            session.add(Tenant(id=DEFAULT_TENANT))
            session.flush()
        session.add(Corpus(id=f"crp_{name}", name="c", **OWN))
        session.flush()
        spec = {"model": f"model-{name[:2]}", "options": changed.pop("options", {}), "gates": {}, "rows": None}
        made = {"corpus_id": f"crp_{name}", "name": "d", "task": "grounded_qa", "status": "succeeded"} | changed
        session.add(Dataset(id=found, spec=spec, **{"accepted": len(given)} | made | OWN))
        session.flush()
        own = OWN | {"dataset_id": found}
        places = list(enumerate(given))
        session.execute(
            insert(Context),
            [own | {"id": f"ctx_{name}{i}", "position": i, "chunk_ids": [], "quality": 1.0, "language": "en"}
             for i, _ in places],
        )  # fmt: skip
        session.execute(
            insert(Unit),
            [own | {"id": f"unt_{name}{i}", "context_id": f"ctx_{name}{i}", "position": i} for i, _ in places],
        )  # fmt: skip
        session.execute(
            insert(Sample),
            [
                own | {"unit_id": f"unt_{name}{i}", "context_id": f"ctx_{name}{i}", "key": 0, "state": "accepted"}
                | {"kind": "original", "question": question, "answer": answer, "split": split,
                   "lineage": {"prompts": {"ask/grounded@1": "0" * 64}, "models": {}}}
                for i, (question, answer, split) in places
            ],
        )  # fmt: skip
    return found


def mixed(client: TestClient, weights: dict[str, float], seed: int = 0, **wanted: Any) -> dict[str, Any]:
    """The mix, once it has been made."""
    options = wanted.pop("options", {})
    sources = [{"dataset_id": source, "weight": weight} for source, weight in weights.items()]
    body = {"task": "mix", "options": options | {"sources": sources}, "seed": seed} | wanted
    reply = client.post("/v1/datasets", json=body)
    assert reply.status_code == 201, reply.text
    plan.run(reply.json()["id"])
    found: dict[str, Any] = client.get(f"/v1/datasets/{reply.json()['id']}").json()
    return found


def taken(dataset: dict[str, Any]) -> list[Sample]:
    with reading() as session:
        query = select(Sample).join(Unit, Unit.id == Sample.unit_id).where(Sample.dataset_id == dataset["id"])
        return list(session.scalars(query.order_by(Unit.position, Sample.key)))


def words(found: list[Sample], split: str | None = None) -> list[tuple[str, str]]:
    return [(row.question, row.answer) for row in found if split in (None, row.split)]


def test_shares_are_those_of_the_weights_and_the_seed_decides_which_rows(client: TestClient) -> None:
    a, b, c = (ended(rows(90, seed)) for seed in (1, 2, 3))
    weights = {a: 2, b: 1, c: 0.5}
    first = mixed(client, weights, rows=101)
    assert (first["status"], first["accepted"], first["shortfall"]) == ("succeeded", 101, None)
    found = taken(first)
    shares = Counter(row.attributes["mixed_from"]["dataset_id"] for row in found)
    assert [shares[one] for one in (a, b, c)] == [58, 29, 14]
    assert [part["taken"] for part in first["parts"]] == [58, 29, 14]
    early = Counter(row.attributes["mixed_from"]["dataset_id"] for row in found[:35])
    assert [abs(early[one] - share) <= 1 for one, share in ((a, 20), (b, 10), (c, 5))] == [True] * 3
    assert len(set(words(found))) == 101
    assert words(taken(mixed(client, weights, rows=101))) == words(found)
    assert set(words(taken(mixed(client, weights, rows=101, seed=1)))) != set(words(found))
    assert first["model"].count("model-") == 3
    assert client.get(f"/v1/datasets/{a}").json()["sealed"]


def test_without_a_number_a_mix_is_as_large_as_its_weights_allow(client: TestClient) -> None:
    a, b = ended(rows(30, 1)), ended(rows(90, 2))
    assert mixed(client, {a: 1, b: 2})["accepted"] == 90
    assert mixed(client, {a: 1})["accepted"] == 30


def test_a_row_that_two_have_is_there_once_and_held_out_if_it_is_anywhere(client: TestClient) -> None:
    common = rows(20, 5)
    a = ended([*rows(40, 1, validation=4), *common])
    b = ended([*rows(40, 2), *((q, answer, "validation") for q, answer, _ in common)])
    found = mixed(client, {a: 1, b: 1}, rows=500)
    kept = taken(found)
    assert len(set(words(kept))) == len(kept) == found["accepted"] == 100
    assert sum(part["duplicates"] for part in found["parts"]) == 20
    held = set(words(kept, "validation"))
    assert held == {(q, answer) for q, answer, _ in common} | {row[:2] for row in rows(40, 1, validation=4)[:4]}
    few = mixed(client, {a: 1, b: 1}, rows=40)
    elsewhere = {(q, answer) for q, answer, _ in common}
    assert not elsewhere & set(words(taken(few), "train")), "held out where it was not taken from counts too"


def test_rows_that_are_missing_are_counted_and_repeated_only_if_that_is_asked_for(client: TestClient) -> None:
    a, b = ended(rows(10, 1, validation=2)), ended(rows(100, 2))
    short = mixed(client, {a: 1, b: 1}, rows=80)
    assert (short["status"], short["accepted"]) == ("succeeded", 50)
    assert [part["missing"] for part in short["parts"]] == [30, 0]
    assert f"{a} had 10 rows" in short["shortfall"]
    full = mixed(client, {a: 1, b: 1}, rows=80, options={"repeat": 5})
    assert (full["accepted"], full["shortfall"]) == (80, None)
    assert (full["parts"][0]["taken"], full["parts"][0]["repeated"]) == (40, 30)
    times = Counter(words([row for row in taken(full) if row.attributes["mixed_from"]["dataset_id"] == a]))
    assert max(times.values()) <= 5
    validation = {row[:2] for row in rows(10, 1, validation=2)[:2]}
    assert all(times[row] == 1 for row in validation), "what is held out is not repeated"
    assert mixed(client, {a: 1, b: 1}, rows=80, options={"repeat": 2})["parts"][0]["missing"] == 22


def test_other_datasets_and_test_sets_are_kept_out(client: TestClient) -> None:
    common = rows(10, 9)
    a, other = ended([*rows(30, 1), *common]), ended(common)
    found = mixed(client, {a: 1}, rows=40, selection={"deduplicate_against": [other]})
    assert (found["accepted"], found["parts"][0]["duplicates"]) == (30, 10)


def test_a_mix_that_was_begun_before_begins_anew_and_is_exported_like_any_dataset(client: TestClient) -> None:
    a = ended(rows(250, 1, validation=20))
    sources = [{"dataset_id": a}]
    asked = client.post("/v1/datasets", json={"task": "mix", "options": {"sources": sources}}).json()["id"]
    with transaction() as session:  # what a worker that was killed had copied
        own = OWN | {"dataset_id": asked}
        session.execute(
            insert(Context), [own | {"id": "ctx_x", "position": 0, "chunk_ids": [], "quality": 1, "language": ""}]
        )
        session.execute(insert(Unit), [own | {"id": "unt_x", "context_id": "ctx_x", "position": 0}])
        stray = {"unit_id": "unt_x", "context_id": "ctx_x", "key": 0, "state": "accepted", "kind": "original"}
        session.execute(insert(Sample), [own | stray | {"question": "Stray?", "answer": "Yes."}])
    plan.run(asked)
    assert client.get(f"/v1/datasets/{asked}").json()["accepted"] == 250
    made = client.post(f"/v1/datasets/{asked}/exports", json={"format": "messages"}).json()["id"]
    export.run(made)
    with reading() as session:
        files = session.get_one(Export, made).files
    assert {name: files[f"{name}.jsonl"]["rows"] for name in ("train", "validation")} == {
        "train": 230,
        "validation": 20,
    }
    text = b"".join(storage.storage().read(files["data.jsonl"]["blob"]))
    assert b"Stray" not in text
    report = client.get(f"/v1/datasets/{asked}/report")
    assert (report.status_code, report.json()["accepted"]) == (200, 250), report.text
    first = client.get(f"/v1/datasets/{asked}/samples").json()["data"][0]["id"]
    assert client.get(f"/v1/datasets/{asked}/samples/{first}/sources").status_code == 200
    again = client.post(f"/v1/datasets/{asked}/rebuild", json={})
    assert again.status_code == 201, again.text
    plan.run(again.json()["id"])
    compared = client.get(f"/v1/datasets/{asked}/diff/{again.json()['id']}").json()["counts"]
    assert compared == {"added": 0, "removed": 0, "changed": 0, "kept": 250}


def test_the_papers_of_a_mix_name_the_documents_of_every_source(client: TestClient) -> None:
    """Of a mix of a mix as well; and each corpus knows what the mix cites of it."""
    a, b, c = (ended(rows(8, seed)) for seed in (1, 2, 3))
    corpora = {name: client.get(f"/v1/datasets/{name}").json()["corpus_id"] for name in (a, b, c)}
    with transaction() as session:
        for name in (b, c):  # the same name twice: two documents nevertheless
            digest = os.urandom(32).hex()
            there = {"name": "fares.md", "sha256": digest, "size": 1, "status": "parsed", "text_sha256": digest}
            session.add(Document(id=f"doc_{name}", corpus_id=corpora[name], characters=0, **there, **OWN))
    inner = mixed(client, {b: 1, a: 1})["id"]
    outer = mixed(client, {c: 1, inner: 1})["id"]
    with reading() as session:
        assert mixes.corpora(session, session.get_one(Dataset, outer)) == [corpora[name] for name in (c, b, a)]
    for name in (a, b, c):
        assert client.get(f"/v1/corpora/{corpora[name]}/coverage", params={"dataset": inner}).status_code == (
            404 if name == c else 200
        )
    wanted = {"format": "messages", "bundle": {"title": "Mixed"}}
    made = client.post(f"/v1/datasets/{outer}/exports", json=wanted).json()["id"]
    export.run(made)
    with reading() as session:
        packed = session.get_one(Export, made).files["bundle.zip"]["blob"]
    with zipfile.ZipFile(io.BytesIO(b"".join(storage.storage().read(packed)))) as file:
        lines = file.read("provenance/documents.jsonl").splitlines()
        assert [json.loads(line)["id"] for line in lines] == [f"doc_{c}", f"doc_{b}"]
        assert 'The corpora "c", "c", "c" have 2 documents' in file.read("README.md").decode()


@pytest.mark.parametrize(
    ("wanted", "pointer"),
    [
        ({"gates": {"length": 5}}, "/gates/length"),
        ({"corpus_id": "crp_x"}, "/corpus_id"),
        ({"validation_share": 0.3}, "/validation_share"),
        ({"selection": {"balance": "kind"}}, "/selection/balance"),
        ({"options": {"sources": []}}, "/options/sources"),
        ({"options": {}}, "/options/sources"),
        ({"options": {"sources": [{"dataset_id": "a"}, {"dataset_id": "a"}]}}, "/options/sources"),
        ({"options": {"sources": [{"dataset_id": "a", "weight": 0}]}}, "/options/sources/0/weight"),
        ({"options": {"sources": [{"dataset_id": "EMPTY"}]}}, "/options/sources/0/dataset_id"),
        ({"options": {"sources": [{"dataset_id": "PAIRS"}, {"dataset_id": "ROWS"}]}}, "/options/sources/1"),
    ],
)
def test_what_makes_no_mix_is_refused_at_once(client: TestClient, wanted: dict[str, Any], pointer: str) -> None:
    named = {
        "EMPTY": ended(rows(1, 3), accepted=0, status="cancelled"),
        "PAIRS": ended(rows(2, 1), task="import_rows", options={"records": "preference"}),
        "ROWS": ended(rows(2, 2)),
    }
    options: dict[str, Any] = deepcopy(wanted.get("options", {"sources": [{"dataset_id": "ROWS"}]}))
    for source in options.get("sources", ()):
        source["dataset_id"] = named.get(source["dataset_id"], source["dataset_id"])
    reply = client.post("/v1/datasets", json={"task": "mix"} | wanted | {"options": options})
    assert reply.status_code == 422, reply.text
    assert reply.json()["errors"][0]["pointer"] == pointer


def test_a_source_that_is_not_there_is_not_found_and_other_tasks_need_a_corpus(client: TestClient) -> None:
    gone = client.post("/v1/datasets", json={"task": "mix", "options": {"sources": [{"dataset_id": "dst_x"}]}})
    assert (gone.status_code, gone.json()["error"]["param"]) == (404, "options.sources.0.dataset_id")
    bare = client.post("/v1/datasets", json={"task": "grounded_qa"})
    assert (bare.status_code, bare.json()["errors"][0]["pointer"]) == (422, "/corpus_id")
