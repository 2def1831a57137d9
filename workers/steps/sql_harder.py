"""The templates of the upper levels: subqueries, set operations, HAVING, window functions, common table expressions."""

from workers.sandbox.schema import Column
from workers.steps.sql_draw import Draw, Link, NoFit, categories, dates, labels, measures, q, v
from workers.steps.sql_templates import template


@template("hard")
def above_average(draw: Draw) -> tuple[str, str]:
    table = draw.table(lambda table: bool(measures(table)))
    of, shown = draw.measure(table), draw.label(table)
    return (
        f"SELECT DISTINCT {q(shown.name)} FROM {q(table.name)} "
        f"WHERE {q(of.name)} > (SELECT AVG({q(of.name)}) FROM {q(table.name)})",
        f"the different {shown.name} of {table.name} with a {of.name} above the average of all {table.name}",
    )


@template("hard")
def extreme(draw: Draw) -> tuple[str, str]:
    table = draw.table(lambda table: bool(measures(table)))
    of, shown, function = draw.measure(table), draw.label(table), draw.one(["MAX", "MIN"])
    return (
        f"SELECT {q(shown.name)}, {q(of.name)} FROM {q(table.name)} "
        f"WHERE {q(of.name)} = (SELECT {function}({q(of.name)}) FROM {q(table.name)})",
        f"{shown.name} and {of.name} of all {table.name} with the {'highest' if function == 'MAX' else 'lowest'} "
        f"{of.name}, every one of them if there are several",
    )


@template("hard")
def without(draw: Draw) -> tuple[str, str]:
    link = draw.link()
    shown = draw.label(link.parent)
    return (
        f"SELECT DISTINCT p.{q(shown.name)} FROM {q(link.parent.name)} AS p WHERE NOT EXISTS "
        f"(SELECT 1 FROM {q(link.child.name)} AS c WHERE c.{q(link.column)} = p.{q(link.reference)})",
        f"the different {shown.name} of {link.parent.name} that have no {link.child.name} at all",
    )


@template("hard")
def having(draw: Draw) -> tuple[str, str]:
    link, shown, least = _many(draw)
    return (
        f"SELECT p.{q(shown.name)}, COUNT(*) AS number FROM {q(link.parent.name)} AS p JOIN {q(link.child.name)} AS c "
        f"ON c.{q(link.column)} = p.{q(link.reference)} GROUP BY p.{q(link.reference)}, p.{q(shown.name)} "
        f"HAVING COUNT(*) >= {least}",
        f"{shown.name} of each of the {link.parent.name} with at least {least} {link.child.name}, and how many it has",
    )


@template("hard")
def most_linked(draw: Draw) -> tuple[str, str]:
    link, shown, count = _many(draw)
    return (
        f"SELECT p.{q(shown.name)}, COUNT(*) AS number FROM {q(link.parent.name)} AS p JOIN {q(link.child.name)} AS c "
        f"ON c.{q(link.column)} = p.{q(link.reference)} GROUP BY p.{q(link.reference)}, p.{q(shown.name)} "
        f"ORDER BY number DESC, p.{q(link.reference)} LIMIT {count}",
        f"{shown.name} of the {count} {link.parent.name} with the most {link.child.name}, and how many each has, the "
        f"most first (ties by {link.reference})",
    )


@template("hard")
def set_operation(draw: Draw) -> tuple[str, str]:
    table = draw.table(lambda table: bool(len(categories(table)) > 1 and labels(table)))
    one, other = draw.chance.sample(categories(table), 2)
    shown = draw.label(table)
    if shown in (one, other):
        raise NoFit
    operation, words = draw.one(
        [("UNION", "or"), ("INTERSECT", "and among those of them also"), ("EXCEPT", "but not those where")]
    )
    first, second = draw.value(one), draw.value(other)
    return (
        f"SELECT {q(shown.name)} FROM {q(table.name)} WHERE {q(one.name)} = {v(first)} {operation} "
        f"SELECT {q(shown.name)} FROM {q(table.name)} WHERE {q(other.name)} = {v(second)}",
        f"the different {shown.name} of {table.name} where {one.name} is {v(first)} {words} {other.name} is "
        f"{v(second)}",
    )


@template("hard")
def linked_both(draw: Draw) -> tuple[str, str]:
    link = draw.link(lambda link: bool(categories(link.child)))
    by, shown = draw.category(link.child), draw.label(link.parent)
    if len(by.values) < 2:
        raise NoFit
    first, second = draw.chance.sample(by.values, 2)
    branch = (
        f"SELECT p.{q(shown.name)} FROM {q(link.parent.name)} AS p JOIN {q(link.child.name)} AS c "
        f"ON c.{q(link.column)} = p.{q(link.reference)} WHERE c.{q(by.name)} = "
    )
    return (
        f"{branch}{v(first)} INTERSECT {branch}{v(second)}",
        f"the different {shown.name} of {link.parent.name} that have both {link.child.name} with {by.name} {v(first)} "
        f"and with {by.name} {v(second)}",
    )


@template("extra")
def best_of_each(draw: Draw) -> tuple[str, str]:
    table = draw.table(lambda table: bool(categories(table) and measures(table) and table.primary))
    by, of, shown = draw.category(table), draw.measure(table), draw.label(table)
    ties = ", ".join(map(q, table.primary))
    columns = _once(by, shown, of)
    return (
        f"SELECT {columns} FROM (SELECT {columns}, ROW_NUMBER() OVER (PARTITION BY {q(by.name)} "
        f"ORDER BY {q(of.name)} DESC, {ties}) AS place FROM {q(table.name)} WHERE {q(of.name)} IS NOT NULL) AS ranked "
        f"WHERE place = 1",
        f"for each {by.name} the one of the {table.name} with the highest {of.name} (ties by {ties}): {by.name}, "
        f"{shown.name} and {of.name}",
    )


@template("extra")
def running_total(draw: Draw) -> tuple[str, str]:
    table = draw.table(lambda table: bool(dates(table) and measures(table)))
    on, of = draw.date(table), draw.measure(table)
    return (
        f"SELECT {q(on.name)}, SUM(SUM({q(of.name)})) OVER (ORDER BY {q(on.name)}) AS total FROM {q(table.name)} "
        f"WHERE {q(on.name)} IS NOT NULL GROUP BY {q(on.name)} ORDER BY {q(on.name)}",
        f"for each {on.name}, in order, the running total of {of.name} of the {table.name} up to it",
    )


@template("extra")
def share(draw: Draw) -> tuple[str, str]:
    table = draw.table(lambda table: bool(categories(table)))
    by = draw.category(table)
    return (
        f"SELECT {q(by.name)}, 100.0 * COUNT(*) / (SELECT COUNT(*) FROM {q(table.name)}) AS share "
        f"FROM {q(table.name)} GROUP BY {q(by.name)} ORDER BY share DESC, {q(by.name)}",
        f"for each {by.name} the percentage of all {table.name} that it has, the highest first (equal ones by "
        f"{by.name})",
    )


@template("extra")
def better_than_all(draw: Draw) -> tuple[str, str]:
    table = draw.table(lambda table: bool(categories(table) and measures(table)))
    by, of = draw.category(table), draw.measure(table)
    return (
        f"WITH means AS (SELECT {q(by.name)}, AVG({q(of.name)}) AS mean FROM {q(table.name)} GROUP BY {q(by.name)}) "
        f"SELECT {q(by.name)}, mean FROM means WHERE mean > (SELECT AVG({q(of.name)}) FROM {q(table.name)})",
        f"each {by.name} whose {table.name} have an average {of.name} above that of all {table.name}, with its average",
    )


@template("extra")
def above_mean_number(draw: Draw) -> tuple[str, str]:
    link = draw.link()
    shown = draw.label(link.parent)
    return (
        f"WITH counted AS (SELECT p.{q(link.reference)} AS id, p.{q(shown.name)} AS shown, COUNT(c.{q(link.column)}) "
        f"AS number FROM {q(link.parent.name)} AS p LEFT JOIN {q(link.child.name)} AS c ON c.{q(link.column)} = "
        f"p.{q(link.reference)} GROUP BY p.{q(link.reference)}, p.{q(shown.name)}) "
        f"SELECT shown, number FROM counted WHERE number > (SELECT AVG(number) FROM counted)",
        f"{shown.name} of the {link.parent.name} that have more {link.child.name} than {link.parent.name} have on "
        f"average (those without any count too), and how many each has",
    )


@template("extra")
def ranked(draw: Draw) -> tuple[str, str]:
    table = draw.table(lambda table: bool(measures(table)))
    of, shown = draw.measure(table), draw.label(table)
    return (
        f"SELECT {q(shown.name)}, {q(of.name)}, RANK() OVER (ORDER BY {q(of.name)} DESC) AS place FROM {q(table.name)} "
        f"WHERE {q(of.name)} IS NOT NULL",
        f"{shown.name} and {of.name} of all {table.name} that have one, each with its rank by {of.name}, the highest "
        f"first (equal ones share a rank)",
    )


def _many(draw: Draw) -> tuple[Link, Column, int]:
    """A link with more children than parents, what parents are known by, and a small number."""
    link = draw.link(lambda link: link.child.rows > link.parent.rows > 2)
    return link, draw.label(link.parent), draw.number(2, min(4, link.parent.rows - 1))


def _once(*columns: Column) -> str:
    return ", ".join(dict.fromkeys(q(column.name) for column in columns))
