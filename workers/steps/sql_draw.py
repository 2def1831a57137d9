"""Draw what a template is filled with: tables, columns of a certain role, links between tables, and real values."""

import random
from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeVar

from workers.sandbox.schema import Column, Key, Schema, Table, Value, literal, quoted

Item = TypeVar("Item")
_FEW = 40  # so many distinct values still are categories
_NAMES = ("name", "title", "label", "description", "caption")


class NoFit(Exception):
    """The schema has nothing that this template could be filled with."""


class Link(NamedTuple):
    """Rows of `child` name a row of `parent` by one column."""

    child: Table
    column: str
    parent: Table
    reference: str


class Draw:
    """Random choices from the tables that are asked about; every draw raises NoFit when there is nothing to choose."""

    def __init__(self, schema: Schema, engine: str, chance: random.Random) -> None:
        self.schema, self.engine, self.chance = schema, engine, chance

    def one(self, items: Sequence[Item]) -> Item:
        if not items:
            raise NoFit
        return self.chance.choice(items)

    def number(self, least: int, most: int) -> int:
        return self.chance.randint(least, most)

    def table(self, fits: Callable[[Table], bool] = lambda table: True) -> Table:
        return self.one([table for table in self.schema.asked if table.rows > 1 and fits(table)])

    def link(self, fits: Callable[[Link], bool] = lambda link: True) -> Link:
        asked = {table.name: table for table in self.schema.asked if table.rows}
        links = [
            Link(child, key.columns[0], asked[key.table], key.references[0])
            for child in asked.values()
            for key in child.keys
            if _single(key) and key.table in asked and key.table != child.name
        ]
        return self.one([link for link in links if fits(link)])

    def label(self, table: Table) -> Column:
        """What its rows are known by: a name, else any text, else its key."""
        texts = [column for column in labels(table) if column.distinct]
        named = [column for column in texts if any(word in column.name.lower() for word in _NAMES)]
        keys = [column for column in table.columns if column.name in table.primary]
        return self.one(named or texts or keys)

    def measure(self, table: Table) -> Column:
        return self.one(measures(table))

    def category(self, table: Table) -> Column:
        return self.one(categories(table))

    def date(self, table: Table) -> Column:
        return self.one(dates(table))

    def value(self, column: Column) -> Value:
        return self.one(column.values)

    def between(self, column: Column) -> tuple[Value, Value]:
        """Two values of a column, the smaller first."""
        known = sorted({value for value in column.values if not isinstance(value, bool)}, key=_order)
        if len(known) < 2:
            raise NoFit
        low, high = sorted(self.chance.sample(range(len(known)), 2))
        return known[low], known[high]

    def middle(self, column: Column) -> Value:
        """A value with others below and above it."""
        known = sorted({value for value in column.values if not isinstance(value, bool)}, key=_order)
        return self.one(known[len(known) // 4 : max(len(known) // 4 + 1, 3 * len(known) // 4)])


def _order(value: Value) -> tuple[str, Value]:
    return ("text" if isinstance(value, str) else "number", value)


def _single(key: Key) -> bool:
    return len(key.columns) == len(key.references) == 1


def _is_key(table: Table, column: Column) -> bool:
    return column.name in table.primary or any(column.name in key.columns for key in table.keys)


def measures(table: Table) -> list[Column]:
    """Numbers that are counted with: no keys, no numbers that name something."""
    return [
        column
        for column in table.columns
        if column.numeric and column.distinct > 2 and not _is_key(table, column) and not _names_things(column)
    ]


def _names_things(column: Column) -> bool:
    return column.name.lower() in ("id", "code", "zip") or column.name.lower().endswith(("_id", "_code", "id_no"))


def categories(table: Table) -> list[Column]:
    """Columns in which few values come again and again."""
    return [
        column
        for column in table.columns
        if column.type in ("TEXT", "BOOLEAN") and 1 < column.distinct <= min(_FEW, table.rows // 2) and column.values
    ]


def labels(table: Table) -> list[Column]:
    return [column for column in table.columns if column.type == "TEXT" and column.values]


def dates(table: Table) -> list[Column]:
    return [column for column in table.columns if column.dated and column.distinct > 1]


def q(name: str) -> str:
    return quoted(name)


def v(value: Value) -> str:
    return literal(value)
