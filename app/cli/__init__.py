"""`corpusmith`: the command line. All but the administrative commands speak only HTTP to the service."""

from importlib import import_module
from typing import Annotated, Any, NamedTuple

import typer
from typer.core import TyperGroup


class _Command(NamedTuple):
    """Where a command's function (or Typer group) is, and under which heading of the help it stands."""

    module: str
    function: str
    panel: str


_WORK, _TRAIN, _LOOK, _LOCAL = "Make a dataset", "Train a model", "Look around", "This machine"
_ADMIN = "Administration (direct to the database, not through the service)"

COMMANDS = {
    "up": _Command("app.cli.up", "up", _LOCAL),
    "demo": _Command("app.cli.demo", "demo", _LOCAL),
    "models": _Command("app.cli.models", "models", _LOCAL),
    "fetch": _Command("app.cli.models", "fetch", _LOCAL),
    "upload": _Command("app.cli.upload", "upload", _WORK),
    "generate": _Command("app.cli.generate", "generate", _WORK),
    "watch": _Command("app.cli.watch", "watch", _WORK),
    "pause": _Command("app.cli.control", "pause", _WORK),
    "resume": _Command("app.cli.control", "resume", _WORK),
    "cancel": _Command("app.cli.control", "cancel", _WORK),
    "mix": _Command("app.cli.mix", "mix", _WORK),
    "rebuild": _Command("app.cli.versions", "rebuild", _WORK),
    "export": _Command("app.cli.export", "export", _WORK),
    "train": _Command("app.cli.train", "train", _TRAIN),
    "trainings": _Command("app.cli.train", "trainings", _TRAIN),
    "export-model": _Command("app.cli.export_model", "export_model", _TRAIN),
    "push": _Command("app.cli.push", "push", _WORK),
    "samples": _Command("app.cli.samples", "samples", _LOOK),
    "diff": _Command("app.cli.versions", "diff", _LOOK),
    "report": _Command("app.cli.report", "report", _LOOK),
    "coverage": _Command("app.cli.report", "coverage", _LOOK),
    "verify": _Command("app.cli.report", "verify", _LOOK),
    "corpora": _Command("app.cli.lists", "corpora", _LOOK),
    "datasets": _Command("app.cli.lists", "datasets", _LOOK),
    "catalog": _Command("app.cli.lists", "catalog", _LOOK),
    "keys": _Command("app.cli.admin", "keys", _ADMIN),
    "migrate": _Command("app.cli.admin", "migrate", _ADMIN),
}


class _OnDemand(TyperGroup):
    """Imports a command's module when it is called, so that `watch` does not wait for what only `up` needs."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        names: dict[str, Any] = dict.fromkeys(COMMANDS)  # the names alone, for the help and for "did you mean"
        self.commands = names

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in COMMANDS:
            return None
        if self.commands[cmd_name] is None:
            self.commands[cmd_name] = _load(cmd_name, COMMANDS[cmd_name])
        return self.commands[cmd_name]


def _load(name: str, wanted: _Command) -> Any:
    found = getattr(import_module(wanted.module), wanted.function)
    if isinstance(found, typer.Typer):
        command: Any = typer.main.get_command(found)
        command.name, command.rich_help_panel = name, wanted.panel
        return command
    alone = typer.Typer(add_completion=False)
    alone.command(name, rich_help_panel=wanted.panel)(found)
    return typer.main.get_command(alone)


app = typer.Typer(cls=_OnDemand, no_args_is_help=True, pretty_exceptions_enable=False)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"corpusmith {version('corpusmith')}")
        raise typer.Exit


@app.callback(
    epilog="Exit codes: 0 done, 1 failed or no rows, 2 usage, 3 service not reached, 4 refused by the service, "
    "5 cancelled, 130 interrupted (the job goes on)."
)
def _corpusmith(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Say which")] = False,
) -> None:
    """Documents in, checked fine-tuning data out."""


def main() -> None:
    """The console script."""
    app(prog_name="corpusmith")
