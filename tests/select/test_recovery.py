"""A selection that is killed, cancelled or taken over half-way, on both databases and without any model."""

from typing import Any

import pytest
from sqlalchemy import func, insert, select

from app.datasets import service as datasets
from app.db import reading, transaction
from app.models import Context, Corpus, Dataset, Sample, Tenant, Unit
from app.models.tenants import DEFAULT_TENANT
from tests.select.texts import Writer
from workers import finish
from workers.select import record

ROWS, EACH = 600, 4


def candidates(name: str, **spec: Any) -> str:
    """A dataset that is selecting, with ROWS accepted rows of which every tenth is a copy; its id."""
    writer, texts = Writer(1), list[str]()
    tenant = {"tenant_id": DEFAULT_TENANT}
    dataset_id = f"dst_{name}"
    whole = {"model": "fake", "options": {}, "validation_share": 0.2, "seed": 0, "rows": None} | spec
    with transaction() as session:
        if session.get(Tenant, DEFAULT_TENANT) is None:
            session.add(Tenant(id=DEFAULT_TENANT))
            session.flush()
        session.add(Corpus(id=f"crp_{name}", name="c", **tenant))
        session.flush()
        counts = {"accepted": ROWS, "units_total": ROWS // EACH, "units_done": ROWS // EACH}
        made = {"id": dataset_id, "corpus_id": f"crp_{name}", "name": "d", "task": "grounded_qa", "status": "selecting"}
        session.add(Dataset(**made, **tenant, **counts, spec=whole))
        session.flush()
        samples = []
        for at in range(ROWS // EACH):
            own = tenant | {"dataset_id": dataset_id}
            context, unit = {"id": f"ctx_{name}{at}"}, {"id": f"unt_{name}{at}"}
            place = {"position": at, "chunk_ids": [f"chk_{at}"], "quality": 1.0, "language": "en"}
            session.execute(insert(Context), [own | context | place])
            session.execute(
                insert(Unit), [own | unit | {"context_id": context["id"], "position": at, "status": "done"}]
            )
            for key in range(EACH):
                texts.append(texts[-7] if len(texts) % 10 == 9 else writer.row())
                samples.append(
                    own | {"unit_id": unit["id"], "context_id": context["id"], "key": key, "state": "accepted",
                           "kind": "original", "question": texts[-1], "answer": "yes", "sources": [], "attributes": {}}
                )  # fmt: skip
        session.execute(insert(Sample), samples)
    return dataset_id


def outcome(dataset_id: str) -> list[tuple[Any, ...]]:
    """What became of each row, by its place."""
    query = (
        select(Unit.position, Sample.key, Sample.state, Sample.reason, Sample.split)
        .join(Unit, Unit.id == Sample.unit_id)
        .where(Sample.dataset_id == dataset_id)
        .order_by(Unit.position, Sample.key)
    )
    with reading() as session:
        return [tuple(row) for row in session.execute(query)]


def assert_counters_are_true(dataset_id: str) -> None:
    with reading() as session:
        dataset = session.get_one(Dataset, dataset_id)
        mine = Sample.dataset_id == dataset_id
        assert dataset.accepted == session.scalar(select(func.count()).where(mine, Sample.state == "accepted"))
        by_reason = select(Sample.reason, func.count()).where(mine, Sample.state == "dropped").group_by(Sample.reason)
        assert dataset.dropped == {reason: count for reason, count in session.execute(by_reason)}


class Killed(Exception):
    pass


@pytest.mark.parametrize("after", [1, 3, 6, 11])
def test_a_selection_killed_half_way_ends_as_if_it_had_not_been(
    rings: list[Any], environment: pytest.MonkeyPatch, after: int
) -> None:
    environment.setattr(record, "AT_ONCE", 40)
    wanted = {"rows": 300, "selection": {"balance": "document", "max_per_document": 3}}
    straight, broken = candidates("straight", **wanted), candidates("broken", **wanted)
    finish.run(straight)
    left, fenced = after, record.fenced

    def until_killed(held: record.Lease) -> Any:
        nonlocal left
        left -= 1
        if left < 0:
            raise Killed
        return fenced(held)

    environment.setattr(record, "fenced", until_killed)
    with pytest.raises(Killed):
        finish.run(broken)
    assert_counters_are_true(broken)
    environment.setattr(record, "fenced", fenced)
    with transaction() as session:  # as if the lease had run out
        session.get_one(Dataset, broken).owner = None
    finish.run(broken)
    assert outcome(broken) == outcome(straight)
    with reading() as session:
        assert session.get_one(Dataset, broken).status == "succeeded"
        assert session.get_one(Dataset, broken).accepted == 300
    assert_counters_are_true(broken)


def test_a_cancelled_selection_writes_nothing_more(rings: list[Any], environment: pytest.MonkeyPatch) -> None:
    environment.setattr(record, "AT_ONCE", 10)
    dataset_id = candidates("cancelled")
    drop = record.drop

    def cancel_then_drop(held: record.Lease, drops: Any) -> None:
        with transaction() as session:
            datasets.cancel(session, DEFAULT_TENANT, dataset_id)
        drop(held, drops)

    environment.setattr(record, "drop", cancel_then_drop)
    finish.run(dataset_id)
    with reading() as session:
        assert session.get_one(Dataset, dataset_id).status == "cancelled"
        assert session.get_one(Dataset, dataset_id).accepted == ROWS
    assert {row[2] for row in outcome(dataset_id)} == {"accepted"}
    assert_counters_are_true(dataset_id)


def test_semantic_on_without_an_embedder_fails_the_dataset_and_says_so(
    rings: list[Any], environment: pytest.MonkeyPatch
) -> None:
    from workers.select import paraphrases

    environment.setattr(paraphrases, "find_spec", lambda name: None)
    failed, went_on = candidates("on", selection={"semantic": "on"}), candidates("auto", selection={"semantic": "auto"})
    finish.run(failed)
    finish.run(went_on)
    with reading() as session:
        error = session.get_one(Dataset, failed).error
        assert error is not None
        assert (error["code"], error["param"]) == ("selection_failed", "selection.semantic")
        assert session.get_one(Dataset, went_on).status == "succeeded"
