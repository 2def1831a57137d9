"""Warm SQL sandboxes of this process, one for each database and engine, asked without blocking the event loop."""

import asyncio
import threading
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor

from app import storage
from workers.sandbox.sql import Limits, Result, SqlSandbox, engine_of

MOST = 6  # warm at once; each holds its database in memory
_AT_ONCE = 4  # statements that run at once in this process, of different databases


class Pool:
    """Keeps the sandboxes that were used last. Safe for threads."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._warm: OrderedDict[tuple[str, str], SqlSandbox] = OrderedDict()
        self._lock = threading.Lock()
        self._threads = ThreadPoolExecutor(_AT_ONCE, "sql")

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

        def ask() -> Result:
            return self._sandbox(image, dialect).run(sql, limits, dialect=dialect, write=write, examine=examine)

        return await asyncio.get_running_loop().run_in_executor(self._threads, ask)

    def _sandbox(self, image: str, dialect: str) -> SqlSandbox:
        key = (image, engine_of(dialect))
        with self._lock:
            found = self._warm.pop(key, None)
            if found is None:
                found = SqlSandbox(lambda: storage.storage().local(image), engine_of(dialect))
            self._warm[key] = found
            old = [self._warm.popitem(last=False)[1] for _ in range(len(self._warm) - self._most)]
        for sandbox in old:
            sandbox.close()
        return found

    def close(self) -> None:
        """End all of them; each starts anew when it is asked again."""
        with self._lock:
            for sandbox in self._warm.values():
                sandbox.close()
            self._warm.clear()


POOL = Pool()
