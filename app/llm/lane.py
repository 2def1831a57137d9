"""The waiting room before one server: a heap for each dataset, one window, fair turns, and a circuit breaker."""

import asyncio
import functools
import heapq
import itertools
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from app.llm.endpoint import CHAT, Endpoint, Rejected, Unavailable
from app.llm.protocol import Refused
from app.llm.turn import Turn
from app.llm.window import Window

MAX_ATTEMPTS = 5  # for one call, counted only while the server answers others
BREAK_AFTER = 5  # failures in a row, none of them a lone bad call, before the breaker opens
Save = Callable[[bytes], Awaitable[None]]


@dataclass(slots=True)
class Call:
    """One request waiting for its turn within its dataset."""

    tenant: str
    flow: str
    turn: Turn
    body: bytes
    tokens: int
    future: "asyncio.Future[bytes]"
    save: Save
    others: "Sequence[Lane]" = ()
    path: str = CHAT
    attempts: int = 0
    successes_seen: int = 0

    def hand_over(self) -> bool:
        """Move to another lane that is up; False when there is none."""
        for lane in self.others:
            if not lane.down:
                lane.adopt(self)
                return True
        return False


@dataclass(slots=True)
class Flow:
    """The waiting calls of one dataset, and how many tokens it has been served."""

    tenant: str
    served: float = 0.0
    heap: "list[tuple[tuple[int, ...], int, Call]]" = field(default_factory=list)


def _abort(task: "asyncio.Task[None]", future: "asyncio.Future[bytes]") -> None:
    """The caller withdrew: close the connection, and the server stops generating."""
    if future.cancelled():
        task.cancel()


class Lane:
    """Sends the calls of all datasets to one endpoint; `start` before use, `close` after."""

    def __init__(self, endpoint: Endpoint, window: Window, probe_seconds: float) -> None:
        self.endpoint, self.window, self.probe_seconds = endpoint, window, probe_seconds
        self.flows: dict[str, Flow] = {}
        self.served: dict[str, float] = {}  # tokens, by tenant
        self.inflight = self.waiting = self.saving = self.successes = self.failures = 0
        self.paused_until = 0.0
        self.ordered_for = window.slots
        self.closed = False  # no further call is sent
        self.down: str | None = None
        self._counter = itertools.count()
        self._tasks: set[asyncio.Task[None]] = set()
        self._tuner: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        self._tuner = asyncio.create_task(self._tune())

    async def close(self) -> None:
        """Abort what is in flight; the server sees the connection close and stops generating."""
        tasks = [*self._tasks, *([self._tuner] if self._tuner else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def submit(
        self,
        tenant: str,
        flow: str,
        turn: Turn,
        body: bytes,
        tokens: int,
        save: Save,
        others: "Sequence[Lane]" = (),
        path: str = CHAT,
    ) -> "asyncio.Future[bytes]":
        """Queue a call of dataset `flow`. The future gives the raw reply, or raises Refused, Rejected or what `save`
        raises; cancel it to withdraw.

        `save` makes the reply durable. Until it has, the call keeps its place in the window: all that a crash can cost
        is what is in flight, also when the database is slower than the model.
        `others`: all lanes to the same model, of which one that is up takes the call over when this server goes down.
        """
        call = Call(tenant, flow, turn, body, tokens, asyncio.get_running_loop().create_future(), save, others, path)
        self._push(call)
        self._pump()
        return call.future

    def _push(self, call: Call) -> None:
        flow = self.flows.get(call.flow)
        if flow is None:
            # A newcomer starts level with the least served, or it would have all turns until it caught up.
            others = [found for found in self.flows.values() if found.heap]
            if not any(found.tenant == call.tenant for found in others):
                level = min((self.served[found.tenant] for found in others), default=0.0)
                self.served[call.tenant] = max(level, self.served.get(call.tenant, 0.0))
            level = min((found.served for found in others if found.tenant == call.tenant), default=0.0)
            flow = self.flows[call.flow] = Flow(call.tenant, served=level)
        heapq.heappush(flow.heap, (self._order(call), next(self._counter), call))
        self.waiting += 1

    def _order(self, call: Call) -> tuple[int, ...]:
        return call.turn.order(self.ordered_for * max(1, len(call.others)))

    def _reorder(self) -> None:
        """The server turned out to have more slots or fewer: what waits would be ordered otherwise than what comes."""
        self.ordered_for = self.window.slots
        for flow in self.flows.values():
            flow.heap = [(self._order(call), count, call) for _, count, call in flow.heap]
            heapq.heapify(flow.heap)

    def forget(self, flow: str) -> None:
        """A dataset has ended, been paused or cancelled: its waiting calls are withdrawn."""
        ended = self.flows.pop(flow, None)
        for _, _, call in ended.heap if ended else ():
            self.waiting -= 1
            call.future.cancel()

    def _hand_over(self) -> None:
        """This server is down: what waits here goes to the others that serve the same model, if any is up."""
        waiting = [call for flow in self.flows.values() for _, _, call in flow.heap]
        kept = [call for call in waiting if not call.hand_over()]
        for flow in self.flows.values():
            flow.heap.clear()
        self.waiting = 0
        for call in kept:
            self._push(call)

    def adopt(self, call: Call) -> None:
        """Queue a call that was meant for another lane."""
        self._push(call)
        self._pump()

    def _next(self) -> Call | None:
        """The best call of the least served dataset of the least served tenant (fair queueing by tokens)."""
        while self.waiting:
            ready = [flow for flow in self.flows.values() if flow.heap]
            flow = ready[0] if len(ready) == 1 else min(ready, key=lambda f: (self.served[f.tenant], f.served))
            _, _, call = heapq.heappop(flow.heap)
            self.waiting -= 1
            if not call.future.done():
                flow.served += call.tokens
                self.served[flow.tenant] += call.tokens
                return call
        return None

    @property
    def limit(self) -> int:
        return 0 if self.closed else 1 if self.down else self.window.size

    @property
    def asking(self) -> int:
        """How many calls the server has not answered yet: those in flight but for those that are being saved."""
        return self.inflight - self.saving

    @property
    def room(self) -> int:
        """How many more calls would be sent at once; below zero, how many wait here."""
        return self.limit - self.inflight - self.waiting

    def _pump(self) -> None:
        if self.window.slots != self.ordered_for:
            self._reorder()
        if self.waiting and self.inflight < self.limit:
            delay = self.paused_until - time.monotonic()
            if delay > 0:
                if self._timer is None:
                    self._timer = asyncio.get_running_loop().call_later(delay, self._resume)
                return
        while self.inflight < self.limit and (call := self._next()) is not None:
            self.inflight += 1
            task = asyncio.create_task(self._send(call))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            call.future.add_done_callback(functools.partial(_abort, task))

    def _resume(self) -> None:
        self._timer = None
        self._pump()

    async def _send(self, call: Call) -> None:
        try:
            raw = await self.endpoint.post(call.body, call.path)
        except Unavailable as failure:
            await self._unavailable(call, failure)
        except Rejected as rejection:
            self._up()
            if not call.future.done():
                call.future.set_exception(rejection)
        except asyncio.CancelledError:
            if not call.future.done():  # the lane closes; otherwise the caller withdrew
                call.future.cancel()
                raise
        else:
            self._up()
            self.successes += 1
            self.window.succeeded()
            await self._save(call, raw)
        finally:
            self.inflight -= 1
            self._pump()

    async def _save(self, call: Call, raw: bytes) -> None:
        self.saving += 1
        try:
            await call.save(raw)
        except asyncio.CancelledError:
            call.future.cancel()  # the lane closes; what is being saved is saved
            raise
        except Exception as error:
            if not call.future.done():
                call.future.set_exception(error)
        else:
            if not call.future.done():
                call.future.set_result(raw)
        finally:
            self.saving -= 1

    def _up(self) -> None:
        self.failures, self.down = 0, None

    async def _unavailable(self, call: Call, failure: Unavailable) -> None:
        """Back-pressure: queue the call again. It is given up only if the server serves others but never this one."""
        self.failures += 1
        if failure.overload:
            self.window.overloaded()
        served_others = self.successes > call.successes_seen
        call.successes_seen = self.successes
        if not failure.refused and not failure.overload and (served_others or await self.endpoint.alive()):
            call.attempts += 1
        if call.attempts >= MAX_ATTEMPTS:
            if not call.future.done():
                call.future.set_exception(Refused("upstream_error", failure.detail))
            return
        delay = max(failure.retry_after, 0.1 * 2 ** min(6, call.attempts) * random.uniform(0.5, 1.0))
        if failure.refused or self.failures >= BREAK_AFTER:
            self.down = failure.detail
            delay = max(delay, self.probe_seconds)
            self._hand_over()
            if not call.future.done() and call.hand_over():
                return
        if failure.overload or self.down:
            self.paused_until = max(self.paused_until, time.monotonic() + delay)
        else:
            await asyncio.sleep(delay)
        if not call.future.done():
            self._push(call)

    async def _probe(self) -> None:
        """Its calls may all have gone elsewhere, so nothing else would notice that the server is back."""
        await asyncio.sleep(self.probe_seconds)
        if not self.inflight and await self.endpoint.alive():
            self._up()
            self.paused_until = 0.0
            self._pump()

    async def _tune(self) -> None:
        no_metrics = False
        while True:
            # Look often while the window still grows; once calls wait at the server there is no hurry.
            await asyncio.sleep(0.1 if self.inflight >= self.window.size - 2 else 0.4)
            if self.down:
                await self._probe()
                continue
            if not self.inflight or no_metrics:
                continue
            load = await self.endpoint.load()
            if load is None:
                no_metrics = not self.window.measured and self.successes > 0  # then AIMD steers
                continue
            self.window.seen(load, self.inflight)
            self._pump()
