"""When the sweep is due: by the monotonic clock, since a wall clock may be set back by an hour or by ten years."""

import time
from datetime import datetime

from celery.schedules import schedstate, schedule


class Every(schedule):  # type: ignore[misc]  # Celery has no types
    """Due every `run_every` seconds of this process. Celery's own counts from the wall-clock time of the last run."""

    _last: float | None = None

    def is_due(self, last_run_at: datetime) -> schedstate:
        """Whether to run now, and after how many seconds to ask again. `last_run_at` is a wall-clock time: not used."""
        now, period = time.monotonic(), self.run_every.total_seconds()
        left = 0.0 if self._last is None else self._last + period - now
        if left > 0:
            return schedstate(is_due=False, next=left)
        self._last = now
        return schedstate(is_due=True, next=period)
