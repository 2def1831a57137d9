"""Does a LIMIT cut between rows that its order does not tell apart? Then another engine may give other rows."""

from typing import Any, NamedTuple

from sqlglot import exp


class Longer(NamedTuple):
    """The query with one row more than its `limit`, and its order's `keys` as the last columns."""

    query: exp.Select
    limit: int
    keys: int

    def tied(self, rows: list[list[Any]]) -> bool:
        """Whether the last row that is given and the first that is not are equal by the order, and are not the same."""
        if len(rows) <= self.limit:
            return False
        last, following = rows[self.limit - 1], rows[self.limit]
        seen = len(last) - self.keys
        return last[seen:] == following[seen:] and last[:seen] != following[:seen]


def longer(query: exp.Query) -> Longer | None:
    """None for a query without a LIMIT of its own, and where columns cannot be added without changing what it means."""
    limit, order = query.args.get("limit"), query.args.get("order")
    if not isinstance(query, exp.Select) or not isinstance(limit, exp.Limit) or query.args.get("offset"):
        return None
    if query.args.get("distinct") or not isinstance(limit.expression, exp.Literal) or limit.expression.is_string:
        return None
    count = int(limit.expression.this)
    keys = [_key(one.this, query) for one in order.expressions] if order else []
    more = query.copy()
    more.set("limit", exp.Limit(expression=exp.Literal.number(count + 1)))
    for number, key in enumerate(keys):
        more.select(exp.alias_(key, f"order_key_{number}"), copy=False)
    return Longer(more, count, len(keys)) if count else None


def _key(key: exp.Expr, query: exp.Select) -> exp.Expr:
    """What is ordered by, where it is named by a place or an alias of the SELECT list."""
    if isinstance(key, exp.Literal) and not key.is_string and 0 < int(key.this) <= len(query.selects):
        key = query.selects[int(key.this) - 1].unalias()
    elif isinstance(key, exp.Column) and not key.table:
        named = {one.alias.lower(): one.this for one in query.selects if isinstance(one, exp.Alias)}
        key = named.get(key.name.lower(), key)
    return key.copy()
