"""The walled-in side of the SQL sandbox: one database in memory, and one statement a fork, run and looked at.

A request has the `sql`, its `dialect`, and may ask for more: `write`, another dialect to rewrite it in, which is then
read back and must give the same result; `examine`, to refuse a result with nothing in it or one that changes.
"""

import hashlib
import sqlite3
from decimal import Decimal
from typing import Any

import duckdb
import orjson
from sqlglot import Dialect, exp
from sqlglot.errors import ErrorLevel, SqlglotError

from workers.sandbox import sql_ties, sql_void
from workers.sandbox.sql_check import Bad, Schema, check, tables_of
from workers.sandbox.sql_engines import Duck, Engine, Sqlite, columns_of, reason_of
from workers.sandbox.sql_level import level
from workers.sandbox.warm_child import Handler, serve

_BATCH = 10_000


def prepare(setup: Any, database: bytes) -> Handler:
    """Load the database; the reply to a request is a Result's fields, or `refused` and `detail`."""
    source = sqlite3.connect(":memory:", isolation_level=None)
    source.deserialize(database)
    schema: Schema = {
        name.lower(): {column.lower() for column, _ in columns} for name, columns in columns_of(source).items()
    }
    engine: Engine = Sqlite(source) if setup["engine"] == "sqlite" else Duck(source)

    def answer(request: Any) -> Any:
        try:
            return _examined(request, engine, setup["engine"], schema)
        except Bad as bad:
            reason, detail = bad.args
            return {"refused": reason, "detail": detail}

    return answer


def _examined(request: Any, engine: Engine, name: str, schema: Schema) -> dict[str, Any]:
    sql, dialect = request["sql"].strip().rstrip("; \n"), request["dialect"]
    query = check(sql, dialect, schema)
    if request["examine"] and (call := sql_void.unstable(query)):
        raise Bad("unstable_result", f"{call} gives another value each time")
    executed = sql if name == dialect else query.sql(dialect=name)
    columns, rows = _run(engine, executed, request["rows_most"])
    if request["examine"] and sql_void.nothing(rows):
        if why := sql_void.contradiction(query):
            raise Bad("always_empty", why)
        raise Bad("empty_result", f"{len(rows)} rows without a value")
    if request["examine"] and (more := sql_ties.longer(query)) and _is_tied(more, engine, name, request["rows_most"]):
        raise Bad("tied_limit", "its LIMIT cuts between rows that its order does not tell apart")
    ordered = query.args.get("order") is not None
    digest = _digest(rows, ordered)
    if request["expected"] not in (None, digest):
        raise Bad("wrong_result", f"it gives {len(rows)} other rows than it should")
    written = sql
    if request["write"] not in (None, dialect):
        # Where NULL is sorted differs; most columns have none, and then plainer words mean the same.
        for form in (_with_own_null_order(query, request["write"]), query):
            written = _rewritten(form, request["write"])
            again = _run(engine, _read_back(written, request["write"], name, schema), request["rows_most"])
            if _digest(again[1], ordered) == digest:
                break
        else:
            raise Bad("wrong_result", f"rewritten for {request['write']} it gives another result: {written[:200]}")
    return {
        "columns": columns,
        "rows": rows[: request["rows_kept"]],
        "row_count": len(rows),
        "sha256": digest,
        "loose_sha256": _digest([sorted(row, key=repr) for row in rows], ordered=False),
        "tables": tables_of(query, schema),
        "executed": executed,
        "written": written,
        "level": level(query),
    }


def _is_tied(more: sql_ties.Longer, engine: Engine, name: str, most: int) -> bool:
    try:
        return more.tied(_run(engine, more.query.sql(dialect=name), most + 1)[1])
    except Bad:
        return False  # keys that cannot be selected: nothing is known


def _run(engine: Engine, sql: str, most: int) -> tuple[list[str], list[list[Any]]]:
    try:
        columns, cursor = engine.query(sql)
        return columns, _fetch(cursor, most)
    except (sqlite3.Error, duckdb.Error) as error:
        lines = str(error).splitlines() or [type(error).__name__]
        raise Bad(reason_of(error), lines[0][:300]) from None


def _with_own_null_order(query: exp.Query, dialect: str) -> exp.Query:
    """The query with NULL where the dialect puts it by itself, so that nothing need be said of it."""
    order = Dialect.get_or_raise(dialect).NULL_ORDERING
    plain = query.copy()
    for one in plain.find_all(exp.Ordered):
        down = bool(one.args.get("desc"))
        one.set("nulls_first", order != "nulls_are_last" and (order == "nulls_are_large") == down)
    return plain


def _rewritten(query: exp.Query, dialect: str) -> str:
    try:
        return query.sql(dialect=dialect, unsupported_level=ErrorLevel.RAISE)
    except SqlglotError as error:
        raise Bad("not_rewritable", f"{dialect} has no words for it: {str(error).splitlines()[0][:200]}") from None


def _read_back(sql: str, dialect: str, engine: str, schema: Schema) -> str:
    try:
        return check(sql, dialect, schema).sql(dialect=engine)
    except Bad as bad:
        raise Bad("not_rewritable", f"rewritten for {dialect} it cannot be read: {bad.args[1]}") from None


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
    if value is None or isinstance(value, bool | int):
        return value
    return str(value).replace("\0", "")  # which PostgreSQL does not store


def _digest(rows: list[list[Any]], ordered: bool) -> str:
    lines = [orjson.dumps(row) for row in rows]
    return hashlib.sha256(b"\n".join(lines if ordered else sorted(lines))).hexdigest()


if __name__ == "__main__":
    serve(prepare)
