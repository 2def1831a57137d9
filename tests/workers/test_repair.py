"""Repair in one process: what the API plans, what the drain makes of it, and how the dataset ends again."""

import hashlib
from datetime import UTC, datetime
from typing import Any

import pytest
from fastapi.testclient import TestClient

from app import catalog
from app.datasets.schemas import DatasetCreate
from app.db import transaction
from app.keys.service import tenant
from app.models import Chunk, Context, Corpus, Dataset, Document, Sample, Unit
from app.prompts import load
from tests.conftest import forget_process_state
from tests.fakes.process import FakeModel
from workers import drain, finish

TEXTS = (
    "The ferry Aurora leaves Norvik at 07:40 every weekday. A single ticket for it costs 12 euros.",
    "The lighthouse of Tarnholm was built in 1911. Its keeper is called Ingrid Solheim.",
)


def dropped(key: int, question: str, reason: str | None = "no_source", **more: Any) -> Sample:
    lineage = {"prompts": {"ask/grounded@1": load("ask/grounded@1").sha256}}
    values = {"key": key, "state": "dropped", "reason": reason, "detail": "source 40: quote: ...", "kind": "original"}
    return Sample(question=question, answer="It is so.", lineage=lineage, tenant_id="default", **(values | more))


@pytest.fixture
def dataset(client: TestClient) -> str:
    """A finished dataset of two contexts: three rows without a source, one without a question, one copy, one kept."""
    task = catalog.TASKS["grounded_qa"]
    spec = DatasetCreate(corpus_id="crp_1", options=task.options().model_dump(), gates=task.gates).model_dump()
    with transaction() as session:
        tenant(session, "default")
        session.add(Corpus(id="crp_1", tenant_id="default", name="c"))
        session.flush()
        session.add(Document(
            id="doc_1", tenant_id="default", corpus_id="crp_1", name="a.txt", sha256="0" * 64, size=1, status="parsed"
        ))  # fmt: skip
        session.add(Dataset(
            id="dst_1", tenant_id="default", corpus_id="crp_1", name="d", task="grounded_qa", status="succeeded",
            spec=spec | {"model": "fake"}, units_total=2, units_done=2, accepted=1, finished_at=datetime.now(UTC),
            dropped={"no_source": 4, "duplicate": 1},
        ))  # fmt: skip
        session.flush()
        for i, text in enumerate(TEXTS):
            session.add(Chunk(
                id=f"chk_{i}", tenant_id="default", document_id="doc_1", recipe="r", position=i, start=0,
                end=len(text), text=text, sha256=hashlib.sha256(text.encode()).hexdigest(),
            ))  # fmt: skip
            session.add(Context(
                id=f"ctx_{i}", tenant_id="default", dataset_id="dst_1", position=i, chunk_ids=[f"chk_{i}"],
                quality=1.0, language="en",
            ))  # fmt: skip
            session.flush()
            session.add(Unit(
                id=f"unt_{i}", tenant_id="default", dataset_id="dst_1", context_id=f"ctx_{i}", position=i,
                status="done",
            ))  # fmt: skip
        session.flush()
        first = {"dataset_id": "dst_1", "unit_id": "unt_0", "context_id": "ctx_0"}
        second = {"dataset_id": "dst_1", "unit_id": "unt_1", "context_id": "ctx_1"}
        session.add_all([
            dropped(0, "When does the ferry Aurora leave Norvik on weekdays?", **first),
            dropped(1, "", **first),
            dropped(2, "How much is a ticket for the ferry?", "duplicate", **first),
            dropped(3, "What is the price of a single ticket?", state="accepted", reason=None, **first),
            dropped(0, "When was the lighthouse of Tarnholm built?", **second),
            dropped(1, "Who is the keeper of the lighthouse of Tarnholm?", **second),
        ])  # fmt: skip
    return "/v1/datasets/dst_1"


def work(environment: pytest.MonkeyPatch, model: FakeModel) -> None:
    """Drain what there is, and select."""
    environment.setenv("CORPUSMITH_GENERATOR_URL", model.url)
    environment.setenv("CORPUSMITH_DRAIN_IDLE_SECONDS", "0.2")
    forget_process_state()
    drain.run()
    finish.run("dst_1")


def test_each_reject_is_written_anew_and_measured_like_any_row(
    client: TestClient, dataset: str, environment: pytest.MonkeyPatch
) -> None:
    begun = client.post(f"{dataset}/repair", json={"reason": "no_source"})
    assert begun.status_code == 202, begun.text
    assert (begun.json()["status"], begun.json()["units"]["total"]) == ("generating", 4)
    assert begun.json()["finished_at"] is None
    with FakeModel() as model:
        work(environment, model)
        assert model.bill().total == 6, "one call to mend each row, and one of the judge"
    found = client.get(dataset).json()
    assert (found["status"], found["accepted"]) == ("succeeded", 4)
    assert found["repaired"] == {"no_source": {"tried": 3, "accepted": 3}}
    assert found["dropped"] == {"no_source": 4, "duplicate": 1}, "the rejects stay what they were"
    rows = client.get(f"{dataset}/samples?state=accepted&limit=50").json()["data"]
    mended = {row["attributes"]["repaired_from"]: row for row in rows if "repaired_from" in row["attributes"]}
    rejects = client.get(f"{dataset}/samples?reason=no_source&limit=50").json()["data"]
    assert set(mended) == {row["id"] for row in rejects if row["question"]}
    for reject in rejects:
        if reject["question"]:
            row = mended[reject["id"]]
            assert row["context_id"] == reject["context_id"]
            assert row["attributes"]["repaired_reason"] == "no_source"
            assert {"ask/grounded@1", "repair/row@1", "judge/grounded@1"} <= set(row["lineage"]["prompts"])
            assert row["sources"][0]["quote"] in " ".join(TEXTS)


def test_a_repair_that_fails_is_dropped_anew_and_counted(
    client: TestClient, dataset: str, environment: pytest.MonkeyPatch
) -> None:
    client.post(f"{dataset}/repair", json={"reason": "no_source", "limit": 2})
    with FakeModel({"faults": [{"fault": "refusal", "match": "failed a check"}]}) as model:
        work(environment, model)
    found = client.get(dataset).json()
    assert found["repaired"] == {"no_source": {"tried": 2, "accepted": 0}}
    assert found["dropped"]["refused"] == 2
    assert client.post(f"{dataset}/repair", json={"reason": "refused"}).status_code == 422, "no repair of a repair"
    assert client.post(f"{dataset}/repair", json={"reason": "no_source"}).json()["units"]["total"] == 5, "the third row"


@pytest.mark.parametrize("reason", ["duplicate", "not_useful", "nonsense"])
def test_what_cannot_be_repaired_is_refused_and_the_reasons_are_named(
    client: TestClient, dataset: str, reason: str
) -> None:
    refused = client.post(f"{dataset}/repair", json={"reason": reason})
    assert refused.status_code == 422
    assert refused.json()["error"]["param"] == "reason"
    assert "dropped here: no_source" in refused.text
    assert client.get(dataset).json()["status"] == "succeeded"


def test_only_a_dataset_that_has_ended_is_repaired_and_only_by_its_owner(client: TestClient, dataset: str) -> None:
    assert client.post(f"{dataset}/repair", json={"reason": "no_source"}).status_code == 202
    again = client.post(f"{dataset}/repair", json={"reason": "no_source"})
    assert (again.status_code, again.json()["error"]["code"]) == (400, "wrong_state")
    assert client.post("/v1/datasets/dst_2/repair", json={"reason": "no_source"}).status_code == 404
