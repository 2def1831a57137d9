"""Guess the keys of tables that declare none, CSVs above all: from the names of columns and the values in them."""

from collections.abc import Mapping, Sequence
from typing import Any

from workers.sandbox.schema import Key, Table

Values = Mapping[tuple[str, str], Sequence[Any]]  # (table, column) -> all its values


def guessed(tables: list[Table], values: Values) -> list[Table]:
    """The tables with primary and foreign keys, if none of them declares any; else as they are.

    A primary key is a first column that is called id or ends in it, without NULL and without one value twice. A column
    is a foreign key when its name says so (`customer_id`, `customerid`, or the key's own name, unless that is `id`) and
    each of its values is one of the key's.
    """
    if any(table.primary or table.keys for table in tables):
        return tables
    keyed = [table.model_copy(update={"primary": _primary(table)}) for table in tables]
    return [table.model_copy(update={"keys": tuple(_keys(table, keyed, values))}) for table in keyed]


def _primary(table: Table) -> tuple[str, ...]:
    first = table.columns[0]
    unique = first.nulls == 0 and first.distinct == table.rows > 0
    return (first.name,) if unique and first.name.lower().endswith("id") else ()


def _keys(table: Table, tables: list[Table], values: Values) -> list[Key]:
    found = []
    for column in table.columns:
        for other in tables:
            if other.name == table.name or not other.primary or not _named_for(column.name, other):
                continue
            theirs = set(values[other.name, other.primary[0]])
            if column.distinct and {value for value in values[table.name, column.name] if value is not None} <= theirs:
                found.append(Key(columns=(column.name,), table=other.name, references=other.primary))
                break
    return found


def _named_for(column: str, table: Table) -> bool:
    name, key, called = column.lower(), table.primary[0].lower(), table.name.lower()
    singular = called.removesuffix("ies") + "y" if called.endswith("ies") else called.removesuffix("s")
    return name in {f"{of}{link}{key}" for of in (called, singular) for link in ("_", "")} or (name == key != "id")
