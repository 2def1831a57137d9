"""Results that are dear to compute: remembered for a while in this process, and computed a few at a time."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

from app.errors import Busy

Value = TypeVar("Value")

AT_ONCE = 2  # computations of a process: requests that wait for one hold a thread that others need
WAIT_SECONDS = 20.0
_slots = threading.BoundedSemaphore(AT_ONCE)


class Remembered(Generic[Value]):
    """The last `most` results by key, each for `seconds`. One that several ask for at once is computed once."""

    def __init__(self, *, most: int, seconds: float) -> None:
        self.most, self.seconds = most, seconds
        self._found: OrderedDict[Hashable, tuple[float, Value]] = OrderedDict()
        self._makers: dict[Hashable, threading.Lock] = {}
        self._lock = threading.Lock()

    def get(self, key: Hashable, make: Callable[[], Value]) -> Value:
        """The result for `key`, remembered or made now. Raises Busy when others' computations take too long."""
        with self._lock:
            maker = self._makers.setdefault(key, threading.Lock())
        if not maker.acquire(timeout=WAIT_SECONDS):
            raise _busy()
        try:
            with self._lock:
                at, value = self._found.get(key, (-self.seconds, None))
            if value is not None and time.monotonic() - at < self.seconds:
                return value
            with slot():
                made = make()
            with self._lock:
                self._found[key] = (time.monotonic(), made)
                self._found.move_to_end(key)
                while len(self._found) > self.most:
                    self._found.popitem(last=False)
            return made
        finally:
            maker.release()
            with self._lock:
                if not maker.locked():
                    self._makers.pop(key, None)


@contextmanager
def slot() -> Iterator[None]:
    """For one computation that is not remembered. Raises Busy when none is free for too long."""
    if not _slots.acquire(timeout=WAIT_SECONDS):
        raise _busy()
    try:
        yield
    finally:
        _slots.release()


def _busy() -> Busy:
    return Busy("other reports are being computed; try again", headers={"Retry-After": "10"})
