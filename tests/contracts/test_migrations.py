"""The migrations give exactly the schema of app.models, on both engines, up and down."""

from alembic import command

from app import migrate
from app.settings import Settings


def test_migrations_produce_the_models_and_go_down_again(database_url: str) -> None:
    url = Settings(database_url=database_url).database_url
    migrate.upgrade(url)
    command.check(migrate.config(url))
    command.downgrade(migrate.config(url), "base")
    migrate.upgrade(url)
    command.check(migrate.config(url))


def test_upgrading_twice_changes_nothing(database_url: str) -> None:
    url = Settings(database_url=database_url).database_url
    migrate.upgrade(url)
    migrate.upgrade(url)
