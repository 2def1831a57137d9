"""How a dataset is shown while it is made: bars on a terminal, else a line now and then."""

from datetime import UTC, datetime
from types import TracebackType
from typing import Self

from rich.console import Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from app.cli.service import Json
from app.cli.terminal import Terminal, plain

_STYLES = {"succeeded": "bold green", "failed": "bold red", "cancelled": "bold yellow", "paused": "bold yellow"}
_BAR_WIDTH = 32


class DatasetView:
    """`with DatasetView(terminal) as view: view.show(dataset)`, as often as one likes."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal
        self._live = Live(console=terminal.err, auto_refresh=False, redirect_stdout=False, redirect_stderr=False)
        self._shown: tuple[object, ...] = ()
        self._line = ""

    def __enter__(self) -> Self:
        if self._terminal.live:
            self._live.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._terminal.live:
            self._live.stop()

    def show(self, dataset: Json) -> None:
        if self._terminal.live:
            self._live.update(_drawing(dataset), refresh=True)
            return
        # A new state is told at once, new numbers only now and then.
        state, line = (dataset["status"], dataset["waiting"]), _sentence(dataset)
        if state != self._shown:
            self._terminal.note(line)
        elif line != self._line:
            self._terminal.progress(line)
        self._shown, self._line = state, line


def drops(dataset: Json) -> str:
    """How many rows were dropped for each reason, most first."""
    counts = sorted(dataset["dropped"].items(), key=lambda found: (-found[1], found[0]))
    return ", ".join(f"{reason} {count}" for reason, count in counts)


def _sentence(dataset: Json) -> str:
    units, parts = dataset["units"], [dataset["status"]]
    if dataset["waiting"]:
        parts.append(f"waits: {dataset['waiting']}")
    if units["total"]:
        parts.append(f"units {_units(dataset)}")
        parts.append(f"accepted {_accepted(dataset)}")
        parts.append(f"dropped {drops(dataset) or 'none'}")
        parts.append(f"calls {_calls(dataset)}")
        parts.append(f"tokens {_tokens(dataset)}")
    if left := _time_left(dataset):
        parts.append(left)
    return " | ".join(parts)


def _drawing(dataset: Json) -> RenderableType:
    units, wanted = dataset["units"], dataset["rows_wanted"]
    head = Text.assemble(
        plain(dataset["name"]), f"  {dataset['id']}  ", (dataset["status"], _STYLES.get(dataset["status"], "bold cyan"))
    )
    grid = Table.grid(padding=(0, 2))
    grid.add_row("units", _bar(units["done"] + units["failed"], units["total"]), _units(dataset))
    grid.add_row("accepted", _bar(dataset["accepted"], wanted or 0) if wanted else "", _accepted(dataset))
    grid.add_row("calls", _bar(dataset["usage"]["calls"], dataset["expected_calls"] or 0), _calls(dataset))
    lines: list[RenderableType] = [head, grid, Text(f"tokens    {_tokens(dataset)}")]
    if dataset["dropped"]:
        lines.append(Text(f"dropped   {plain(drops(dataset))}", "yellow"))
    if left := _time_left(dataset):
        lines.append(Text(left, "dim"))
    if dataset["waiting"]:
        lines.append(Text(f"waits: {plain(dataset['waiting'])}", "bold yellow"))
    return Group(*lines)


def _bar(done: int, total: int) -> ProgressBar:
    return ProgressBar(total=max(total, 1), completed=min(done, total), width=_BAR_WIDTH)


def _units(dataset: Json) -> str:
    units = dataset["units"]
    failed = f" ({units['failed']} failed)" if units["failed"] else ""
    return f"{units['done'] + units['failed']}/{units['total']}{failed}"


def _accepted(dataset: Json) -> str:
    return f"{dataset['accepted']}" + (f"/{dataset['rows_wanted']}" if dataset["rows_wanted"] else "")


def _calls(dataset: Json) -> str:
    usage, expected = dataset["usage"], dataset["expected_calls"]
    about = f" of about {expected}" if expected else ""
    replayed = f", {usage['replayed_calls']} replayed for free" if usage["replayed_calls"] else ""
    return f"{usage['calls']}{about}{replayed}"


def _tokens(dataset: Json) -> str:
    usage = dataset["usage"]
    cached = f" ({usage['cached_tokens']:,} cached)" if usage["cached_tokens"] else ""
    return f"{usage['prompt_tokens']:,} in{cached}, {usage['completion_tokens']:,} out"


def _time_left(dataset: Json) -> str:
    if not dataset["estimated_finish"] or dataset["status"] != "generating":
        return ""
    end = datetime.fromisoformat(dataset["estimated_finish"])
    seconds = max(0.0, (end - datetime.now(UTC)).total_seconds())
    if seconds < 90:
        return f"about {seconds:.0f} s left"
    return f"about {seconds / 60:.0f} min left" if seconds < 5400 else f"about {seconds / 3600:.1f} h left"
