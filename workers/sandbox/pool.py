"""Warm SQL sandboxes of this process, one for each database and engine, asked without blocking the event loop."""

import asyncio
import threading
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor

from app import storage
from workers.sandbox.sql import Limits, Result, SqlSandbox, engine_of

MOST = 6  # warm at once; each holds its database in memory


class _Place:
    """A sandbox and the one thread that asks it: a slow query holds up those of its own database and no others."""

    def __init__(self, image: str, engine: str) -> None:
        self.sandbox = SqlSandbox(lambda: storage.storage().local(image), engine)
        self.thread = ThreadPoolExecutor(1, "sql")

    def close(self) -> None:
        """End it once it has answered what it was asked."""
        self.thread.submit(self.sandbox.close)
        self.thread.shutdown(wait=False)


class Pool:
    """Keeps the sandboxes that were used last. Safe for threads."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._warm: OrderedDict[tuple[str, str], _Place] = OrderedDict()
        self._lock = threading.Lock()

    async def run(
        self,
        image: str,
        sql: str,
        dialect: str,
        limits: Limits,
        *,
        write: str | None = None,
        examine: bool = True,
    ) -> Result:
        """Run `sql` over the stored SQLite file `image`, as SqlSandbox.run does; it raises what that raises."""
        with self._lock:  # until it is asked, or it could be closed in between
            place = self._place(image, engine_of(dialect))
            asked = place.thread.submit(place.sandbox.run, sql, limits, dialect=dialect, write=write, examine=examine)
        return await asyncio.wrap_future(asked)

    def _place(self, image: str, engine: str) -> _Place:
        found = self._warm.pop((image, engine), None) or _Place(image, engine)
        self._warm[image, engine] = found
        while len(self._warm) > self._most:
            self._warm.popitem(last=False)[1].close()
        return found

    def close(self) -> None:
        """End all of them; each starts anew when it is asked again."""
        with self._lock:
            for place in self._warm.values():
                place.close()
            self._warm.clear()


POOL = Pool()
