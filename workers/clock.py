"""Celery beat by the monotonic clock: a wall clock that is set back must not silence the sweep until it catches up."""

import time

from celery.beat import Scheduler


class Monotonic(Scheduler):  # type: ignore[misc]  # Celery has no types
    """Rings each entry of `beat_schedule` (seconds) at the start and then every so often. It keeps nothing on disk."""

    def setup_schedule(self) -> None:
        """Only the entries of our own configuration: there are no results to clean up."""
        self.merge_inplace(self.app.conf.beat_schedule)
        self._due_at = dict.fromkeys(self.schedule, time.monotonic())

    def tick(self) -> float:
        """Ring what is due. Gives the seconds until something is due again."""
        for name, entry in list(self.schedule.items()):
            if self._due_at[name] <= time.monotonic():
                self.apply_entry(entry, producer=self.producer)
                self._due_at[name] = time.monotonic() + entry.schedule.run_every.total_seconds()
        return max(0.0, min(self._due_at.values()) - time.monotonic())
