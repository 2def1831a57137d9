"""A bar for bytes or documents: drawn on a terminal, else a line now and then."""

from types import TracebackType
from typing import Self

from rich.progress import BarColumn, DownloadColumn, MofNCompleteColumn, Progress, TextColumn, TransferSpeedColumn

from app.cli.terminal import Terminal, plain

_MB = 1e6


class Bar:
    """`with Bar(terminal, "Uploading", total, bytes_=True) as bar: bar.advance(n)`."""

    def __init__(self, terminal: Terminal, what: str, total: int, *, bytes_: bool) -> None:
        self._terminal, self._what, self._total, self._bytes, self._done = terminal, what, total, bytes_, 0
        counts = (DownloadColumn(), TransferSpeedColumn()) if bytes_ else (MofNCompleteColumn(),)
        self._progress = Progress(
            TextColumn("{task.description}", markup=False), BarColumn(), *counts, console=terminal.err
        )
        self._task = self._progress.add_task(plain(what), total=total)

    def __enter__(self) -> Self:
        if self._terminal.live:
            self._progress.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._terminal.live:
            self._progress.stop()

    def advance(self, amount: int) -> None:
        self.reach(self._done + amount)

    def reach(self, done: int, of: int | None = None) -> None:
        """So much is done; also less than before, when something is sent again."""
        self._done, self._total = done, of or self._total
        self._progress.update(self._task, completed=done, total=self._total)
        if not self._terminal.live:
            self._terminal.progress(self._line())

    def _line(self) -> str:
        if self._bytes:
            return f"{self._what}: {self._done / _MB:.1f} of {self._total / _MB:.1f} MB"
        return f"{self._what}: {self._done} of {self._total}"
