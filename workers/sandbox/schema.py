"""A database as a model is shown it and as templates fill it: tables, columns, keys, and values drawn from them."""

import re

from app.domain import Record

Value = str | int | float | bool
_PLAIN = re.compile(r"[a-z_][a-z0-9_]*", re.I)
# Words that an engine takes for its own when they stand alone: those people name tables and columns with.
_WORDS = """
all and any as asc between by case cast check collate column create cross current_date default delete desc distinct drop
else end except exists for foreign from full group having in index inner insert intersect into is join key left like
limit natural not null offset on or order outer pivot primary qualify references right row rows select set table then to
top union unique update user using values when where window with
"""
_RESERVED = frozenset(_WORDS.split())


class Column(Record):
    """`type`: INTEGER, REAL, DECIMAL(p,s), TEXT, DATE, TIMESTAMP, BOOLEAN or BLOB. `values`: some of its own.

    `distinct` and `nulls` count all rows; `least` and `most` bound numbers and dates (ISO 8601).
    """

    name: str
    type: str
    values: tuple[Value, ...] = ()
    distinct: int = 0
    nulls: int = 0
    least: Value | None = None
    most: Value | None = None

    @property
    def numeric(self) -> bool:
        return self.type.split("(")[0] in ("INTEGER", "REAL", "DECIMAL")

    @property
    def dated(self) -> bool:
        return self.type in ("DATE", "TIMESTAMP")


class Key(Record):
    """A foreign key: these columns name a row of `table` by its columns `references`."""

    columns: tuple[str, ...]
    table: str
    references: tuple[str, ...]


class Table(Record):
    """A table with its keys and its number of rows."""

    name: str
    columns: tuple[Column, ...]
    primary: tuple[str, ...] = ()
    keys: tuple[Key, ...] = ()
    rows: int = 0

    def column(self, name: str) -> Column:
        return next(column for column in self.columns if column.name == name)


class Schema(Record):
    """Tables of one database. `image`: the SHA-256 of the stored SQLite file that holds all of its rows.

    `distractors` are names of tables that a model is shown and its queries must do without.
    """

    database: str
    tables: tuple[Table, ...]
    image: str = ""
    distractors: tuple[str, ...] = ()

    @property
    def asked(self) -> tuple[Table, ...]:
        """The tables that queries are about."""
        return tuple(table for table in self.tables if table.name not in self.distractors)

    def table(self, name: str) -> Table:
        return next(table for table in self.tables if table.name == name)


def quoted(name: str) -> str:
    """The name as it stands in a statement: in double quotes only where it must."""
    if _PLAIN.fullmatch(name) and name.lower() not in _RESERVED:
        return name
    return '"' + name.replace('"', '""') + '"'


def literal(value: Value) -> str:
    """The value as it stands in a statement."""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    return str(value) if isinstance(value, int | float) else "'" + value.replace("'", "''") + "'"


def ddl(schema: Schema, values: int) -> str:
    """CREATE TABLE statements, with up to `values` values of each column as a comment, and keys within the schema."""
    return "\n\n".join(_create(table, schema, values) for table in schema.tables)


def _create(table: Table, schema: Schema, values: int) -> str:
    shown = {other.name for other in schema.tables}
    lines = [
        (f"{quoted(column.name)} {column.type}", ", ".join(_short(value) for value in column.values[:values]))
        for column in table.columns
    ]
    if table.primary:
        lines.append((f"PRIMARY KEY ({_names(table.primary)})", ""))
    lines += [
        (f"FOREIGN KEY ({_names(key.columns)}) REFERENCES {quoted(key.table)} ({_names(key.references)})", "")
        for key in table.keys
        if key.table in shown
    ]
    last = len(lines) - 1
    body = "\n".join(
        f"  {line}{'' if i == last else ','}{f'  -- {said}' if said else ''}" for i, (line, said) in enumerate(lines)
    )
    return f"CREATE TABLE {quoted(table.name)} (\n{body}\n);"


def _names(names: tuple[str, ...]) -> str:
    return ", ".join(map(quoted, names))


def _short(value: Value) -> str:
    """On one line, and short: a comment must not end before its line does."""
    text = literal(value)
    text = " ".join(text.split())
    return text if len(text) <= 40 else f"{text[:36]}...'"
