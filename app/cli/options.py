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
_BUNDLE = "Bundle"
Trainers = Annotated[
    list[str] | None,
    typer.Option(
        "--trainer",
        help="Write files for this trainer (again for more); default: for all that can read the rows",
        show_default=False,
        rich_help_panel=_BUNDLE,
    ),
]
BaseModel = Annotated[
    str | None,
    typer.Option(help="The model that the trainers' files name", show_default=False, rich_help_panel=_BUNDLE),
]
Title = Annotated[str | None, typer.Option(help="What the card is called", show_default=False, rich_help_panel=_BUNDLE)]
Author = Annotated[str | None, typer.Option(help="Who gives the rows", show_default=False, rich_help_panel=_BUNDLE)]
License = Annotated[
    str | None,
    typer.Option(help="SPDX identifier, such as CC-BY-4.0", show_default=False, rich_help_panel=_BUNDLE),
]
Limit = Annotated[int, typer.Option(help="So many at most", min=1)]
