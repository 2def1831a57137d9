"""Units that end at about the same time are written together, and none of them is the worse for another."""

import asyncio
import hashlib
import threading
from typing import Any

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.exc import DBAPIError, StatementError

from app import catalog, domain
from app.datasets.schemas import DatasetCreate
from app.db import engine, reading, transaction
from app.keys.service import tenant
from app.llm.ledger import Ledger
from app.models import Chunk, Context, Corpus, Dataset, Document, Sample, Unit
from workers import units
from workers.claim import Claimed, claim
from workers.finisher import Finisher
from workers.recipes import Outcome

TEXT = "The ferry Aurora leaves Norvik at 07:40 every weekday."
ROW = domain.Sample(question="When does the ferry Aurora leave?", answer="At 07:40.", kind="original")


@pytest.fixture
def claimed(rings: list[Any]) -> list[Claimed]:
    """Four units of one dataset, under the lease of "me"."""
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
            id="dst_1", tenant_id="default", corpus_id="crp_1", name="d", task="grounded_qa", status="generating",
            spec=spec | {"model": "fake"}, units_total=4,
        ))  # fmt: skip
        session.flush()
        session.add(Chunk(
            id="chk_0", tenant_id="default", document_id="doc_1", recipe="r", position=0, start=0, end=len(TEXT),
            text=TEXT, sha256=hashlib.sha256(TEXT.encode()).hexdigest(),
        ))  # fmt: skip
        for i in range(4):
            session.add(Context(
                id=f"ctx_{i}", tenant_id="default", dataset_id="dst_1", position=i, chunk_ids=["chk_0"], quality=1.0,
                language="en",
            ))  # fmt: skip
            session.flush()
            session.add(Unit(id=f"unt_{i}", tenant_id="default", dataset_id="dst_1", context_id=f"ctx_{i}", position=i))
    return claim("me", limit=4, tail=0)


def finished(unit: Claimed, *kept: domain.Sample, reasons: tuple[str, ...] = (), **more: Any) -> units.Finished:
    dropped = [domain.Dropped(**ROW.model_dump(), reason=reason, detail="") for reason in reasons]
    return units.Finished(unit, Outcome(kept=list(kept), dropped=dropped), **({"replayed": 0} | more))


def ending(*ends: units.Finished) -> list[Any]:
    """What `finish` returned or raised for each of them, all ended at once."""

    async def run() -> list[Any]:
        ledger = Ledger(engine(), 0.01)
        finisher = Finisher(ledger, "me")
        found = await asyncio.gather(*map(finisher.finish, ends), return_exceptions=True)
        await asyncio.to_thread(ledger.close, threading.Event())
        return found

    return asyncio.run(run())


def dataset() -> Dataset:
    with reading() as session:
        return session.scalars(select(Dataset)).one()


def rows() -> dict[str, int]:
    with reading() as session:
        counted = session.execute(select(Sample.unit_id, func.count()).group_by(Sample.unit_id))
        return {unit_id: n for unit_id, n in counted}


def test_units_that_end_together_are_counted_each_and_the_last_one_is_told_once(claimed: list[Claimed]) -> None:
    one, two, three, four = claimed
    assert ending(finished(one, ROW, ROW, replayed=3)) == [False]
    last = ending(
        finished(two, ROW, reasons=("echo", "no_gain"), replayed=1), finished(three, reasons=("echo",)), finished(four)
    )
    assert sorted(last) == [False, False, True]
    found = dataset()
    assert (found.units_done, found.status, found.accepted) == (4, "selecting", 3)
    assert (found.dropped, found.replayed_calls) == ({"echo": 2, "no_gain": 1}, 4)
    assert rows() == {one.id: 2, two.id: 3, three.id: 1}


def test_a_unit_that_another_has_taken_over_leaves_no_row_and_its_company_is_kept(claimed: list[Claimed]) -> None:
    one, two, *_ = claimed
    with transaction() as session:
        session.execute(update(Unit).where(Unit.id == one.id).values(owner="another", attempt=2))
    assert ending(finished(one, ROW), finished(two, ROW)) == [False, False]
    assert (dataset().units_done, rows()) == (1, {two.id: 1})
    with reading() as session:
        assert session.get_one(Unit, one.id).owner == "another"


def test_a_row_that_the_database_refuses_ends_only_its_own_unit(claimed: list[Claimed]) -> None:
    one, two, three, _ = claimed
    bad = ROW.model_copy(update={"kind": object()})
    ends = ending(finished(one, ROW), finished(two, bad), finished(three, ROW))
    assert isinstance(ends[1], (DBAPIError, StatementError))
    assert (ends[0], ends[2]) == (False, False)
    assert (dataset().units_done, rows()) == (2, {one.id: 1, three.id: 1})


def test_units_of_a_cancelled_dataset_leave_nothing(claimed: list[Claimed]) -> None:
    with transaction() as session:
        session.execute(update(Dataset).values(status="cancelled"))
    assert ending(*(finished(unit, ROW) for unit in claimed)) == [False] * 4
    assert (dataset().units_done, rows()) == (0, {})
    with reading() as session:
        assert {(unit.status, unit.attempt) for unit in session.scalars(select(Unit))} == {("pending", 0)}


def test_a_budget_that_ends_in_one_of_them_gives_up_what_nobody_has_begun(claimed: list[Claimed]) -> None:
    one, two, three, four = claimed
    units.release("me", [three.id, four.id])
    assert True in ending(finished(one, ROW), finished(two, reasons=("budget_spent",), spent=True))
    found = dataset()
    assert (found.units_done, found.units_failed, found.status) == (2, 2, "selecting")
