"""How many calls to have at a server: just above its slots, found from its own /metrics, or by AIMD without them.

Too few leave slots empty; too many queue first-in-first-out in the server, where our order is lost.
"""

from app.llm.endpoint import Load


class Window:
    """`size` calls may be in flight. Bounds are calls.

    `slots`: how many calls the server runs at once, those of other clients too, as far as known. It changes by more
    than an eighth or not at all: the order of what waits depends on it.
    """

    def __init__(self, start: int, maximum: int) -> None:
        self.size, self.maximum = start, maximum
        self.measured = False
        self._successes, self._settled = 0, False
        self._steps: float | None = None
        self._full, self.slots = 0.0, start

    def seen(self, load: Load, inflight: int) -> None:
        """One reading of /metrics: grow while nothing waits, settle a little above what runs.

        Several clients of a server see the same numbers. When too much waits, each gives way by its share of the calls.
        A server counts after each step, and on a CPU one may take half a minute: until then a reading says nothing new.
        """
        self.measured = True
        before, self._steps = self._steps, load.steps
        if load.steps is not None and before in (None, load.steps):
            return
        running, waiting = load.running, load.waiting
        if waiting:
            self._full = running
        if waiting == 0 and inflight >= self.size - 2:
            growth = 1.25 if self._settled else 1.6
            self.size = min(self.maximum, int(self.size * growth) + 8)
        elif waiting > 0.125 * running + 16:
            self._settled = True
            share = min(1.0, inflight / (running + waiting))
            self.size = max(16, int(share * (running * 1.0625 + 16)))
        self._count()

    def _count(self) -> None:
        found = max(self.size, int(self._full))
        if abs(found - self.slots) > self.slots // 8:
            self.slots = found

    def succeeded(self) -> None:
        """Without /metrics: one more after each window-full of successes (a quarter more while still small)."""
        if self.measured:
            return
        self._successes += 1
        if self._successes >= self.size:
            self._successes = 0
            self.size = min(self.maximum, self.size + max(1, self.size // 4 if self.size < 64 else 4))
            self._count()

    def overloaded(self) -> None:
        """429 or 503: back off by a quarter."""
        self.size = max(4, int(self.size * 0.75))
        self._count()
        self._successes = 0
