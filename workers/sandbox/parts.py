"""Parts of a schema: a few tables that keys link, some others to lead astray, and other values of each column."""

import random
from collections.abc import Iterator

from workers.sandbox.schema import Column, Schema, Table


def parts(schema: Schema, chance: random.Random, *, count: int, tables: int, distractors: int) -> Iterator[Schema]:
    """`count` parts: each table with rows begins one in turn, of one to `tables` tables.

    Tables of a part are linked by foreign keys as far as there are any. Distractors are drawn from the tables that the
    part's own lead to and from all others, alternately; all tables of a part stand in an order drawn by chance.
    """
    anchors = [table for table in schema.tables if table.rows]
    links = _links(schema)
    for turn in range(count if anchors else 0):
        if turn % len(anchors) == 0:
            chance.shuffle(anchors)
        own = _grown(anchors[turn % len(anchors)], links, chance.randint(1, tables), chance)
        others = _others(own, schema, links, distractors, chance)
        shown = [schema.table(name) for name in (*own, *others)]
        chance.shuffle(shown)
        yield schema.model_copy(
            update={
                "tables": tuple(_with_other_values(table, chance) for table in shown),
                "distractors": tuple(sorted(others)),
            }
        )


def _links(schema: Schema) -> dict[str, list[str]]:
    """Table -> tables with rows that a foreign key joins it with, either way."""
    filled = {table.name for table in schema.tables if table.rows}
    links: dict[str, set[str]] = {table.name: set() for table in schema.tables}
    for table in schema.tables:
        for key in table.keys:
            if key.table != table.name and {key.table, table.name} <= filled:
                links[table.name].add(key.table)
                links[key.table].add(table.name)
    return {name: sorted(found) for name, found in links.items()}


def _grown(anchor: Table, links: dict[str, list[str]], size: int, chance: random.Random) -> list[str]:
    own = [anchor.name]
    while len(own) < size:
        near = [name for mine in own for name in links[mine] if name not in own]
        if not near:
            break
        own.append(chance.choice(near))
    return own


def _others(
    own: list[str], schema: Schema, links: dict[str, list[str]], count: int, chance: random.Random
) -> list[str]:
    near = sorted({name for mine in own for name in links[mine]} - set(own))
    far = sorted({table.name for table in schema.tables} - set(own) - set(near))
    chance.shuffle(near)
    chance.shuffle(far)
    found: list[str] = []
    while len(found) < count and (near or far):
        found += [pool.pop() for pool in (near, far) if pool]
    return found[:count]


def _with_other_values(table: Table, chance: random.Random) -> Table:
    return table.model_copy(update={"columns": tuple(_shuffled(column, chance) for column in table.columns)})


def _shuffled(column: Column, chance: random.Random) -> Column:
    return column.model_copy(update={"values": tuple(chance.sample(column.values, len(column.values)))})
