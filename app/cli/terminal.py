"""Where a command speaks: results on stdout, progress and errors on stderr; control codes only on a terminal."""

import json
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from app.cli.failures import INTERRUPTED, Failure

PLAIN_SECONDS = 5.0  # between progress lines where there is no terminal
_PIPED_WIDTH = 200
_SHOWN = {"\n": "\n", "\t": " ", "\r": " "}


def plain(text: object) -> str:
    """Without control codes and marks that turn text around: what documents say must not drive the terminal."""
    return "".join(character if character.isprintable() else _SHOWN.get(character, "\ufffd") for character in str(text))


class Terminal:
    """One command's output. `if_interrupted` is what to say on Ctrl-C."""

    def __init__(self, as_json: bool) -> None:
        self.as_json = as_json
        self.if_interrupted = "Interrupted"
        self._out, self.err = _console(stderr=False), _console(stderr=True)
        self._said_at = -PLAIN_SECONDS

    @property
    def live(self) -> bool:
        """Is there a terminal for progress bars?"""
        return self.err.is_terminal

    def note(self, message: str, style: str = "") -> None:
        """A line on stderr."""
        self.err.print(Text(plain(message), style), soft_wrap=True)

    def progress(self, message: str) -> None:
        """A progress line where there is no terminal, unless one was printed just now."""
        if time.monotonic() - self._said_at >= PLAIN_SECONDS:
            self._said_at = time.monotonic()
            self.note(message)

    def line(self, message: str) -> None:
        """A line of the result; nothing with --json."""
        if not self.as_json:
            self._out.print(Text(plain(message)), soft_wrap=True)

    def record(self, value: Any) -> None:
        """The result, with --json only."""
        if self.as_json:
            typer.echo(json.dumps(value, ensure_ascii=False, indent=2))

    def table(self, *columns: str, rows: Iterable[Iterable[object]], title: str = "") -> None:
        """A table of the result; nothing with --json."""
        if self.as_json:
            return
        table = Table(title=title or None, title_justify="left", title_style="bold", show_lines=False)
        for column in columns:
            # An id that is cut cannot be copied.
            table.add_column(column, overflow="fold", no_wrap=column.endswith("id"))
        for row in rows:
            table.add_row(*(Text(plain("" if cell is None else cell)) for cell in row))
        self._out.print(table)

    def fail(self, failure: Failure) -> None:
        """One line on stderr, and with --json an object on stdout."""
        self.note(failure.message if failure.exit_code == INTERRUPTED else f"Error: {failure.line()}", "red")
        self.record(failure.record())


def _console(*, stderr: bool) -> Console:
    found = Console(stderr=stderr, highlight=False)
    # Without a terminal rich takes 80 columns, and folds ids and sentences.
    return found if found.is_terminal else Console(stderr=stderr, highlight=False, width=max(found.width, _PIPED_WIDTH))


@contextmanager
def speaking(as_json: bool) -> Iterator[Terminal]:
    """A terminal for one command, which ends with the exit code of the Failure it raises."""
    terminal = Terminal(as_json)
    try:
        yield terminal
    except Failure as failure:
        terminal.fail(failure)
        raise typer.Exit(failure.exit_code) from None
    except KeyboardInterrupt:
        terminal.fail(Failure(INTERRUPTED, "interrupted", terminal.if_interrupted))
        raise typer.Exit(INTERRUPTED) from None
