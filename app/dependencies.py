"""What routers ask FastAPI for: the transaction of a request, the parameters of a page. Workers do without FastAPI."""

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated
from weakref import WeakKeyDictionary

from fastapi import Depends, Query
from fastapi.concurrency import contextmanager_in_threadpool
from sqlalchemy.orm import Session

from app.db import reading, transaction

After = Annotated[str | None, Query(max_length=60, description="the id of the last item of the page before")]
Limit = Annotated[int, Query(ge=1, le=100, description="items a page")]

# A request holds its connection while it waits for a thread to run in; threads wait for connections. So fewer requests
# may hold one than the pool has, or all threads end up waiting for connections of requests that wait for a thread.
REQUESTS_WITH_A_CONNECTION = 16
_gates: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore] = WeakKeyDictionary()


def _gate() -> asyncio.Semaphore:
    return _gates.setdefault(asyncio.get_running_loop(), asyncio.Semaphore(REQUESTS_WITH_A_CONNECTION))


async def _writing_request() -> AsyncIterator[Session]:
    async with _gate(), contextmanager_in_threadpool(transaction()) as session:
        yield session


async def _reading_request() -> AsyncIterator[Session]:
    async with _gate(), contextmanager_in_threadpool(reading()) as session:
        yield session


# scope="function": the commit happens BEFORE the response leaves, so a failed commit is an error and not a lie.
SessionDep = Annotated[Session, Depends(_writing_request, scope="function")]
ReadSessionDep = Annotated[Session, Depends(_reading_request, scope="function")]
