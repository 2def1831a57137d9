"""Alembic's entry point: the URL comes from app.settings, the tables from app.models."""

from alembic import context
from sqlalchemy import text

from app import models  # noqa: F401  (makes every table known)
from app.db import Base, make_engine
from app.settings import settings

LOCK = 7_246_915_031  # any number that is ours: one migration at a time on PostgreSQL

url = context.config.attributes.get("database_url") or settings().database_url
if url.startswith("sqlite:///"):
    settings().data_dir.mkdir(parents=True, exist_ok=True)

engine = make_engine(url)
with engine.connect() as connection:
    sqlite = connection.dialect.name == "sqlite"
    context.configure(
        connection=connection, target_metadata=Base.metadata, render_as_batch=sqlite, transactional_ddl=not sqlite
    )
    with context.begin_transaction():
        if not sqlite:
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
        context.run_migrations()
    connection.commit()
engine.dispose()
