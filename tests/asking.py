"""Models asked in this process, as a unit asks them."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from app.db import engine
from app.llm.asking import Asker
from app.llm.budget import Budget
from app.llm.ledger import Ledger
from app.llm.pool import Pools, Roles
from app.settings import settings
from tests.conftest import forget_process_state


def ask(test: Callable[[Asker], Awaitable[Any]], budget: Budget | None = None) -> Any:
    """What `test` gives, of an asker of dataset `dst_1` over the configured servers (`at`)."""

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


def at(environment: pytest.MonkeyPatch, **values: str) -> None:
    """This process with these settings."""
    for name, value in values.items():
        environment.setenv(f"CORPUSMITH_{name.upper()}", value)
    forget_process_state()
