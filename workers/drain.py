"""The loop of an LLM worker: claim units, run their recipes with a full window of calls, commit, until no work is left.

One event loop, one ledger thread, one heartbeat thread. No unit waits for another. A unit's recipe is plain code; when
it is run again after a crash, every call that was paid for comes back from the ledger.
"""

import asyncio
import gc
import threading
import time
from typing import Any

import structlog
import uvloop
from sqlalchemy.exc import SQLAlchemyError

from app import queue
from app.db import engine
from app.llm.asking import Asker, ModelUnusable
from app.llm.budget import Budget
from app.llm.ledger import Ledger
from app.llm.pool import Pools, Roles
from app.llm.turn import TAIL_SHARE
from app.settings import settings
from workers import lease, shutdown, units
from workers.claim import Claimed, claim
from workers.finisher import Finisher
from workers.pulse import Pulse
from workers.recipes import Outcome, Work, recipe
from workers.repair import repair

log = structlog.get_logger()

CLAIM_AT_ONCE = 256
CLAIM_PAUSE_SECONDS = 0.4
QUIET_CALLS = 48  # with fewer in flight the ledger commits at once
POLL_SECONDS = 0.05


def run() -> None:
    """Work until nothing is claimable for `drain_idle_seconds`, or this process is asked to end."""
    gc.freeze()  # a full collection that looks at all modules again holds up all calls for a quarter of a second
    try:
        uvloop.run(Drain(lease.new_owner()).run())
    finally:
        gc.unfreeze()


class Drain:
    """What one run holds: the units it has claimed, and the lanes and ledger that they share."""

    def __init__(self, owner: str) -> None:
        self.owner = owner
        self.tasks: dict[str, asyncio.Task[None]] = {}
        self.claimed: dict[str, Claimed] = {}
        self.budgets: dict[str, Budget] = {}
        self.told: dict[str, str | None] = {}
        self.called = False
        self.pulse = Pulse(owner)

    async def run(self) -> None:
        self.pools = Pools(settings())
        self.ledger = Ledger(engine(), settings().commit_linger_seconds)
        self.finisher = Finisher(self.ledger, self.owner)
        self.pulse.start()
        try:
            await self._loop()
        finally:
            if self.pulse.lost:
                await self._land()
            left = await self._abandon()
            await self.pools.close()
            # Units go back first where others wait for them, last where the database has to come back before.
            away = self.ledger.failing_since is not None or self.pulse.lost
            if not away:
                await asyncio.to_thread(units.release_if_possible, self.owner, left)
            await asyncio.to_thread(self.ledger.close, shutdown.requested)
            if away:
                await asyncio.to_thread(units.release_if_possible, self.owner, left)
            if self.pulse.lost and not shutdown.requested.is_set():
                await asyncio.to_thread(queue.send, "drain")  # to look again, under another name
            self.pulse.stop()

    async def _loop(self) -> None:
        idle_since = time.monotonic()
        look_at = 0.0
        while not shutdown.requested.is_set() and not self.pulse.lost:
            await asyncio.sleep(POLL_SECONDS)
            self._drop_stopped()
            await self._tell_waiting()
            now = time.monotonic()
            room = self._room()
            self.ledger.busy = sum(lane.inflight for lane in self.pools.lanes.values()) > QUIET_CALLS
            # Ask again at once while the database had all that was asked for, seldom while it had nothing to give.
            if room > 0 and now >= look_at:
                wanted = min(CLAIM_AT_ONCE, room)
                found = await asyncio.to_thread(self._claim, wanted)
                for unit in found:
                    self._start(unit)
                if len(found) >= wanted:
                    await self._call_another()
                look_at = time.monotonic() + (0.0 if found else CLAIM_PAUSE_SECONDS)
            if self.tasks:
                idle_since = now
            elif now - idle_since > settings().drain_idle_seconds:
                return

    def _room(self) -> int:
        """How many more contexts to open: as many as the servers could take calls beyond those that are ready."""
        if self.ledger.failing_since is not None:
            return 0
        lanes = list(self.pools.lanes.values())
        if not lanes:
            return settings().window_start - len(self.tasks)
        if self.pools.down:
            return 0
        starting = sum(1 for unit in self.claimed.values() if not unit.has_asked)
        return sum(max(0, lane.room) for lane in lanes) - starting

    async def _call_another(self) -> None:
        """There is more work than this worker takes at once: ring once more, for an idle worker if there is one."""
        if not self.called:
            self.called = True
            await asyncio.to_thread(queue.send, "drain")

    def _claim(self, limit: int) -> list[Claimed]:
        slots = sum(lane.window.slots for lane in self.pools.lanes.values()) or settings().window_start
        try:
            return claim(self.owner, limit=limit, tail=int(TAIL_SHARE * slots))
        except SQLAlchemyError as error:
            log.warning("claim.database_away", error=type(getattr(error, "orig", error)).__name__)
            time.sleep(1.0)
            return []

    def _start(self, unit: Claimed) -> None:
        self.claimed[unit.id] = unit
        self.pulse.hold(unit.id, unit.dataset_id)
        task = asyncio.create_task(self._work(unit))
        self.tasks[unit.id] = task
        task.add_done_callback(lambda _: self._forget(unit))

    def _forget(self, unit: Claimed) -> None:
        self.tasks.pop(unit.id, None)
        self.claimed.pop(unit.id, None)
        self.pulse.let_go(unit.id)

    async def _work(self, unit: Claimed) -> None:
        asker = Asker(
            ledger=self.ledger,
            roles=Roles(self.pools, unit.spec["model"]),
            tenant_id=unit.tenant_id,
            dataset_id=unit.dataset_id,
            unit_id=unit.id,
            place=unit.position,
            left=unit.left,
            budget=self._budget(unit),
        )
        asker.on_ask = unit.asked
        work = Work(
            task=unit.task,
            context=unit.context,
            options=unit.spec["options"],
            gates=unit.spec["gates"],
            language=unit.language,
            seed=unit.seed,
            model=asker,
            models=asker.models,
            avoid=unit.avoid,
            seeds=unit.seeds,
            place=unit.place,
            round=unit.round,
        )
        try:
            outcome = await (repair(work, unit.rejects) if unit.rejects else recipe(unit.task)(work))
        except asyncio.CancelledError:
            raise
        except ModelUnusable as failure:
            code, detail = failure.code, failure.detail
            await self._commit(unit, lambda c: units.fail_dataset(c, unit, self.owner, code, detail))
        except Exception as error:
            log.exception("unit.failed", unit_id=unit.id, attempt=unit.attempt)
            reason = f"{type(error).__name__}: {error}"[:500]
            await self._commit(unit, lambda c: units.retry_or_fail(c, unit, self.owner, reason))
        else:
            await self._finish(unit, outcome, asker.replayed)

    def _budget(self, unit: Claimed) -> Budget:
        """One budget for all units of a dataset in this process."""
        limits = unit.spec["budget"]
        found = self.budgets.get(unit.dataset_id)
        if found is None:
            found = self.budgets[unit.dataset_id] = Budget(limits["max_calls"], limits["max_tokens_total"])
        found.spent_elsewhere(unit.calls, unit.tokens)
        return found

    async def _finish(self, unit: Claimed, outcome: Outcome, replayed: int) -> None:
        spent = any(row.reason == "budget_spent" for row in outcome.dropped)
        if await self.finisher.finish(units.Finished(unit, outcome, replayed, spent)):  # so the selection can begin
            await asyncio.to_thread(units.ring_select, unit.dataset_id)

    async def _commit(self, unit: Claimed, work: Any) -> Any:
        return await self.ledger.commit(unit.dataset_id, work)

    def _drop_stopped(self) -> None:
        """Datasets that were paused, cancelled or failed: withdraw their calls and give their units back."""
        for dataset_id in self.pulse.stopped():
            self.pools.forget(dataset_id)
            mine = [unit for unit in self.claimed.values() if unit.dataset_id == dataset_id]
            for unit in mine:
                if task := self.tasks.get(unit.id):
                    task.cancel()
            if mine:
                threading.Thread(
                    target=units.release_if_possible, args=(self.owner, [unit.id for unit in mine])
                ).start()

    async def _tell_waiting(self) -> None:
        """Write on each dataset that its model server does not answer, and take it back when it does."""
        reason = f"waiting_for_model: {self.pools.down}" if self.pools.down else None
        held = {unit.dataset_id for unit in self.claimed.values()}
        changed = {dataset_id for dataset_id in held if self.told.get(dataset_id) != reason}
        if changed:
            try:
                await asyncio.to_thread(units.tell_waiting, changed, reason)
            except SQLAlchemyError as error:  # said again next time
                log.warning("tell_waiting.database_away", error=type(error).__name__)
            else:
                self.told.update(dict.fromkeys(changed, reason))

    async def _land(self) -> None:
        """Cut off from the database: begin no call, and let those in flight come in, for one lease at most."""
        log.warning("drain.cut_off", units=len(self.tasks))
        for lane in self.pools.lanes.values():
            lane.closed = True
        until = time.monotonic() + settings().lease_seconds
        while any(lane.asking for lane in self.pools.lanes.values()) and time.monotonic() < until:
            if shutdown.requested.is_set():
                return
            await asyncio.sleep(POLL_SECONDS)
        await asyncio.sleep(POLL_SECONDS)  # the replies that came last go to the ledger

    async def _abandon(self) -> list[str]:
        """On the way out: abort what is in flight. The ids of the units that are not done."""
        self.finisher.flush()
        left = list(self.tasks.items())
        for _, task in left:
            task.cancel()
        await asyncio.gather(*(task for _, task in left), return_exceptions=True)
        return [unit_id for unit_id, _ in left]
