"""Read the files of one database into tables: a SQLite or DuckDB file, or SQL dumps and CSVs together."""

import csv
import io
import re
import sqlite3
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import Any

import duckdb

from workers.parse import encoding
from workers.parse.failure import ParseFailed
from workers.sandbox.dump import Dump, Fault
from workers.sandbox.schema import Key, quoted

DATABASES = (".sqlite", ".sqlite3", ".db", ".duckdb", ".ddb")
TEXTS = (".sql", ".csv", ".tsv")
SQLITE_MAGIC, DUCK_MAGIC = b"SQLite format 3\0", b"DUCK"
_LONGEST_CELL = 1_000_000


@dataclass(slots=True)
class Loaded:
    """A table as it was found: columns with declared types, and all of its rows."""

    name: str
    columns: list[tuple[str, str]]
    rows: list[tuple[Any, ...]]
    primary: tuple[str, ...] = ()
    keys: list[Key] = field(default_factory=list)


@dataclass(slots=True)
class Found:
    """All tables, and what was left out, a phrase each."""

    tables: list[Loaded]
    left_out: list[str] = field(default_factory=list)


def read_database(path: Path, duck: duckdb.DuckDBPyConnection, most_rows: int) -> Found:
    """A database file. Raises Fault."""
    with path.open("rb") as file:
        head = file.read(16)
    if head.startswith(SQLITE_MAGIC):
        connection = sqlite3.connect(":memory:", isolation_level=None)
        try:
            connection.deserialize(path.read_bytes())
            connection.execute("PRAGMA query_only = 1")
            return _read_sqlite(connection, most_rows)
        except sqlite3.Error as error:
            raise Fault(f"SQLite cannot read it: {error}") from None
    if head[8:12] == DUCK_MAGIC:
        try:
            duck.execute(f"ATTACH '{path}' AS source (READ_ONLY)")
            return _read_duck(duck, most_rows)
        except duckdb.Error as error:
            raise Fault(f"DuckDB cannot read it: {str(error).splitlines()[0][:200]}") from None
    raise Fault("it is neither a SQLite nor a DuckDB file")


def read_texts(files: list[tuple[str, Path]], dialect: str | None, most_rows: int) -> tuple[Found, dict[str, str]]:
    """Dumps and then CSVs, each in the order of its names. Returns what there is, and the faults by file."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.execute("PRAGMA temp_store = MEMORY")
    dump = Dump(connection, dialect)
    left_out, faults = [], {}
    for name, path in sorted(files, key=lambda file: (not file[0].lower().endswith(".sql"), file[0])):
        try:
            text, _ = encoding.decode(path.read_bytes())
            if name.lower().endswith(".sql"):
                if skipped := dump.run(text):
                    left_out.append(f"{name}: {skipped} statements that make no table or row")
            else:
                _read_csv(connection, PurePath(name).stem, text)
        except Fault as fault:
            faults[name] = str(fault)
        except ParseFailed as failure:
            faults[name] = failure.detail
        except (sqlite3.Error, csv.Error) as error:
            faults[name] = str(error)
    if faults:
        return Found([]), faults
    found = _read_sqlite(connection, most_rows)
    for table in found.tables:
        table.primary = table.primary or dump.primary.get(table.name.lower(), ())
        table.keys += dump.keys.get(table.name.lower(), [])
    found.left_out += left_out
    return found, faults


def _read_csv(connection: sqlite3.Connection, stem: str, text: str) -> None:
    """A table of the file's name; into the table that a dump has made, if there is one."""
    csv.field_size_limit(_LONGEST_CELL)
    text = text.replace("\0", "").lstrip("\ufeff")
    first = text.split("\n", 1)[0]
    delimiter = max(",;\t|", key=first.count)
    lines = [line for line in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True) if line]
    if not lines:
        raise Fault("it has no header")
    header = [" ".join(name.split()) for name in lines[0]]
    if "" in header or len({name.lower() for name in header}) < len(header):
        raise Fault("its header has a column without a name, or one name twice")
    for number, line in enumerate(lines[1:], start=2):
        if len(line) != len(header):
            raise Fault(f"row {number} has {len(line)} cells where the header has {len(header)}")
    table = re.sub(r"\W+", "_", stem).strip("_") or "data"
    names = ", ".join(map(quoted, header))
    if not connection.execute("SELECT 1 FROM sqlite_master WHERE lower(name) = ?", (table.lower(),)).fetchone():
        connection.execute(f"CREATE TABLE {quoted(table)} ({names})")
    marks = ", ".join("?" * len(header))
    rows = [[cell.strip() or None for cell in line] for line in lines[1:]]
    connection.executemany(f"INSERT INTO {quoted(table)} ({names}) VALUES ({marks})", rows)


def _read_sqlite(connection: sqlite3.Connection, most_rows: int) -> Found:
    found = Found([])
    connection.text_factory = lambda data: data.decode("utf-8", "replace")
    listed = connection.execute(
        "SELECT name, type, upper(substr(ltrim(coalesce(sql, '')), 1, 14)) FROM sqlite_master "
        "WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite_%' ORDER BY rowid"
    ).fetchall()
    for name, kind, begins in listed:
        if kind == "view" or begins.startswith("CREATE VIRTUAL"):
            found.left_out.append(f"the {'view' if kind == 'view' else 'virtual table'} {name}")
            continue
        columns = connection.execute(f"PRAGMA table_info({_sure(name)})").fetchall()
        primary = sorted((column[5], str(column[1])) for column in columns if column[5])
        keys: dict[int, list[Any]] = {}
        for key in connection.execute(f"PRAGMA foreign_key_list({_sure(name)})").fetchall():
            keys.setdefault(key[0], []).append(key)
        found.tables.append(
            Loaded(
                name=str(name),
                columns=[(str(column[1]), str(column[2])) for column in columns],
                rows=_rows(connection.execute(f"SELECT * FROM {_sure(name)}"), found, most_rows),
                primary=tuple(column for _, column in primary),
                keys=[_key(parts) for _, parts in sorted(keys.items())],
            )
        )
    return found


def _key(parts: list[Any]) -> Key:
    parts = sorted(parts, key=lambda part: part[1])
    return Key(
        columns=tuple(str(part[3]) for part in parts),
        table=str(parts[0][2]),
        references=tuple(str(part[4]) for part in parts if part[4]),
    )


def _read_duck(duck: duckdb.DuckDBPyConnection, most_rows: int) -> Found:
    found = Found([])
    names = duck.execute(
        "SELECT schema_name, table_name FROM duckdb_tables() WHERE database_name = 'source' AND NOT internal "
        "ORDER BY 1, 2"
    ).fetchall()
    views = duck.execute(
        "SELECT view_name FROM duckdb_views() WHERE database_name = 'source' AND NOT internal"
    ).fetchall()
    found.left_out += [f"the view {name}" for (name,) in views]
    for schema, name in names:
        columns = duck.execute(
            "SELECT column_name, data_type FROM duckdb_columns() WHERE database_name = 'source' AND schema_name = ? "
            "AND table_name = ? ORDER BY column_index",
            [schema, name],
        ).fetchall()
        table = Loaded(
            name=str(name),
            columns=[(str(column), str(kind)) for column, kind in columns],
            rows=_rows(duck.execute(f"SELECT * FROM source.{_sure(schema)}.{_sure(name)}"), found, most_rows),
        )
        constraints = duck.execute(
            "SELECT constraint_type, constraint_column_names, referenced_table, referenced_column_names "
            "FROM duckdb_constraints() WHERE database_name = 'source' AND schema_name = ? AND table_name = ?",
            [schema, name],
        ).fetchall()
        for kind, own, other, theirs in constraints:
            if kind == "PRIMARY KEY":
                table.primary = tuple(own)
            elif kind == "FOREIGN KEY":
                table.keys.append(Key(columns=tuple(own), table=other, references=tuple(theirs)))
        found.tables.append(table)
    return found


def _rows(cursor: Any, found: Found, most: int) -> list[tuple[Any, ...]]:
    """All rows. Raises Fault when the database has more than `most` in all."""
    left = most - sum(len(table.rows) for table in found.tables)
    rows: list[tuple[Any, ...]] = cursor.fetchmany(left + 1)
    if len(rows) > left:
        raise Fault(f"it has more than {most:,} rows")
    return rows


def _sure(name: str) -> str:
    return '"' + str(name).replace('"', '""') + '"'
