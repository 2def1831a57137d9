"""`corpusmith models` and `corpusmith fetch`: the models that can be served locally."""

import time
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from app.settings import Settings
from app.stack import model_venv
from app.stack.errors import StackError
from app.stack.models import ensure, expected
from app.stack.packaged import PACKAGED


def models() -> None:
    """List the packaged models, and whether they are ready to be served here."""
    cache_dir = Settings().cache_dir
    table = Table("name", "ready", "licence", "what it is")
    for model in PACKAGED.values():
        table.add_row(model.name, "yes" if expected(model.name, cache_dir) else "no", model.licence, model.summary)
    Console().print(table)


def fetch(
    name: Annotated[str, typer.Argument(help="A name from `corpusmith models`, or a folder with config.json")],
) -> None:
    """Prepare a model and the server for it, so that `up` finds both ready."""
    console, cache_dir, began = Console(), Settings().cache_dir, time.monotonic()

    def report(message: str) -> None:
        console.print(f"[dim]{time.monotonic() - began:6.1f} s[/dim] {escape(message)}")

    try:
        model_venv.ensure(cache_dir, report)
        model = ensure(name, cache_dir, report)
    except StackError as error:
        Console(stderr=True).print(f"[red]{escape(str(error))}[/red]")
        raise typer.Exit(1) from error
    console.print(f"[green]Ready:[/green] {escape(model.name)} in {escape(model.path)}", soft_wrap=True)
