"""The walled-in side of building a database: from files that nobody has looked into to one plain SQLite file.

The SQLite file has tables, keys and rows, and nothing that acts: no view, trigger, check or virtual table of the
uploaded ones. Every value fits its column's type, so that any engine can load it.
"""

import base64
import random
import sqlite3
from pathlib import Path, PurePath
from typing import Any

import duckdb

from workers.sandbox.columns import Cell, settle
from workers.sandbox.dump import Fault
from workers.sandbox.keys import guessed
from workers.sandbox.load import DATABASES, Found, Loaded, read_database, read_texts
from workers.sandbox.schema import Column, Key, Schema, Table
from workers.sandbox.warm_child import Handler, serve

MOST_TABLES, MOST_COLUMNS = 300, 300
_VALUES = 24  # drawn from a column: those a model is shown, and those templates are filled with
_LONGEST_VALUE = 60
_DUCK = duckdb.connect(":memory:", config={"threads": 1, "memory_limit": "500MB"})  # before the walls rise


def prepare(setup: Any, _: bytes) -> Handler:
    """A request names the files, where they lie and what they may hold; the reply is the database, or whose fault."""
    _DUCK.execute("SET autoinstall_known_extensions = false")
    _DUCK.execute("SET autoload_known_extensions = false")

    def build(request: Any) -> Any:
        files = [(name, Path(path)) for name, path in request["files"]]
        names = ", ".join(name for name, _ in files)
        try:
            if PurePath(names).suffix.lower() in DATABASES and len(files) == 1:
                found = read_database(files[0][1], _DUCK, request["rows_most"])
            else:
                found, faults = read_texts(files, request["dialect"], request["rows_most"])
                if faults:
                    return {"faults": faults}
            return _built(found, request)
        except Fault as fault:
            return {"faults": {names: str(fault)}}
        except MemoryError:
            return {"faults": {names: "reading it needs more memory than is allowed"}}

    return build


def _built(found: Found, request: Any) -> Any:
    tables = [table for table in found.tables if table.columns]
    if not tables:
        raise Fault("it holds no table" + (f"; left out: {', '.join(found.left_out)}" if found.left_out else ""))
    if len(tables) > MOST_TABLES or any(len(table.columns) > MOST_COLUMNS for table in tables):
        raise Fault(f"it has more than {MOST_TABLES} tables, or a table of more than {MOST_COLUMNS} columns")
    if len({table.name.lower() for table in tables}) < len(tables):
        raise Fault("two of its tables have the same name")
    target = sqlite3.connect(":memory:", isolation_level=None)
    target.execute("PRAGMA page_size = 4096")
    target.execute("BEGIN")
    by_name = {table.name.lower(): table for table in tables}
    described = [_store(target, table, by_name, request["seed"]) for table in tables]
    target.execute("COMMIT")
    image = target.serialize()
    if len(image) > request["bytes_most"]:
        raise Fault(f"as a SQLite file it has more than {request['bytes_most']:,} bytes")
    values = {
        (table.name, name): [row[at] for row in table.rows]
        for table in tables
        for at, (name, _) in enumerate(table.columns)
    }
    schema = Schema(database=request["database"], tables=tuple(guessed(described, values)))
    return {
        "image": base64.b64encode(image).decode(),
        "schema": schema.model_dump(mode="json"),
        "left_out": found.left_out,
    }


def _store(target: sqlite3.Connection, table: Loaded, every: dict[str, Loaded], seed: str) -> Table:
    settled = [settle(declared, [row[at] for row in table.rows]) for at, (_, declared) in enumerate(table.columns)]
    names = [name for name, _ in table.columns]
    keys = tuple(key for key in (_whole(key, names, every) for key in table.keys) if key)
    lines = [f"{_sure(name)} {kind}" for name, (kind, _) in zip(names, settled, strict=True)]
    if table.primary:
        lines.append(f"PRIMARY KEY ({', '.join(map(_sure, table.primary))})")
    lines += [
        f"FOREIGN KEY ({', '.join(map(_sure, key.columns))}) REFERENCES {_sure(key.table)} "
        f"({', '.join(map(_sure, key.references))})"
        for key in keys
    ]
    target.execute(f"CREATE TABLE {_sure(table.name)} ({', '.join(lines)})")
    marks = ", ".join("?" * len(names))
    try:
        target.executemany(
            f"INSERT INTO {_sure(table.name)} VALUES ({marks})", zip(*(values for _, values in settled), strict=True)
        )
    except sqlite3.Error as error:
        raise Fault(f"table {table.name}: {error}") from None
    return Table(
        name=table.name,
        columns=tuple(
            _describe(name, kind, values, f"{seed}|{table.name}|{name}")
            for name, (kind, values) in zip(names, settled, strict=True)
        ),
        primary=table.primary,
        keys=keys,
        rows=len(table.rows),
    )


def _whole(key: Key, names: list[str], every: dict[str, Loaded]) -> Key | None:
    """The key in the names as they were declared, with the columns it refers to; None if it leads nowhere."""
    target = every.get(key.table.lower())
    if target is None:
        return None
    theirs = {name.lower(): name for name, _ in target.columns}
    own = {name.lower(): name for name in names}
    references = key.references or target.primary
    if len(references) != len(key.columns) or not all(name.lower() in own for name in key.columns):
        return None
    if not all(name.lower() in theirs for name in references):
        return None
    return Key(
        columns=tuple(own[name.lower()] for name in key.columns),
        table=target.name,
        references=tuple(theirs[name.lower()] for name in references),
    )


def _describe(name: str, kind: str, values: list[Cell], seed: str) -> Column:
    present: list[Any] = [value for value in values if value is not None]
    distinct = sorted(set(present), key=lambda value: (str(type(value)), value))
    shown = [value for value in distinct if not isinstance(value, bytes) and len(str(value)) <= _LONGEST_VALUE]
    drawn = random.Random(seed).sample(shown, min(_VALUES, len(shown)))
    bounded = present and kind.split("(")[0] in ("INTEGER", "REAL", "DECIMAL", "DATE", "TIMESTAMP")
    return Column(
        name=name,
        type=kind,
        values=tuple(bool(value) if kind == "BOOLEAN" else value for value in drawn if value != ""),
        distinct=len(distinct),
        nulls=len(values) - len(present),
        least=distinct[0] if bounded else None,
        most=distinct[-1] if bounded else None,
    )


def _sure(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


if __name__ == "__main__":
    serve(prepare)
