"""The stages over a real database, without a model: masking is written, test sets are read, rounds are planned."""

import json
from typing import Any

import pytest
from sqlalchemy import select

from app import storage
from app.db import reading, transaction
from app.models import Corpus, Dataset, Document, Sample, Unit
from app.models.tenants import DEFAULT_TENANT
from tests.select.test_recovery import ROWS, assert_counters_are_true, candidates
from workers import finish
from workers.select.rounds import MOST_ROUNDS

KEY = "ghp_" + "a1B2c3D4e5F6" * 3
MAIL = "ingrid@norvik.example.org"


def rows(dataset_id: str) -> list[Sample]:
    with reading() as session:
        return list(session.scalars(select(Sample).where(Sample.dataset_id == dataset_id).order_by(Sample.id)))


def dataset_of(dataset_id: str) -> Dataset:
    with reading() as session:
        return session.get_one(Dataset, dataset_id)


def test_what_is_dropped_or_masked_can_be_read_nowhere(rings: list[Any]) -> None:
    dataset_id = candidates("masked", selection={"pii": "redact"})
    with transaction() as session:
        first, second, third = session.scalars(select(Sample).order_by(Sample.id).limit(3)).all()
        first.answer = f"The token is {KEY}."
        first.verdicts = [{"metric": "source", "score": 100.0, "passed": True, "reason": f"quote: {KEY}"}]
        second.answer, second.parent_question = f"Write to {MAIL} now.", f"Is it {MAIL}?"
        third.sources = [{"document_id": "doc_1", "start": 5, "end": 50, "sha256": "ab", "quote": f"write to {MAIL}"}]
    finish.run(dataset_id)
    found = rows(dataset_id)
    assert [found[0].state, found[0].reason, found[0].detail] == ["dropped", "secret", "GITHUB_TOKEN in answer"]
    assert found[0].answer == "The token is [GITHUB_TOKEN]."
    assert found[0].verdicts[0]["reason"] == "quote: [GITHUB_TOKEN]"
    assert [found[1].state, found[1].answer, found[1].parent_question] == [
        "accepted", "Write to [EMAIL] now.", "Is it [EMAIL]?"
    ]  # fmt: skip
    assert found[1].findings == [
        {"detector": "pii", "type": "EMAIL", "field": "answer", "start": 9, "end": 16, "action": "redact"}
    ]
    assert found[2].sources[0] == {
        "document_id": "doc_1", "start": 5, "end": 50, "sha256": "ab", "quote": "write to [EMAIL]"
    }  # fmt: skip
    assert dataset_of(dataset_id).findings == {"pii.EMAIL": 1}
    assert_counters_are_true(dataset_id)


def test_test_sets_are_read_from_the_files_as_they_were_uploaded(rings: list[Any]) -> None:
    dataset_id = candidates("tested", selection={"decontaminate": ["crp_exam"]})
    question = rows(dataset_id)[17].question
    with transaction() as session:
        session.add(Corpus(id="crp_exam", tenant_id=DEFAULT_TENANT, name="exam"))
        session.flush()
        for name, data in (("exam.jsonl", json.dumps({"a": [{"b": question}]}).encode()), ("scan.pdf", b"%PDF-broken")):
            session.add(
                Document(id=f"doc_{name}", tenant_id=DEFAULT_TENANT, corpus_id="crp_exam", name=name, status="failed",
                         sha256=storage.keep_bytes(data), size=len(data))
            )  # fmt: skip
    finish.run(dataset_id)
    same = [row for row in rows(dataset_id) if row.question == question]
    assert same
    assert {row.reason for row in same} == {"contaminated"}
    assert dataset_of(dataset_id).dropped["contaminated"] == len(same)


@pytest.mark.parametrize("rounds", [1, MOST_ROUNDS])
def test_missing_rows_are_made_from_contexts_that_may_be_asked_again(rings: list[Any], rounds: int) -> None:
    dataset_id = candidates("short", rows=ROWS + 40)
    with transaction() as session:
        for round_ in range(1, rounds):
            for unit in session.scalars(select(Unit).where(Unit.round == 0)).all():
                position = unit.position + 1000 * round_
                session.add(
                    Unit(id=f"{unit.id}_{round_}", tenant_id=DEFAULT_TENANT, dataset_id=dataset_id, status="done",
                         context_id=unit.context_id, round=round_, position=position)
                )  # fmt: skip
    finish.run(dataset_id)
    dataset = dataset_of(dataset_id)
    if rounds == MOST_ROUNDS:
        assert dataset.status == "succeeded"
        assert dataset.shortfall is not None
        assert f"of {ROWS + 40} rows" in dataset.shortfall
        assert "150 contexts, 0 of them never asked" in dataset.shortfall
        return
    assert (dataset.status, dataset.round) == ("generating", 1)
    with reading() as session:
        fresh = session.scalars(select(Unit).where(Unit.status == "pending")).all()
    missing = ROWS + 40 - dataset.accepted
    assert len(fresh) == round(missing / (dataset.accepted / 150) * 1.2)
    assert {unit.round for unit in fresh} == {1}
    assert dataset.units_total == 150 + len(fresh)
