"""Units that have ended wait a moment for company: then a few statements write the rows and counters of them all.

Nothing waits for a unit's end, and its replies are in the ledger: a crash in that moment costs no call.
"""

import asyncio
from collections import defaultdict

from app.llm.ledger import Ledger
from workers import units
from workers.units import Finished

LINGER_SECONDS = 0.25

Waiting = list[tuple[Finished, "asyncio.Future[bool]"]]


class Finisher:
    """Makes ended units of `owner` durable through `ledger`, those of a dataset together."""

    def __init__(self, ledger: Ledger, owner: str) -> None:
        self.ledger, self.owner = ledger, owner
        self._waiting: dict[str, Waiting] = defaultdict(list)
        self._timer: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def finish(self, finished: Finished) -> bool:
        """Returns once the unit's end is committed. True, for one unit of a dataset: all its units have ended.

        Raises what the database says against this unit's rows; units that it ended with are none the worse for it.
        """
        future: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting[finished.unit.dataset_id].append((finished, future))
        if self._timer is None:
            delay = LINGER_SECONDS if self.ledger.busy else 0.0
            self._timer = asyncio.get_running_loop().call_later(delay, self.flush)
        return await future

    def flush(self) -> None:
        """Hand all that waits to the ledger now."""
        if self._timer:
            self._timer.cancel()
        self._timer = None
        waiting, self._waiting = self._waiting, defaultdict(list)
        for dataset_id, some in waiting.items():
            task = asyncio.create_task(self._commit(dataset_id, some))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _commit(self, dataset_id: str, some: Waiting) -> None:
        finished = [found for found, _ in some]
        try:
            last = await self.ledger.commit(dataset_id, lambda c: units.finish(c, self.owner, finished))
        except Exception as error:
            if len(some) > 1:  # one of them may be to blame
                await asyncio.gather(*(self._commit(dataset_id, [one]) for one in some))
            elif not some[0][1].done():
                some[0][1].set_exception(error)
            return
        for _, future in some:
            if not future.done():
                future.set_result(last)
                last = False
