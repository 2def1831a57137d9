"""The judge of online DPO: grades the answers of a round that waits, in a thread beside the keeper that feeds the run.

A call grades all answers to one prompt, or eight of them where there are more. Every reply is in the ledger before it
is used: a round that is judged again after a crash pays for nothing twice, and the limit of calls counts them all.
"""

import asyncio
import contextlib
import random
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import orjson
import structlog
import uvloop
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError

from app.catalog.methods.online_dpo import AT_ONCE as TOGETHER
from app.db import engine, reading, transaction
from app.domain import Context
from app.llm.asking import Asker, BudgetSpent, ModelUnusable
from app.llm.budget import Budget
from app.llm.ledger import Ledger
from app.llm.pool import Pools, Roles
from app.llm.protocol import Refused
from app.models import Call, Training
from app.replies.preferences import Ranking
from app.settings import settings
from app.trainings import service
from workers import shutdown
from workers.steps.rank import ALONE, unfenced
from workers.training import rounds
from workers.training_files import Unreadable

log = structlog.get_logger()

UNIT = "round"
PROMPTS_AT_ONCE = 32
LANGUAGE = "the instruction's language"
LOOK_SECONDS = 1.0

Turns = list[dict[str, Any]]
Scores = list[float | None]


class RoundJudge:
    """Of one run. `look` is to be called again and again; `stop` at the end of it."""

    def __init__(self, training: Training, folder: Path) -> None:
        self.training, self.folder = training, folder
        self._thread: threading.Thread | None = None
        self._error: Exception | None = None
        self._ask: asyncio.Task[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopped = threading.Event()

    def look(self) -> None:
        """Begin with a round that waits. Raises Unreadable when the judge cannot be asked at all."""
        if self._thread is not None:
            if self._thread.is_alive():
                return
            self._thread = None
        if isinstance(self._error, ModelUnusable):
            raise Unreadable(self._error.code, f"the judge cannot be asked: {self._error.detail}", "method")
        if self._error is not None:
            raise Unreadable("judge_failed", f"{type(self._error).__name__}: {self._error}"[:500], "method")
        round_ = rounds.waiting(self.folder)
        if round_ is not None:
            self._thread = threading.Thread(target=self._run, args=[round_], name="round-judge", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Withdraw the calls that wait or are in flight; the round is judged again when the run goes on."""
        self._stopped.set()
        if self._thread is not None:
            if self._loop is not None and self._ask is not None:
                with contextlib.suppress(RuntimeError):  # the loop has just ended by itself
                    self._loop.call_soon_threadsafe(self._ask.cancel)
            self._thread.join()

    def _run(self, round_: Path) -> None:
        try:
            uvloop.run(self._judge(round_))
        except asyncio.CancelledError:
            log.info("round_judge.stopped", training_id=self.training.id, round=round_.name)
        except SQLAlchemyError as error:  # the round waits, and is judged anew: what was paid for is in the ledger
            log.warning("round_judge.database_away", error=type(getattr(error, "orig", error)).__name__)
        except Exception as error:
            log.warning("round_judge.failed", training_id=self.training.id, error=type(error).__name__)
            self._error = error

    async def _judge(self, round_: Path) -> None:
        self._loop, self._ask = asyncio.get_running_loop(), asyncio.current_task()
        if self._stopped.is_set():
            return
        lines = [orjson.loads(line) for line in (round_ / rounds.ANSWERS).read_bytes().splitlines()]
        asking = _Asking(self.training, round_.name)
        try:
            scores = await asking.all(lines)
        finally:
            await asking.close()
        ungraded = sum(score is None for found in scores for score in found)
        calls = await asyncio.to_thread(spent, self.training.id)
        message = f"round {round_.name}: the judge graded the answers to {len(lines)} prompts; {calls} calls so far"
        await asyncio.to_thread(_told, self.training.id, message, calls=calls, ungraded=ungraded)
        rounds.write(round_, scores)


class _Asking:
    """The calls of one round."""

    def __init__(self, training: Training, round_: str) -> None:
        self.training, self.round = training, round_
        self.budget = Budget(training.spec["method_options"].get("most_judge_calls"), None)
        self.budget.spent_elsewhere(spent(training.id), 0)
        self.pools, self.ledger = Pools(settings()), Ledger(engine(), settings().commit_linger_seconds)
        self.roles = Roles(self.pools, "")
        self.gate = asyncio.Semaphore(PROMPTS_AT_ONCE)

    async def all(self, lines: Sequence[dict[str, Any]]) -> list[Scores]:
        """By prompt, the grade of each answer from 0 to 1; None: not graded. Raises ModelUnusable."""
        waiting = asyncio.create_task(self._tell_what_is_waited_for())
        tasks = [asyncio.create_task(self._one(i, len(lines), line)) for i, line in enumerate(lines)]
        try:
            return list(await asyncio.gather(*tasks))
        finally:
            for task in (waiting, *tasks):
                task.cancel()
            await asyncio.gather(waiting, *tasks, return_exceptions=True)

    async def _one(self, place: int, count: int, line: dict[str, Any]) -> Scores:
        answers: list[str] = line["answers"]
        scores: Scores = [None] * len(answers)
        # Which answer stands in front is drawn, so that no place is always the same sample's.
        order = [i for i, answer in enumerate(answers) if answer.strip()]
        random.Random(f"{self.training.seed} {self.round} {place}").shuffle(order)
        name = f"{self.training.id} {place}"
        asker = Asker(
            ledger=self.ledger, roles=self.roles, tenant_id=self.training.tenant_id, dataset_id=self.training.id,
            unit_id=UNIT, place=place, left=count - place, budget=self.budget,
        )  # fmt: skip
        for start in range(0, len(order), TOGETHER):
            places = order[start : start + TOGETHER]
            async with self.gate:
                try:
                    reply = await asker.ask(
                        ALONE,
                        context=Context(id=name, chunks=(), language="en"),
                        ahead=1,
                        role="judge",
                        count=len(places),
                        question=question(line["turns"]),
                        answers=[unfenced(answers[i]) for i in places],
                        language=LANGUAGE,
                    )
                except BudgetSpent:
                    return scores
                except Refused as refusal:
                    log.warning("round_judge.refused", training_id=self.training.id, reason=refusal.reason)
                    continue
            assert isinstance(reply, Ranking)
            for i, grade in zip(places, reply.grades, strict=False):
                scores[i] = (grade.score - 1) / 4
        return scores

    async def _tell_what_is_waited_for(self) -> None:
        told: str | None = None
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            if self.pools.down and self.pools.down != told:
                await asyncio.to_thread(_told, self.training.id, f"waits for the judge: {self.pools.down}")
            told = self.pools.down

    async def close(self) -> None:
        await self.pools.close()
        await asyncio.to_thread(self.ledger.close, shutdown.requested)


def question(turns: Turns) -> str:
    """What was asked, in one text; of several turns all, with who said them."""
    if len(turns) == 1:
        return unfenced(str(turns[0]["content"]))
    return unfenced("\n\n".join(f"{turn['role']}: {turn['content']}" for turn in turns))


def spent(training_id: str) -> int:
    """Calls that the judge of this job was paid for, also before a crash."""
    with reading() as session:
        mine = (Call.dataset_id == training_id, Call.step == "judge", Call.unit_id == UNIT)
        return session.scalar(select(func.count()).select_from(Call).where(*mine)) or 0


def _told(training_id: str, message: str, calls: int | None = None, ungraded: int = 0) -> None:
    with transaction() as session:
        training = session.get_one(Training, training_id)
        if calls is not None:
            training.judge_calls = calls
        service.record(session, training, message)
        if ungraded:
            why = "the limit of calls was reached" if _limited(training, calls or 0) else "the judge gave no grade"
            message = f"{ungraded} answers are left out: {why}"
            service.record(session, training, message, level="warn", code="answers_not_graded")


def _limited(training: Training, calls: int) -> bool:
    most = training.spec["method_options"].get("most_judge_calls")
    return most is not None and calls >= most
