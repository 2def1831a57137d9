"""A dataset's events as server-sent events, read from the database: any API process can serve any client."""

import asyncio
import time
from collections.abc import AsyncIterator

from fastapi import Request
from fastapi.concurrency import run_in_threadpool
from sqlalchemy.exc import DBAPIError

from app.datasets import service
from app.datasets.schemas import DatasetRead, EventRead
from app.db import reading
from app.errors import Unauthorized
from app.keys.access import tenant
from app.models.datasets import FINAL

POLL_SECONDS = 0.5
PING_SECONDS = 15.0
MAX_SECONDS = 15 * 60.0


def _read(request: Request, dataset_id: str, last: str) -> tuple[list[EventRead], DatasetRead]:
    """The dataset, and then the events: those that came with its status are among them. Raises Unauthorized."""
    tenant_id = tenant(request)  # again each time, for a key that has been revoked since
    with reading() as session:
        dataset = service.read(service.get(session, tenant_id, dataset_id))
        return service.events(session, tenant_id, dataset_id, last, 100)["data"], dataset


async def events(request: Request, dataset_id: str, last: str) -> AsyncIterator[str]:
    """SSE frames: `event` frames with their id, and a `progress` frame without one whenever the dataset changed.

    Ends after the final status, when the key is revoked, and after 15 minutes; a client that reconnects goes on by
    Last-Event-ID. While the database is away it waits.
    """
    yield "retry: 3000\n\n"
    started = pinged = time.monotonic()
    shown = ""
    while time.monotonic() - started < MAX_SECONDS and not await request.is_disconnected():
        try:
            found, dataset = await run_in_threadpool(_read, request, dataset_id, last)
        except Unauthorized:
            return
        except DBAPIError:
            yield ": the database does not answer\n\n"
            await asyncio.sleep(4 * POLL_SECONDS)
            continue
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
