"""`corpusmith up`: the whole product on this machine, in the foreground."""

import time
from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.markup import escape

from app.settings import Settings
from app.stack import up as stack
from app.stack.errors import StackError


def up(
    data_dir: Annotated[Path | None, typer.Option(help="Where everything is kept")] = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on; other than loopback needs an API key")] = None,
    port: Annotated[int | None, typer.Option(help="Port of the API; 0 takes a free one", min=0)] = None,
    model: Annotated[
        str, typer.Option(help="Local generator: a name from `corpusmith models`, a folder, a hub id, or 'none'")
    ] = stack.DEFAULT_GENERATOR,
    generator_url: Annotated[str, typer.Option(help="Use this OpenAI-compatible server, no local one")] = "",
    generator_model: Annotated[str, typer.Option(help="Model name at --generator-url")] = "",
    judge_url: Annotated[str, typer.Option(help="Another server for judging (default: the generator)")] = "",
    judge_model: Annotated[str, typer.Option(help="Model name at --judge-url")] = "",
    eager: Annotated[bool, typer.Option("--eager", help="Local model: start in half the time, run slower")] = False,
    llm_workers: Annotated[int, typer.Option(help="Workers that call the model", min=1)] = 1,
    cpu_concurrency: Annotated[int, typer.Option(help="Documents parsed at once", min=1)] = 2,
    train: Annotated[bool, typer.Option(help="Run a worker for fine-tuning")] = True,
) -> None:
    """Start every part on this machine and keep it running until Ctrl-C. The next start goes on from there."""
    given = {
        "data_dir": data_dir,
        "host": host,
        "port": port,
        "generator_url": generator_url,
        "generator_model": generator_model,
        "judge_url": judge_url,
        "judge_model": judge_model,
        "local_model_eager": eager or None,
    }
    console, began = Console(), time.monotonic()

    def report(message: str) -> None:
        style = "bold green" if message.startswith("Ready") else "yellow" if ": waiting" in message else ""
        line = f"[dim]{time.monotonic() - began:6.1f} s[/dim] {escape(message)}"
        console.print(line, style=style, soft_wrap=True, highlight=False)

    try:
        settings = Settings.model_validate({name: value for name, value in given.items() if value not in (None, "")})
        if settings.generator_url and not settings.generator_model:
            raise StackError("--generator-url needs --generator-model: the name of the model there")
        stack.run(
            settings,
            generator=None if model == "none" else model,
            host=settings.host,
            port=settings.port,
            llm_workers=llm_workers,
            cpu_concurrency=cpu_concurrency,
            train=train,
            report=report,
        )
    except (StackError, ValidationError) as error:
        Console(stderr=True).print(f"[red]{escape(str(error))}[/red]", soft_wrap=True)
        raise typer.Exit(1) from error
