"""Ask models about many contexts while a dataset is planned.

An event loop with the pieces of a drain: lanes, ledger, budget, one `Asker` a context. Every reply is in the ledger
before it is used, so planning that died replays for nothing. It runs in slices, and gives its worker back between them
and while no model server answers: a cpu worker has documents to parse too.
"""

import asyncio
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Generic, TypeVar

import structlog
import uvloop
from sqlalchemy import update
from sqlalchemy.exc import SQLAlchemyError

from app import domain
from app.db import engine, reading, transaction
from app.llm.asking import Asker
from app.llm.budget import Budget
from app.llm.ledger import Ledger
from app.llm.pool import Pools, Roles
from app.models import Dataset
from app.settings import settings
from workers import shutdown

log = structlog.get_logger()

Found = TypeVar("Found")
Ask = Callable[[Asker, domain.Context], Awaitable[Found]]

UNIT = "plan"  # stands in the ledger where other calls have their unit
SHARE = 0.25  # of the dataset's budget: the rest is for rows
SLICE_SECONDS = 30.0
LISTEN_SECONDS = 0.7  # a cancel is heard within this
QUIET_CALLS = 48
WAITING = "waiting_for_model: "
KEPT = 4  # datasets of which this process remembers between slices what was found


class Later(Exception):
    """Not done yet: plan again. `waiting` says what for, when it is a model server."""

    def __init__(self, waiting: str | None) -> None:
        super().__init__(waiting or "the slice has ended")
        self.waiting = waiting


class Stopped(Exception):
    """The dataset is not to be planned any more, or not by us."""


# Between slices; the ledger is what lasts.
_remembered: OrderedDict[tuple[str, str], dict[str, Any]] = OrderedDict()


def limits(budget: dict[str, int | None]) -> tuple[int | None, int | None]:
    """Calls and tokens that planning may spend of this budget; None: no limit."""
    calls, tokens = budget["max_calls"], budget["max_tokens_total"]
    return (
        None if calls is None else max(1, int(SHARE * calls)),
        None if tokens is None else max(1, int(SHARE * tokens)),
    )


def ask_each(
    dataset: Dataset, purpose: str, contexts: Sequence[domain.Context], ask: Ask[Found], lost: threading.Event
) -> dict[str, Found]:
    """What `ask` finds out of each context, by the context's id. Raises Later, Stopped or ModelUnusable.

    `purpose` tells it from other things that the planning of this dataset asks.
    """
    mark = (dataset.id, purpose)
    known: dict[str, Found] = _remembered.setdefault(mark, {})
    _remembered.move_to_end(mark)
    while len(_remembered) > KEPT:
        _remembered.popitem(last=False)
    uvloop.run(_Asking(dataset, ask, lost, known).run(contexts))
    del _remembered[mark]
    return known


class _Asking(Generic[Found]):
    def __init__(self, dataset: Dataset, ask: Ask[Found], lost: threading.Event, known: dict[str, Found]) -> None:
        self.dataset, self.ask, self.lost, self.known = dataset, ask, lost, known
        self.tasks: dict[asyncio.Task[Found], str] = {}
        self.stopped = False
        max_calls, max_tokens = limits(dataset.spec["budget"])
        self.budget = Budget(max_calls, max_tokens)
        self.budget.spent_elsewhere(dataset.calls, dataset.prompt_tokens + dataset.completion_tokens)

    async def run(self, contexts: Sequence[domain.Context]) -> None:
        self.pools = Pools(settings())
        self.ledger = Ledger(engine(), settings().commit_linger_seconds)
        self.roles = Roles(self.pools, self.dataset.spec["model"])
        watch = asyncio.create_task(self._watch())
        try:
            await self._all(contexts)
        finally:
            for task in (watch, *self.tasks):
                task.cancel()
            await asyncio.gather(watch, *self.tasks, return_exceptions=True)
            await self.pools.close()
            await asyncio.to_thread(self.ledger.close, shutdown.requested)

    async def _all(self, contexts: Sequence[domain.Context]) -> None:
        left = deque((place, one) for place, one in enumerate(contexts) if one.id not in self.known)
        until = time.monotonic() + SLICE_SECONDS
        while left or self.tasks:
            if self.stopped:
                raise Stopped
            if self.pools.down:
                raise Later(WAITING + self.pools.down)
            lanes = self.pools.lanes.values()
            self.ledger.busy = sum(lane.inflight for lane in lanes) > QUIET_CALLS
            over = time.monotonic() > until or shutdown.requested.is_set()
            if over and not self.tasks:
                raise Later(None)
            while left and not over and len(self.tasks) < sum(lane.window.size for lane in lanes):
                place, one = left.popleft()
                self.tasks[asyncio.create_task(self._one(one, place, len(contexts) - place))] = one.id
            done, _ = await asyncio.wait(self.tasks, timeout=0.2, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                self.known[self.tasks.pop(task)] = task.result()

    async def _one(self, context: domain.Context, place: int, left: int) -> Found:
        asker = Asker(
            ledger=self.ledger,
            roles=self.roles,
            tenant_id=self.dataset.tenant_id,
            dataset_id=self.dataset.id,
            unit_id=UNIT,
            place=place,
            left=left,
            budget=self.budget,
        )
        return await self.ask(asker, context)

    async def _watch(self) -> None:
        """Hear of a cancel; stop when the lease is lost or there was no word from the database for half of one."""
        seen_at = time.monotonic()
        while not self.stopped:
            await asyncio.sleep(LISTEN_SECONDS)
            try:
                wanted = await asyncio.to_thread(self._look)
            except SQLAlchemyError as error:
                log.warning("planning.database_away", error=type(getattr(error, "orig", error)).__name__)
                wanted = time.monotonic() - seen_at < settings().lease_seconds / 2
            else:
                seen_at = time.monotonic()
            self.stopped = not wanted or self.lost.is_set()

    def _look(self) -> bool:
        """Is the dataset still to be planned? Where it waited for a model that answers now, it says so no longer."""
        with reading() as session:
            dataset = session.get_one(Dataset, self.dataset.id)
        answered = any(lane.successes for lane in self.pools.lanes.values())
        if answered and (dataset.waiting or "").startswith(WAITING):
            with transaction() as session:
                session.execute(
                    update(Dataset)
                    .where(Dataset.id == dataset.id, Dataset.status == "validating")
                    .values(waiting=None, version=Dataset.version + 1)
                )
        return dataset.status == "validating"
