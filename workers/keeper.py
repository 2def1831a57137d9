"""Keeps one training run: its child under a guard, what that says in the database, what people ask in its ears.

The child may train only while the database knows that it does. Each time the lease is renewed the guard gets a byte; a
guard that hears nothing for half a lease ends its child. So a worker that is frozen, dead or cut off from the database
has no child any more when its lease is over and another worker begins.
"""

import contextlib
import os
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TypeVar

import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from app.db import db_now, reading, transaction
from app.models import Training
from app.settings import settings
from app.stack import guard
from app.stack.locks import try_lock
from app.trainings import service
from app.trainings.run import Failure, Result
from workers import environment, lease, publish, shutdown, training_files
from workers.devices import Device
from workers.exam import take
from workers.round_judge import RoundJudge
from workers.stage import stage
from workers.told import store
from workers.training import control, events
from workers.training_files import Unreadable

log = structlog.get_logger()

Value = TypeVar("Value")

MOST_DEATHS = 3  # of a run that gets no further in between
LOOK_SECONDS = 0.5  # pause and cancel are heard within this
PAUSE_SECONDS = 120.0  # a step and a checkpoint may take so long; then the newest whole checkpoint must do


class Lost(Exception):
    """The lease is another's now, or the job is gone."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A job under our lease."""

    training_id: str
    owner: str
    attempt: int


class Keeper:
    """One run from its claim to its end. `run` returns when the job has ended, or others may take it."""

    def __init__(self, claim: Claim, device: Device) -> None:
        self.claim, self.device = claim, device
        self.folder = training_files.root() / claim.training_id
        self._silence = settings().lease_seconds / 2
        self._offset = 0
        self._lock: int | None = None
        self._beat_at = time.monotonic()
        self._silenced = False  # the child of now heard nothing of us for so long that its guard ended it

    def run(self) -> None:
        try:
            with self._beating():
                if not self._take():
                    self._let_go()
                    return
                self._offset = stage(self.claim.training_id, self.folder)
            self._keep()
        except Lost:
            log.warning("training.lost", training_id=self.claim.training_id)
        except Unreadable as why:
            self._fail(why.code, str(why), why.param)
        except OSError as error:
            found = Unreadable.of_disk(error)
            self._fail(found.code, str(found), found.param)
        finally:
            self._free()

    def _beating(self) -> AbstractContextManager[threading.Event]:
        return lease.heartbeat(Training, self.claim.training_id, self.claim.owner)

    def _take(self) -> bool:
        """Device and folder for us alone; a child of an earlier worker on this machine is ending meanwhile."""
        until = time.monotonic() + settings().lease_seconds
        while time.monotonic() < until:
            self._lock = self._lock or try_lock(self.folder / ".lock")
            if self.device.take() and self._lock is not None:
                return True
            time.sleep(0.2)
        return False

    def _again(self) -> bool:
        with self._beating():
            return self._take()

    def _free(self) -> None:
        """Let our copies of both locks go."""
        self.device.free()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _keep(self) -> None:
        while True:
            self._beat_at, self._silenced = time.monotonic(), False
            with self._child(control.command(self.folder)) as process, self._judging() as judge:
                status = self._watch(process, judge)
            ended = control.outcome(self.folder)
            status = self._tell() or status  # what it said at last
            died = ended is None and status == "running" and not shutdown.requested.is_set()
            if not (died and self._goes_on()):
                break
            if not self._again():  # another job has the device now
                self._let_go()
                return
        if isinstance(ended, Result) and status != "cancelled":
            with self._beating():  # grading takes a while, too
                taken = take.take(self.claim.training_id, self.folder, ended, self._sit)
            if taken:
                self._publish(ended)
            else:
                self._let_go()
        elif isinstance(ended, Failure):
            self._fail(ended.code, ended.message, ended.param, ended.line)
        elif not died:
            self._let_go()

    def _sit(self, command: list[str]) -> bool:
        """Run another child of this job, for its exam. False: it was stopped, by whoever, before it had ended."""
        if not self._again():
            return False
        self._beat_at = time.monotonic()
        with self._child(command) as process:
            status = self._watch(process)
            ended = process.poll() is not None
        return ended and status == "running" and not shutdown.requested.is_set()

    @contextlib.contextmanager
    def _child(self, command: list[str]) -> Iterator["subprocess.Popen[bytes]"]:
        """A process of the run, ended at the end of the block. While it lives its guard alone has the locks."""
        grace = settings().lease_seconds / 6
        locks = [lock for lock in (self._lock, self.device.lock) if lock is not None]
        with (self.folder / "child.log").open("ab") as out:
            process = subprocess.Popen(
                guard.command(grace, command, silence=self._silence),
                env=environment.without_secrets() | self.device.environment,
                bufsize=0,
                stdin=subprocess.PIPE,
                stdout=out,
                stderr=subprocess.STDOUT,
                pass_fds=locks,
                start_new_session=True,
            )
        self._free()
        try:
            yield process
        finally:
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(grace + 5)
            process.kill()
            process.wait()
            if process.stdin is not None:
                with contextlib.suppress(OSError):
                    process.stdin.close()

    @contextlib.contextmanager
    def _judging(self) -> Iterator[RoundJudge | None]:
        """Who judges the answers of a run that asks for it, else None."""
        with reading() as session:
            training = session.get_one(Training, self.claim.training_id)
        if training.method != "online_dpo" or training.spec["method_options"].get("reward_model"):
            yield None
            return
        judge = RoundJudge(training, self.folder)
        try:
            yield judge
        finally:
            judge.stop()

    def _watch(self, process: "subprocess.Popen[bytes]", judge: RoundJudge | None = None) -> str:
        """Until the child has ended, or is to be ended; the job's status as last seen. Raises Lost or Unreadable."""
        status, asked_at = "running", float("inf")
        while process.poll() is None:
            if judge is not None:
                judge.look()
            status = self._tell(process) or status
            if status == "cancelled":
                return status
            if (status == "paused" or shutdown.requested.is_set()) and asked_at == float("inf"):
                control.ask(self.folder, "pause")
                asked_at = time.monotonic()
            if time.monotonic() - asked_at > PAUSE_SECONDS:
                return status
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(LOOK_SECONDS)
        return status

    def _tell(self, process: "subprocess.Popen[bytes] | None" = None) -> str | None:
        """The run's new events into the database, the lease renewed: the job's status, or None while it is away.

        Raises Lost.
        """
        found, offset = events.follow(self.folder, self._offset)
        began = time.monotonic()
        try:
            with transaction() as session:
                training = self._mine(session)
                training.heartbeat_at = db_now()
                if training.status == "queued":  # paused and resumed before we heard of it
                    training.status = "running"
                store(session, training, found)
                training.offset = offset
                status = training.status
        except SQLAlchemyError as error:
            log.warning("training.database_away", error=type(getattr(error, "orig", error)).__name__)
            return None
        self._silenced = self._silenced or began - self._beat_at > 0.9 * self._silence
        self._offset, self._beat_at = offset, began
        if process is not None and process.stdin is not None:
            with contextlib.suppress(OSError):
                process.stdin.write(b".")
        return status

    def _mine(self, session: Session) -> Training:
        """The job, locked. Raises Lost."""
        claim = self.claim
        if not lease.still_mine(session, Training, claim.training_id, claim.owner, claim.attempt):
            raise Lost
        return session.get_one(Training, claim.training_id, populate_existing=True)

    def _patiently(self, act: Callable[[Session, Training], Value]) -> Value:
        """Do it in a transaction, again while the database is away. Raises Lost."""
        while True:
            try:
                with transaction() as session:
                    return act(session, self._mine(session))
            except SQLAlchemyError as error:
                log.warning("training.database_away", error=type(getattr(error, "orig", error)).__name__)
                if shutdown.requested.wait(1.0):
                    raise Lost from error

    def _goes_on(self) -> bool:
        """After a child that died: whether it is started again. One that we silenced ourselves was not at fault."""
        silenced = self._silenced or time.monotonic() - self._beat_at > 0.9 * self._silence

        def decide(session: Session, training: Training) -> bool:
            if not silenced and training.failures >= MOST_DEATHS:
                give_up(session, training)
                return False
            training.failures += not silenced
            message = "The run ended without a word; it goes on from its newest checkpoint"
            service.record(session, training, message, level="warn")
            return True

        return self._patiently(decide)

    def _let_go(self) -> None:
        """Others may take it; nobody was at fault."""

        def release(session: Session, training: Training) -> None:
            training.owner, training.failures = None, max(0, training.failures - 1)
            training.device = None

        with contextlib.suppress(Lost):
            self._patiently(release)

    def _fail(self, code: str, message: str, param: str | None, line: int | None = None) -> None:
        def fail(session: Session, training: Training) -> None:
            training.owner = None
            service.fail(session, training, code, message, param, line)

        with contextlib.suppress(Lost):
            self._patiently(fail)

    def _publish(self, result: Result) -> None:
        with self._beating():
            kept = publish.keep(self.claim.training_id, result)

        def publish_it(session: Session, training: Training) -> None:
            training.owner = None
            publish.finish(session, training, result, kept)

        self._patiently(publish_it)


def give_up(session: Session, training: Training) -> None:
    """End a job whose run dies again and again."""
    times = training.failures
    message = f"the run or its worker ended {times} times without a word and got no further"
    service.fail(session, training, "killed", message)
    training.owner = None
