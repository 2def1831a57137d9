"""A dataset's events as server-sent events, read from the database: any API process can serve any client."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable

from fastapi.concurrency import run_in_threadpool

from app.datasets import service
from app.datasets.schemas import DatasetRead, EventRead
from app.db import reading
from app.models.datasets import FINAL

POLL_SECONDS = 0.5
PING_SECONDS = 15.0
MAX_SECONDS = 15 * 60.0


def _read(tenant_id: str, dataset_id: str, last: str) -> tuple[list[EventRead], DatasetRead]:
    with reading() as session:
        found = service.events(session, tenant_id, dataset_id, last, 100)["data"]
        return found, service.read(service.get(session, tenant_id, dataset_id))


async def events(
    tenant_id: str, dataset_id: str, last: str, disconnected: Callable[[], Awaitable[bool]]
) -> AsyncIterator[str]:
    """SSE frames: `event` frames with their id, and a `progress` frame without one whenever the dataset changed.

    Ends after the final status, or cleanly after 15 minutes; a client that reconnects goes on by Last-Event-ID.
    """
    yield "retry: 3000\n\n"
    started = pinged = time.monotonic()
    shown = ""
    while time.monotonic() - started < MAX_SECONDS and not await disconnected():
        found, dataset = await run_in_threadpool(_read, tenant_id, dataset_id, last)
        for event in found:
            last = event.id
            yield f"id: {event.id}\nevent: {event.type}\ndata: {event.model_dump_json()}\n\n"
        progress = dataset.model_dump_json(exclude={"spec", "estimated_finish"})
        if progress != shown:
            shown, pinged = progress, time.monotonic()
            yield f"event: progress\ndata: {dataset.model_dump_json(exclude={'spec'})}\n\n"
        if dataset.status in FINAL and not found:
            return
        if time.monotonic() - pinged > PING_SECONDS:
            pinged = time.monotonic()
            yield ": ping\n\n"
        await asyncio.sleep(POLL_SECONDS)
