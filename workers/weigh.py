"""Ask models about many chunks while a dataset is planned: grades of a judge, losses of the trainee.

An event loop with the pieces of a drain: lanes, ledger, budget, one `Asker` a chunk. Every reply is in the ledger
before it is used, so planning that died replays for nothing. It runs in slices, and gives its worker back between them
and while no model server answers: a cpu worker has documents to parse too.
"""

import asyncio
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Sequence
from dataclasses import dataclass, field

import structlog
import uvloop
from sqlalchemy import update
from sqlalchemy.exc import SQLAlchemyError

from app import domain
from app.datasets.schemas import Grouping
from app.db import engine, reading, transaction
from app.llm.asking import Asker, BudgetSpent
from app.llm.budget import Budget
from app.llm.ledger import Ledger
from app.llm.pool import Pools, Roles
from app.llm.protocol import Refused
from app.models import Dataset
from app.prompts import LANGUAGES
from app.replies import ChunkGrades
from app.settings import settings
from workers import shutdown

log = structlog.get_logger()

PROMPT = "judge/chunk@1"
UNIT = "plan"  # stands in the ledger where other calls have their unit
SHARE = 0.25  # of the dataset's budget: the rest is for rows
SLICE_SECONDS = 30.0
LISTEN_SECONDS = 0.7  # a cancel is heard within this
QUIET_CALLS = 48
WAITING = "waiting_for_model: "
KEPT = 4  # datasets whose weights this process remembers between slices


class Later(Exception):
    """Not done yet: plan again. `waiting` says what for, when it is a model server."""

    def __init__(self, waiting: str | None) -> None:
        super().__init__(waiting or "the slice has ended")
        self.waiting = waiting


class Stopped(Exception):
    """The dataset is not to be planned any more, or not by us."""


@dataclass(frozen=True, slots=True)
class Weight:
    """What was found out about one chunk; None: not asked, or no usable reply. `calls` made or replayed for it."""

    grade: float | None = None
    loss: float | None = None
    calls: int = 0


@dataclass(slots=True)
class Weights:
    """By chunk id: grades 0..1, losses in nats per token. `unweighed`: no usable reply, or over the budget."""

    grades: dict[str, float] = field(default_factory=dict)
    losses: dict[str, float] = field(default_factory=dict)
    calls: int = 0
    unweighed: int = 0


# Between slices; the ledger is what lasts.
_remembered: OrderedDict[str, dict[str, Weight]] = OrderedDict()


def limits(budget: dict[str, int | None]) -> tuple[int | None, int | None]:
    """Calls and tokens that planning may spend of this budget; None: no limit."""
    calls, tokens = budget["max_calls"], budget["max_tokens_total"]
    return (
        None if calls is None else max(1, int(SHARE * calls)),
        None if tokens is None else max(1, int(SHARE * tokens)),
    )


def run(dataset: Dataset, chunks: Sequence[domain.Context], options: Grouping, lost: threading.Event) -> Weights:
    """Weigh these chunks (each as a context of its own). Raises Later, Stopped or ModelUnusable."""
    known = _remembered.setdefault(dataset.id, {})
    _remembered.move_to_end(dataset.id)
    while len(_remembered) > KEPT:
        _remembered.popitem(last=False)
    uvloop.run(_Weighing(dataset, options, lost, known).run(chunks))
    del _remembered[dataset.id]
    found = Weights(
        grades={chunk.id: grade for chunk in chunks if (grade := known[chunk.id].grade) is not None},
        losses={chunk.id: loss for chunk in chunks if (loss := known[chunk.id].loss) is not None},
        calls=sum(known[chunk.id].calls for chunk in chunks),
    )
    weighed = found.grades if options.quality == "judge" else found.losses
    found.unweighed = len(chunks) - len(weighed)
    return found


class _Weighing:
    def __init__(self, dataset: Dataset, options: Grouping, lost: threading.Event, known: dict[str, Weight]) -> None:
        self.dataset, self.options, self.lost, self.known = dataset, options, lost, known
        self.tasks: dict[asyncio.Task[Weight], str] = {}
        self.stopped = False
        max_calls, max_tokens = limits(dataset.spec["budget"])
        self.budget = Budget(max_calls, max_tokens)
        self.budget.spent_elsewhere(dataset.calls, dataset.prompt_tokens + dataset.completion_tokens)

    async def run(self, chunks: Sequence[domain.Context]) -> None:
        self.pools = Pools(settings())
        self.ledger = Ledger(engine(), settings().commit_linger_seconds)
        self.roles = Roles(self.pools, self.dataset.spec["model"])
        watch = asyncio.create_task(self._watch())
        try:
            await self._all(chunks)
        finally:
            for task in (watch, *self.tasks):
                task.cancel()
            await asyncio.gather(watch, *self.tasks, return_exceptions=True)
            await self.pools.close()
            await asyncio.to_thread(self.ledger.close, shutdown.requested)

    async def _all(self, chunks: Sequence[domain.Context]) -> None:
        left = deque((place, chunk) for place, chunk in enumerate(chunks) if chunk.id not in self.known)
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
                place, chunk = left.popleft()
                self.tasks[asyncio.create_task(self._weigh(chunk, place, len(chunks) - place))] = chunk.id
            done, _ = await asyncio.wait(self.tasks, timeout=0.2, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                self.known[self.tasks.pop(task)] = task.result()

    async def _weigh(self, chunk: domain.Context, place: int, left: int) -> Weight:
        """One chunk: the judge first, then the trainee where the grade is good enough to begin a context."""
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
        grade = loss = None
        language = LANGUAGES.get(chunk.language, chunk.language)
        try:
            if self.options.quality == "judge":
                ahead = self.options.calls_a_chunk
                reply = await asker.ask(PROMPT, context=chunk, ahead=ahead, role="judge", language=language)
                assert isinstance(reply, ChunkGrades)
                grade = reply.score
            if self.options.order == "by_loss" and (grade is None or grade >= self.options.least_quality):
                loss = await asker.loss(context=chunk, prefix="", text=chunk.text, ahead=1)
        except BudgetSpent:
            log.info("weigh.budget_spent", dataset_id=self.dataset.id, chunk_id=chunk.id)
        except Refused as refusal:
            log.warning("weigh.refused", dataset_id=self.dataset.id, chunk_id=chunk.id, reason=refusal.reason)
        return Weight(grade, loss, len(asker.made))

    async def _watch(self) -> None:
        """Hear of a cancel; stop when the lease is lost or there was no word from the database for half of one."""
        seen_at = time.monotonic()
        while not self.stopped:
            await asyncio.sleep(LISTEN_SECONDS)
            try:
                wanted = await asyncio.to_thread(self._look)
            except SQLAlchemyError as error:
                log.warning("weigh.database_away", error=type(getattr(error, "orig", error)).__name__)
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
