"""The options that every command has."""

from typing import Annotated

import typer

_PANEL = "Common"

AsJson = Annotated[
    bool, typer.Option("--json", help="Print JSON on stdout, all else on stderr", rich_help_panel=_PANEL)
]
Url = Annotated[
    str,
    typer.Option(
        "--url",
        envvar="CORPUSMITH_URL",
        help="Where the service is. Default: the one that `corpusmith up` runs, else http://127.0.0.1:8321",
        show_default=False,
        rich_help_panel=_PANEL,
    ),
]
ApiKey = Annotated[
    str,
    typer.Option(
        "--api-key",
        envvar="CORPUSMITH_API_KEY",
        help="Needed as soon as the service has one key",
        show_default=False,
        rich_help_panel=_PANEL,
    ),
]
Limit = Annotated[int, typer.Option(help="So many at most", min=1)]
