"""An asker over a fake model server, as a unit has one."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from app.db import engine, transaction
from app.keys.service import tenant
from app.llm.asking import Asker
from app.llm.budget import Budget
from app.llm.ledger import Ledger
from app.llm.pool import Pools, Roles
from app.models import Corpus, Dataset
from app.settings import settings
from tests.conftest import forget_process_state


def ask(url: str, test: Callable[[Asker], Awaitable[Any]], budget: Budget | None = None) -> Any:
    """What `test` gives, of an asker of dataset `dst_1` over the server at `url`."""

    async def inside() -> Any:
        pools, ledger = Pools(settings()), Ledger(engine(), 0.0)
        asker = Asker(
            ledger=ledger, roles=Roles(pools, "fake"), tenant_id="default", dataset_id="dst_1", unit_id="unt_1",
            place=0, left=1, budget=budget or Budget(None, None),
        )  # fmt: skip
        try:
            return await test(asker)
        finally:
            await pools.close()
            await asyncio.to_thread(ledger.close, threading.Event())

    return asyncio.run(inside())


@pytest.fixture
def dataset(environment: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    with transaction() as session:
        tenant(session, "default")
        session.add(Corpus(id="crp_1", tenant_id="default", name="c"))
        session.flush()
        session.add(Dataset(id="dst_1", tenant_id="default", corpus_id="crp_1", name="d", task="grounded_qa", spec={}))
    return environment


def at(environment: pytest.MonkeyPatch, **values: str) -> None:
    for name, value in values.items():
        environment.setenv(f"CORPUSMITH_{name.upper()}", value)
    forget_process_state()
