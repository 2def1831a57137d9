"""The walled-in side of the SQL sandbox: one database in memory, in SQLite or DuckDB, and one query a fork."""

import hashlib
import sqlite3
import time
from decimal import Decimal
from typing import Any, Protocol

import duckdb
import orjson
import sqlglot
import sqlglot.optimizer  # all of it now: nothing is imported in the forks
from sqlglot import exp

from workers.sandbox.sql_check import Bad, Schema, check, tables_of
from workers.sandbox.warm_child import Handler, serve

_READS = {
    sqlite3.SQLITE_SELECT,
    sqlite3.SQLITE_READ,
    sqlite3.SQLITE_FUNCTION,
    sqlite3.SQLITE_RECURSIVE,
}
_BATCH = 1000
# Opened before the walls rise, since it looks into /proc; with one thread, so that it can be forked.
_EMPTY_DUCK = duckdb.connect(":memory:", config={"threads": 1, "memory_limit": "200MB"})


class Engine(Protocol):
    def query(self, sql: str, seconds: float) -> tuple[list[str], Any]:
        """Column names, and a cursor with `fetchmany`."""


class Sqlite:
    """The database as it was uploaded. The authorizer lets nothing but reading pass."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection

    def query(self, sql: str, seconds: float) -> tuple[list[str], Any]:
        end = time.monotonic() + seconds
        self.connection.set_authorizer(_only_reading)
        self.connection.set_progress_handler(lambda: int(time.monotonic() > end), 10_000)
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
        for name, columns in _tables(source).items():
            types = ", ".join(f"{_quoted(column)} {_duck_type(kind)}" for column, kind in columns)
            self.connection.execute(f"CREATE TABLE {_quoted(name)} ({types})")
            rows = source.execute(f"SELECT * FROM {_quoted(name)}")
            marks = ", ".join("?" for _ in columns)
            while batch := rows.fetchmany(_BATCH):
                self.connection.executemany(f"INSERT INTO {_quoted(name)} VALUES ({marks})", batch)
        for setting in (
            "temp_directory = ''",
            "enable_external_access = false",
            "autoinstall_known_extensions = false",
            "autoload_known_extensions = false",
            "lock_configuration = true",
        ):
            self.connection.execute(f"SET {setting}")

    def query(self, sql: str, seconds: float) -> tuple[list[str], Any]:
        cursor = self.connection.execute(sql)
        return [str(column[0]) for column in cursor.description or ()], cursor


def prepare(setup: Any, database: bytes) -> Handler:
    """Load the database; the reply to a request is a Result's fields, or `refused` and `detail`."""
    source = sqlite3.connect(":memory:", isolation_level=None)
    source.deserialize(database)
    schema: Schema = {
        name.lower(): {column.lower() for column, _ in columns} for name, columns in _tables(source).items()
    }
    engine: Engine = Sqlite(source) if setup["engine"] == "sqlite" else Duck(source)
    dialect = setup["dialect"]

    def answer(request: Any) -> Any:
        try:
            query = check(request["sql"], dialect, schema)
            sql = request["sql"] if setup["engine"] == dialect else query.sql(dialect=setup["engine"])
            columns, cursor = engine.query(sql.strip().rstrip(";"), request["seconds"])
            rows = _fetch(cursor, request["rows_most"])
        except Bad as bad:
            reason, detail = bad.args
            return {"refused": reason, "detail": detail}
        except (sqlite3.Error, duckdb.Error) as error:
            return {"refused": _reason(error), "detail": str(error).splitlines()[0][:300]}
        ordered = query.args.get("order") is not None
        return {
            "columns": columns,
            "rows": rows[: request["rows_kept"]],
            "row_count": len(rows),
            "sha256": _digest(rows, ordered),
            "tables": tables_of(query, schema),
        }

    return answer


def _fetch(cursor: Any, most: int) -> list[list[Any]]:
    rows: list[list[Any]] = []
    while batch := cursor.fetchmany(_BATCH):
        rows += [[_plain(value) for value in row] for row in batch]
        if len(rows) > most:
            raise Bad("too_many_rows", f"more than {most} rows")
    return rows


def _plain(value: Any) -> Any:
    """JSON's types; floats to nine significant digits, so that the order of a sum does not matter."""
    if isinstance(value, float):
        return float(f"{value:.9g}")
    if isinstance(value, Decimal):
        return float(f"{float(value):.9g}")
    if isinstance(value, bytes):
        return value.hex()
    return value if value is None or isinstance(value, bool | int | str) else str(value)


def _digest(rows: list[list[Any]], ordered: bool) -> str:
    lines = [orjson.dumps(row) for row in rows]
    return hashlib.sha256(b"\n".join(lines if ordered else sorted(lines))).hexdigest()


def _reason(error: Exception) -> str:
    text = str(error).lower()
    if "interrupted" in text:
        return "timeout"
    if "no such table" in text or ("table with name" in text and "does not exist" in text):
        return "unknown_table"
    if "no such column" in text or "referenced column" in text or "does not have a column" in text:
        return "unknown_column"
    if isinstance(error, duckdb.PermissionException) or "not authorized" in text or "prohibited" in text:
        return "file_access"
    if isinstance(error, duckdb.OutOfMemoryException) or "out of memory" in text or "too big" in text:
        return "out_of_memory"
    if isinstance(error, duckdb.ParserException) or "syntax error" in text or "incomplete input" in text:
        return "syntax_error"
    return "execution_error"


def _tables(source: sqlite3.Connection) -> dict[str, list[tuple[str, str]]]:
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


if __name__ == "__main__":
    serve(prepare)
