"""One thread for a model of this process: what rows ask for one at a time is computed in batches.

While a batch is computed the next requests gather, and go into the next batch together.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Generic, TypeVar

AT_ONCE = 32
In = TypeVar("In")
Out = TypeVar("Out")


class Batches(Generic[In, Out]):
    """`compute` makes of up to AT_ONCE inputs as many outputs, in their order."""

    def __init__(self, name: str, compute: Callable[[list[In]], Sequence[Out]]) -> None:
        self._compute = compute
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix=name)
        self._waiting: deque[tuple[In, Future[Out]]] = deque()

    async def get(self, item: In) -> Out:
        """The output of one input. Raises what computing its batch raises."""
        answer: Future[Out] = Future()
        self._waiting.append((item, answer))
        self._thread.submit(self._work)
        return await asyncio.wrap_future(answer)

    def _work(self) -> None:
        """One batch of what has gathered; nothing, when an earlier batch took it all."""
        taken = [self._waiting.popleft() for _ in range(min(AT_ONCE, len(self._waiting)))]
        taken = [item for item in taken if item[1].set_running_or_notify_cancel()]
        if not taken:
            return
        try:
            found = self._compute([item for item, _ in taken])
        except Exception as error:
            for _, answer in taken:
                answer.set_exception(error)
            return
        for (_, answer), value in zip(taken, found, strict=True):
            answer.set_result(value)
