"""`corpusmith keys` and `migrate`: the only commands that speak to the database and not to the service."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import typer

from app.cli import address
from app.cli.failures import REFUSED, UNREACHABLE, Failure
from app.cli.options import AsJson
from app.cli.terminal import Terminal, speaking

keys = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    help="Make, list and revoke API keys.\n\nWorks on the database of this machine's settings, not on the service.",
)


@keys.command()
def create(
    name: Annotated[str, typer.Argument(help="Who or what will use it")],
    tenant: Annotated[str | None, typer.Option(help="Whose data it opens; made if new (default: `default`)")] = None,
    as_json: AsJson = False,
) -> None:
    """Make a key and print its secret, this once. From the first key on the service asks everybody for one."""
    with _database(as_json) as terminal:
        from app.db import transaction
        from app.keys import service
        from app.models.tenants import DEFAULT_TENANT

        with transaction() as session:
            key, secret = service.create(session, name, tenant or DEFAULT_TENANT)
            made = _shown(key) | {"secret": secret}
        terminal.note(f"Key {made['id']} of tenant {made['tenant_id']}. Its secret is shown only now:")
        terminal.line(secret)
        terminal.record(made)


@keys.command("list")
def every(as_json: AsJson = False) -> None:
    """List the keys, oldest first, without their secrets."""
    with _database(as_json) as terminal:
        from app.db import reading
        from app.keys import service

        with reading() as session:
            found = [_shown(key) for key in service.every(session)]
        rows = [(k["id"], k["name"], k["tenant_id"], k["begins"], k["created_at"], k["revoked_at"]) for k in found]
        terminal.table("id", "name", "tenant", "begins", "made", "revoked", rows=rows)
        terminal.record(found)


@keys.command()
def revoke(
    key_id: Annotated[str, typer.Argument(metavar="ID", help="As `corpusmith keys list` shows it")],
    as_json: AsJson = False,
) -> None:
    """Take a key's rights away, within seconds. Once the last one is revoked, only this machine may connect."""
    with _database(as_json) as terminal:
        from app.db import transaction
        from app.keys import service

        with transaction() as session:
            gone = _shown(service.revoke(session, key_id))
        terminal.line(f"{gone['id']} revoked")
        terminal.record(gone)


def migrate(as_json: AsJson = False) -> None:
    """Bring the database to the newest schema.

    Works directly on the database of this machine's settings, not on the service. `up` does it by itself.
    """
    with _database(as_json) as terminal:
        from app.migrate import upgrade

        found = address.settings()
        if found.database_url.startswith("sqlite:///"):
            found.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        upgrade(found.database_url)
        terminal.line("The database has the newest schema")
        terminal.record({"status": "ok"})


def _shown(key: Any) -> dict[str, Any]:
    return {
        "id": key.id,
        "name": key.name,
        "tenant_id": key.tenant_id,
        "begins": key.shown,
        "created_at": key.created_at and key.created_at.isoformat(timespec="seconds"),
        "revoked_at": key.revoked_at and key.revoked_at.isoformat(timespec="seconds"),
    }


@contextmanager
def _database(as_json: bool) -> Iterator[Terminal]:
    """A terminal for a command on the database, whose errors become one line."""
    with speaking(as_json) as terminal:
        address.settings()  # refuse bad settings before the database code reads them
        from sqlalchemy.exc import DBAPIError

        from app.errors import Problem

        try:
            yield terminal
        except Problem as problem:
            raise Failure(REFUSED, problem.code, problem.detail, param=problem.param) from None
        except DBAPIError as error:
            why = " ".join(str(error.orig).split())
            raise Failure(UNREACHABLE, "database", f"{why}; a new database needs `corpusmith migrate` first") from None
