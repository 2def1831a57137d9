"""Group commit: one writer thread makes replies and finished units durable, many in one transaction.

`record` returns when the reply is committed, which is before anyone parses it. `find` looks keys up in batches.
A database that is away is waited for: what was paid for stays in memory until it is back.
"""

import asyncio
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import structlog
from sqlalchemy import Connection, Engine, bindparam, column, func, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.sql.dml import ReturningInsert

from app.db import slices
from app.llm.parse import Usage
from app.models import Call, Dataset

log = structlog.get_logger()

QUIET_LINGER_SECONDS = 0.002

Work = Callable[[Connection], Any]


@dataclass(slots=True)
class CallRow:
    """One paid reply, as it will stand in `calls`."""

    tenant_id: str
    call_key: bytes
    dataset_id: str
    unit_id: str
    step: str
    model: str
    reply: bytes
    usage: Usage
    status: int = 200


@dataclass(slots=True)
class _Batch:
    calls: list[tuple[CallRow, "asyncio.Future[Any]"]] = field(default_factory=list)
    works: list[tuple[str, Work, "asyncio.Future[Any]"]] = field(default_factory=list)
    finds: list[tuple[tuple[str, bytes], "asyncio.Future[Any]"]] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.calls or self.works or self.finds)


class Ledger:
    """The writer thread of one process. Futures are resolved on the event loop it was made in."""

    def __init__(self, engine: Engine, linger_seconds: float) -> None:
        self.engine, self.linger = engine, linger_seconds
        self.loop = asyncio.get_running_loop()
        self.failing_since: float | None = None
        self.busy = True
        self._next = _Batch()
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._stop, self._give_up = False, threading.Event()
        self._arrays = engine.dialect.name == "postgresql"
        self._insert = _insert_arrays() if self._arrays else _insert_rows()
        self.paying: dict[tuple[str, bytes], asyncio.Future[None]] = {}  # keys this process is paying for just now
        self._thread = threading.Thread(target=self._run, name="ledger", daemon=True)
        self._thread.start()

    async def record(self, row: CallRow) -> None:
        """Returns once `row` is committed (or was there already)."""
        future = self.loop.create_future()
        with self._lock:
            self._next.calls.append((row, future))
        self._wake.set()
        await future

    async def commit(self, dataset_id: str, work: Work) -> Any:
        """Run `work(connection)` in the next group's transaction; returns its result once that is committed."""
        future = self.loop.create_future()
        with self._lock:
            self._next.works.append((dataset_id, work, future))
        self._wake.set()
        return await future

    async def find(self, tenant_id: str, call_key: bytes) -> bytes | None:
        """The reply that was paid for under this key, or None."""
        future = self.loop.create_future()
        with self._lock:
            self._next.finds.append(((tenant_id, call_key), future))
        self._wake.set()
        found: bytes | None = await future
        return found

    def close(self, give_up: threading.Event) -> None:
        """Commit what is left and end the thread. A database that is away is waited for until `give_up` and a bit."""
        self._stop, self._give_up = True, give_up
        self._wake.set()
        self._thread.join()

    def _run(self) -> None:
        while True:
            if not self._stop:
                self._wake.wait()
                # When little is under way, a reply that waits for company only makes its successor late.
                time.sleep(self.linger if self.busy else min(self.linger, QUIET_LINGER_SECONDS))
            self._wake.clear()
            with self._lock:
                batch, self._next = self._next, _Batch()
            if batch:
                self._insist(batch)
            elif self._stop:
                return

    def _insist(self, batch: _Batch) -> None:
        """Commit the batch however long the database is away; a key or a fence makes a second try harmless."""
        delay = 0.1
        while True:
            try:
                results = self._commit(batch)
            except (OperationalError, DBAPIError) as error:
                if isinstance(error, DBAPIError) and not isinstance(error, OperationalError) and not _transient(error):
                    self._resolve([(f, error) for f in self._futures(batch)])
                    return
                self.failing_since = self.failing_since or time.monotonic()
                log.warning("ledger.database_away", error=type(error.orig).__name__, retry_in=delay)
                time.sleep(delay)
                delay = min(5.0, delay * 2)
                if self._stop and self._give_up.is_set() and delay >= 5.0:
                    self._resolve([(f, error) for f in self._futures(batch)])
                    return
            except Exception as error:
                log.exception("ledger.failed")
                self._resolve([(f, error) for f in self._futures(batch)])
                return
            else:
                self.failing_since = None
                self._resolve(results)
                return

    @staticmethod
    def _futures(batch: _Batch) -> list["asyncio.Future[Any]"]:
        return [f for _, f in batch.calls] + [f for _, _, f in batch.works] + [f for _, f in batch.finds]

    def _commit(self, batch: _Batch) -> list[tuple["asyncio.Future[Any]", Any]]:
        results: list[tuple[asyncio.Future[Any], Any]] = []
        if batch.finds:
            with self.engine.connect().execution_options(reading=True) as connection:
                found = self._look_up(connection, [key for key, _ in batch.finds])
            results += [(future, found.get(key)) for key, future in batch.finds]
        if batch.calls or batch.works:
            with self.engine.begin() as connection:
                self._lock_datasets(connection, batch)
                if batch.calls:
                    self._insert_calls(connection, [row for row, _ in batch.calls])
                    results += [(future, None) for _, future in batch.calls]
                for _, work, future in batch.works:
                    try:
                        with connection.begin_nested():
                            results.append((future, work(connection)))
                    except OperationalError:
                        raise
                    except Exception as error:
                        results.append((future, error))
        return results

    def _lock_datasets(self, connection: Connection, batch: _Batch) -> None:
        """Lock all datasets of the group in one order, so that two workers never wait for each other in a ring."""
        ids = {row.dataset_id for row, _ in batch.calls} | {dataset_id for dataset_id, _, _ in batch.works}
        if self.engine.dialect.name == "postgresql" and len(ids) > 1:
            connection.execute(select(Dataset.id).where(Dataset.id.in_(ids)).order_by(Dataset.id).with_for_update())

    def _look_up(self, connection: Connection, keys: list[tuple[str, bytes]]) -> dict[tuple[str, bytes], bytes]:
        tenants: dict[str, list[bytes]] = defaultdict(list)
        for tenant_id, key in keys:
            tenants[tenant_id].append(key)
        found: dict[tuple[str, bytes], bytes] = {}
        for tenant_id, wanted in tenants.items():
            for some in slices(wanted):
                rows = connection.execute(
                    select(Call.call_key, Call.reply).where(Call.tenant_id == tenant_id, Call.call_key.in_(some))
                )
                found.update({(tenant_id, bytes(key)): bytes(reply) for key, reply in rows})
        return found

    def _insert_calls(self, connection: Connection, rows: list[CallRow]) -> None:
        now = datetime.now(UTC)
        values = [
            {
                "tenant_id": row.tenant_id,
                "call_key": row.call_key,
                "dataset_id": row.dataset_id,
                "unit_id": row.unit_id,
                "step": row.step,
                "model": row.model,
                "status": row.status,
                "reply": row.reply,
                "prompt_tokens": row.usage.prompt,
                "cached_tokens": row.usage.cached,
                "completion_tokens": row.usage.completion,
                "created_at": now,
            }
            for row in rows
        ]
        columns = {name: [found[name] for found in values] for name in values[0]} if self._arrays else values
        inserted = connection.execute(self._insert, columns)
        # A key that another process paid for at the same time is in the ledger once, and counted once.
        fresh = {(tenant_id, bytes(key)) for tenant_id, key in inserted}
        totals: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
        for row in rows:
            if (row.tenant_id, row.call_key) not in fresh:
                continue
            for i, amount in enumerate((1, row.usage.prompt, row.usage.cached, row.usage.completion)):
                totals[row.dataset_id][i] += amount
        for dataset_id in sorted(totals):
            calls, prompt, cached, completion = totals[dataset_id]
            connection.execute(
                update(Dataset)
                .where(Dataset.id == dataset_id)
                .values(
                    calls=Dataset.calls + calls,
                    prompt_tokens=Dataset.prompt_tokens + prompt,
                    cached_tokens=Dataset.cached_tokens + cached,
                    completion_tokens=Dataset.completion_tokens + completion,
                    version=Dataset.version + 1,
                )
            )

    def _resolve(self, results: list[tuple["asyncio.Future[Any]", Any]]) -> None:
        def on_loop() -> None:
            for future, result in results:
                if future.done():
                    continue
                if isinstance(result, BaseException):
                    future.set_exception(result)
                else:
                    future.set_result(result)

        if not self.loop.is_closed():
            self.loop.call_soon_threadsafe(on_loop)


def _insert_rows() -> ReturningInsert[str, bytes]:
    return sqlite.insert(Call).on_conflict_do_nothing().returning(Call.tenant_id, Call.call_key)


def _insert_arrays() -> ReturningInsert[str, bytes]:
    """One short statement for any number of rows, an array for each column: nothing to compile or to parse anew."""
    columns = list(Call.__table__.columns)
    arrays = [bindparam(found.name, type_=postgresql.ARRAY(found.type)) for found in columns]
    rows = func.unnest(*arrays).table_valued(*(column(found.name, found.type) for found in columns)).render_derived()
    insert = postgresql.insert(Call).from_select([found.name for found in columns], select(*rows.c))
    return insert.on_conflict_do_nothing().returning(Call.tenant_id, Call.call_key)


def _transient(error: DBAPIError) -> bool:
    """Serialization failures and deadlocks ask for another try (SQLSTATE 40001, 40P01), as does a lost connection."""
    return error.connection_invalidated or getattr(error.orig, "sqlstate", "") in ("40001", "40P01", "55P03", "57014")
