"""The engines of the SQL sandbox, SQLite and DuckDB, each holding one database in memory and reading only."""

import sqlite3
from typing import Any, Protocol

import duckdb
import sqlglot
import sqlglot.optimizer  # all of it now: nothing is imported in the forks
from sqlglot import exp

_READS = {
    sqlite3.SQLITE_SELECT,
    sqlite3.SQLITE_READ,
    sqlite3.SQLITE_FUNCTION,
    sqlite3.SQLITE_RECURSIVE,
}
_BATCH = 10_000
# Opened before the walls rise, since it looks into /proc; with one thread, so that it can be forked.
_EMPTY_DUCK = duckdb.connect(":memory:", config={"threads": 1, "memory_limit": "300MB"})


class Engine(Protocol):
    def query(self, sql: str) -> tuple[list[str], Any]:
        """Column names, and a cursor with `fetchmany`."""


class Sqlite:
    """The database as it was uploaded. The authorizer lets nothing but reading pass."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        connection.execute("PRAGMA temp_store = MEMORY")  # or a large sort would look for a file

    def query(self, sql: str) -> tuple[list[str], Any]:
        self.connection.set_authorizer(_only_reading)
        cursor = self.connection.execute(sql)
        return [str(column[0]) for column in cursor.description or ()], cursor


def _only_reading(action: int, first: str | None, second: str | None, *_: Any) -> int:
    if action not in _READS or (action == sqlite3.SQLITE_FUNCTION and second == "load_extension"):
        return sqlite3.SQLITE_DENY
    return sqlite3.SQLITE_OK


class Duck:
    """The same tables in DuckDB: no files, no extensions, settings locked."""

    def __init__(self, source: sqlite3.Connection) -> None:
        self.connection = _EMPTY_DUCK
        for name, columns in columns_of(source).items():
            types = ", ".join(f"{_quoted(column)} {_duck_type(kind)}" for column, kind in columns)
            self.connection.execute(f"CREATE TABLE {_quoted(name)} ({types})")
            rows = source.execute(f"SELECT * FROM {_quoted(name)}")
            # A column at a time: row by row it takes a hundred times as long.
            kinds = [_duck_type(kind) for _, kind in columns]
            marks = ", ".join(f"unnest(?::{kind}[])" for kind in kinds)
            while batch := rows.fetchmany(_BATCH):
                values = [_fitting(column, kind) for column, kind in zip(zip(*batch, strict=True), kinds, strict=True)]
                self.connection.execute(f"INSERT INTO {_quoted(name)} SELECT {marks}", values)
        for setting in (
            "temp_directory = ''",
            "enable_external_access = false",
            "autoinstall_known_extensions = false",
            "autoload_known_extensions = false",
            "python_enable_replacements = false",
            "lock_configuration = true",
        ):
            self.connection.execute(f"SET {setting}")

    def query(self, sql: str) -> tuple[list[str], Any]:
        cursor = self.connection.execute(sql)
        return [str(column[0]) for column in cursor.description or ()], cursor


def _fitting(values: tuple[Any, ...], kind: str) -> list[Any]:
    """SQLite's values of one column as DuckDB takes them in a list, which must be of one type."""
    if kind == "VARCHAR" or kind == "TEXT":
        return [value if value is None else str(value) for value in values]
    return [bool(value) if kind == "BOOLEAN" and value is not None else value for value in values]


def reason_of(error: Exception) -> str:
    text = str(error).lower()
    if "interrupted" in text:
        return "runaway"
    if (
        "no such table" in text
        or "referenced table" in text
        or ("table with name" in text and "does not exist" in text)
    ):
        return "unknown_table"
    if "no such column" in text or "referenced column" in text or "does not have a column" in text:
        return "unknown_column"
    if isinstance(error, duckdb.PermissionException) or "not authorized" in text or "prohibited" in text:
        return "file_access"
    if isinstance(error, duckdb.OutOfMemoryException) or "out of memory" in text or "too big" in text:
        return "too_much_memory"
    if isinstance(error, duckdb.ParserException) or "syntax error" in text or "incomplete input" in text:
        return "sql_syntax"
    return "sql_error"


def columns_of(source: sqlite3.Connection) -> dict[str, list[tuple[str, str]]]:
    """Table or view -> its columns with their declared types."""
    names = source.execute(
        "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite_%' ORDER BY name"
    ).fetchall()
    return {
        str(name): [(str(row[1]), str(row[2])) for row in source.execute(f"PRAGMA table_info({_quoted(str(name))})")]
        for (name,) in names
    }


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _duck_type(declared: str) -> str:
    """DuckDB's type for a declared SQLite type; VARCHAR for what it does not know."""
    try:
        kind = exp.DataType.build(declared, dialect="sqlite")
        text = kind.sql(dialect="duckdb").upper()
    except sqlglot.errors.SqlglotError:
        return "VARCHAR"
    head = text.split("(")[0]
    known = {"BIGINT", "INTEGER", "INT", "SMALLINT", "TINYINT", "DOUBLE", "REAL", "FLOAT", "BOOLEAN", "DATE",
             "TIMESTAMP", "TIME", "BLOB", "DECIMAL", "VARCHAR", "TEXT"}  # fmt: skip
    if head not in known:
        return "VARCHAR"
    return "BIGINT" if head in ("INT", "INTEGER") else text
