"""Templates of SQL, each filled with tables, columns and values of the schema at hand, and told in stiff words.

A template that the schema has nothing for raises NoFit. Wherever one has a LIMIT its order leaves no ties. All are
written so that SQLite and DuckDB run them alike; `Draw.engine` tells them apart where they differ.
"""

from collections.abc import Callable
from typing import NamedTuple

from app.catalog.sql import Level
from workers.sandbox.schema import Table
from workers.steps.sql_draw import Draw, NoFit, categories, dates, labels, measures, q, v


class Filled(NamedTuple):
    """A statement of the sandbox's engine, what it gives in words, and the template it came of."""

    sql: str
    meaning: str
    template: str
    level: Level


Fill = Callable[[Draw], tuple[str, str]]
TEMPLATES: dict[Level, dict[str, Fill]] = {"easy": {}, "medium": {}, "hard": {}, "extra": {}}
_FUNCTIONS = {"AVG": "the average", "SUM": "the sum", "MIN": "the smallest", "MAX": "the largest"}


def template(level: Level) -> Callable[[Fill], Fill]:
    def keep(fill: Fill) -> Fill:
        TEMPLATES[level][fill.__name__] = fill
        return fill

    return keep


def fill(draw: Draw, level: Level) -> Filled:
    """One statement of this level, of a template that fits; of the next lower level if none does. Raises NoFit."""
    levels = list(TEMPLATES)
    for tried in reversed(levels[: levels.index(level) + 1]):
        names = sorted(TEMPLATES[tried])
        draw.chance.shuffle(names)
        for name in names:
            try:
                sql, meaning = TEMPLATES[tried][name](draw)
            except NoFit:
                continue
            return Filled(sql, meaning, name, tried)
    raise NoFit


def _key(table: Table) -> str:
    """What breaks ties: the primary key, else every column."""
    return ", ".join(q(name) for name in table.primary or tuple(column.name for column in table.columns))


@template("easy")
def equal(draw: Draw) -> tuple[str, str]:
    table = draw.table(lambda table: bool(categories(table) and labels(table)))
    shown, by = draw.label(table), draw.category(table)
    if shown == by:
        raise NoFit
    value = draw.value(by)
    return (
        f"SELECT DISTINCT {q(shown.name)} FROM {q(table.name)} WHERE {q(by.name)} = {v(value)}",
        f"the different {shown.name} of {table.name} where {by.name} is {v(value)}",
    )


@template("easy")
def count_where(draw: Draw) -> tuple[str, str]:
    table = draw.table(lambda table: bool(categories(table)))
    by = draw.category(table)
    value = draw.value(by)
    return (
        f"SELECT COUNT(*) FROM {q(table.name)} WHERE {q(by.name)} = {v(value)}",
        f"the number of {table.name} where {by.name} is {v(value)}",
    )


@template("easy")
def aggregate(draw: Draw) -> tuple[str, str]:
    table = draw.table(lambda table: bool(measures(table)))
    of, function = draw.measure(table), draw.one(sorted(_FUNCTIONS))
    return (
        f"SELECT {function}({q(of.name)}) FROM {q(table.name)}",
        f"{_FUNCTIONS[function]} {of.name} of all {table.name}",
    )


@template("easy")
def greater(draw: Draw) -> tuple[str, str]:
    table = draw.table(lambda table: bool(measures(table)))
    of = draw.measure(table)
    value = draw.middle(of)
    return (
        f"SELECT COUNT(*) FROM {q(table.name)} WHERE {q(of.name)} > {v(value)}",
        f"the number of {table.name} with a {of.name} above {v(value)}",
    )


@template("easy")
def date_range(draw: Draw) -> tuple[str, str]:
    table = draw.table(lambda table: bool(dates(table)))
    on = draw.date(table)
    first, last = draw.between(on)
    return (
        f"SELECT COUNT(*) FROM {q(table.name)} WHERE {q(on.name)} BETWEEN {v(first)} AND {v(last)}",
        f"the number of {table.name} whose {on.name} is from {first} to {last}, both included",
    )


@template("easy")
def different(draw: Draw) -> tuple[str, str]:
    table = draw.table(lambda table: bool(categories(table)))
    of = draw.category(table)
    return (
        f"SELECT COUNT(DISTINCT {q(of.name)}) FROM {q(table.name)}",
        f"how many different {of.name} there are among {table.name}",
    )


@template("easy")
def missing(draw: Draw) -> tuple[str, str]:
    table = draw.table(lambda table: any(column.nulls for column in table.columns))
    of = draw.one([column for column in table.columns if column.nulls])
    return (
        f"SELECT COUNT(*) FROM {q(table.name)} WHERE {q(of.name)} IS NULL",
        f"the number of {table.name} without a {of.name}",
    )


@template("medium")
def top(draw: Draw) -> tuple[str, str]:
    table = draw.table(lambda table: bool(measures(table)) and table.rows > 3)
    of, shown = draw.measure(table), draw.label(table)
    count, down = draw.number(2, min(5, table.rows - 1)), draw.one([True, False])
    return (
        f"SELECT {q(shown.name)}, {q(of.name)} FROM {q(table.name)} WHERE {q(of.name)} IS NOT NULL "
        f"ORDER BY {q(of.name)}{' DESC' if down else ''}, {_key(table)} LIMIT {count}",
        f"{shown.name} and {of.name} of the {count} {table.name} with the {'highest' if down else 'lowest'} {of.name}, "
        f"in this order (ties by {_key(table)})",
    )


@template("medium")
def grouped_count(draw: Draw) -> tuple[str, str]:
    table = draw.table(lambda table: bool(categories(table)))
    by = draw.category(table)
    return (
        f"SELECT {q(by.name)}, COUNT(*) AS number FROM {q(table.name)} GROUP BY {q(by.name)} "
        f"ORDER BY number DESC, {q(by.name)}",
        f"each {by.name} with its number of {table.name}, the most first (equal ones by {by.name})",
    )


@template("medium")
def grouped(draw: Draw) -> tuple[str, str]:
    table = draw.table(lambda table: bool(categories(table) and measures(table)))
    by, of, function = draw.category(table), draw.measure(table), draw.one(sorted(_FUNCTIONS))
    return (
        f"SELECT {q(by.name)}, {function}({q(of.name)}) FROM {q(table.name)} GROUP BY {q(by.name)}",
        f"for each {by.name} {_FUNCTIONS[function]} {of.name} of its {table.name}",
    )


@template("medium")
def joined(draw: Draw) -> tuple[str, str]:
    link = draw.link(lambda link: bool(categories(link.parent)))
    by = draw.category(link.parent)
    value = draw.value(by)
    return (
        f"SELECT COUNT(*) FROM {q(link.child.name)} AS c JOIN {q(link.parent.name)} AS p "
        f"ON c.{q(link.column)} = p.{q(link.reference)} WHERE p.{q(by.name)} = {v(value)}",
        f"the number of {link.child.name} whose {link.parent.name} (by {link.column}) have {by.name} {v(value)}",
    )


@template("medium")
def joined_filter(draw: Draw) -> tuple[str, str]:
    link = draw.link(lambda link: bool(measures(link.child)))
    of, shown = draw.measure(link.child), draw.label(link.parent)
    value = draw.middle(of)
    return (
        f"SELECT DISTINCT p.{q(shown.name)} FROM {q(link.child.name)} AS c JOIN {q(link.parent.name)} AS p "
        f"ON c.{q(link.column)} = p.{q(link.reference)} WHERE c.{q(of.name)} >= {v(value)}",
        f"the different {shown.name} of {link.parent.name} that have {link.child.name} with a {of.name} of at least "
        f"{v(value)}",
    )


@template("medium")
def by_year(draw: Draw) -> tuple[str, str]:
    table = draw.table(lambda table: bool(dates(table)))
    on = draw.date(table)
    year = (
        f"STRFTIME('%Y', {q(on.name)})" if draw.engine == "sqlite" else f"EXTRACT(YEAR FROM {q(on.name)})"
    )  # SQLite knows no EXTRACT
    return (
        f"SELECT {year} AS year, COUNT(*) AS number FROM {q(table.name)} WHERE {q(on.name)} IS NOT NULL "
        f"GROUP BY {year} ORDER BY year",
        f"the number of {table.name} for each year of their {on.name}, in order of the years",
    )
