"""Bring a database to the newest schema with Alembic; safe when several processes start at once."""

from pathlib import Path

from alembic import command
from alembic.config import Config

ROOT = Path(__file__).parent.parent


def config(database_url: str) -> Config:
    """An Alembic configuration without an .ini file."""
    alembic = Config()
    alembic.set_main_option("script_location", str(ROOT / "migrations"))
    alembic.set_main_option("file_template", "%%(year)d_%%(month).2d_%%(day).2d_%%(hour).2d%%(minute).2d_%%(slug)s")
    alembic.attributes["database_url"] = database_url
    return alembic


def upgrade(database_url: str, revision: str = "head") -> None:
    """Upgrade to `revision`."""
    command.upgrade(config(database_url), revision)
