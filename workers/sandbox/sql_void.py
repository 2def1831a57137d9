"""What is the matter with a result: nothing in it, nothing ever in it, or another one each time."""

from collections.abc import Iterator
from typing import Any

from sqlglot import exp
from sqlglot.optimizer.simplify import simplify

_UNSTABLE = {"random", "rand", "uuid", "gen_random_uuid", "randomblob", "now", "today", "changes", "last_insert_rowid",
             "total_changes", "nextval", "txid_current", "current_setting", "version", "sqlite_version",
             "pg_backend_pid", "setseed", "transaction_timestamp", "get_current_timestamp",
             "get_current_time"}  # fmt: skip
_UNSTABLE_NODES = (exp.Rand, exp.CurrentDate, exp.CurrentTime, exp.CurrentTimestamp, exp.CurrentDatetime, exp.Uuid,
                   exp.CurrentUser, exp.TableSample)  # fmt: skip
_ORDER = (exp.GT, exp.GTE, exp.LT, exp.LTE)
_MIRRORED = {exp.GT: exp.LT, exp.GTE: exp.LTE, exp.LT: exp.GT, exp.LTE: exp.GTE, exp.EQ: exp.EQ}


def unstable(query: exp.Query) -> str | None:
    """The first call whose value is not a matter of the data: chance, the clock, the connection."""
    for node in query.find_all(*_UNSTABLE_NODES, exp.Anonymous):
        name = node.name if isinstance(node, exp.Anonymous) else node.key
        if not isinstance(node, exp.Anonymous) or name.lower() in _UNSTABLE:
            return name.upper()
    now = next((text for text in query.find_all(exp.Literal) if text.is_string and text.this.lower() == "now"), None)
    called = now is not None and now.find_ancestor(exp.Func) is not None
    return "'now'" if called else None


def nothing(rows: list[list[Any]]) -> bool:
    """No row, or no value but NULL; and a single row of nothing but zeros, such as the count of what there is not."""
    if len(rows) == 1:
        return all(value is None or (value == 0 and not isinstance(value, bool)) for value in rows[0])
    return all(value is None for row in rows for value in row)


def contradiction(query: exp.Query) -> str | None:
    """Why the query gives nothing whatever the data are, if that can be told from its own words."""
    for select in [query, *query.find_all(exp.Select)]:
        limit = select.args.get("limit")
        if isinstance(limit, exp.Limit) and isinstance(limit.expression, exp.Literal) and limit.expression.this == "0":
            return "LIMIT 0"
        where, having = select.args.get("where"), select.args.get("having")
        conditions = [found.this for found in (where, having) if found is not None]
        conditions += [join.args["on"] for join in select.args.get("joins") or () if join.args.get("on") is not None]
        for condition in conditions:
            if _never(condition):
                return f"{condition.sql()[:120]} never holds"
    return None


def _never(condition: exp.Expr) -> bool:
    reduced = simplify(condition.copy())
    if isinstance(reduced, exp.Null) or (isinstance(reduced, exp.Boolean) and not reduced.this):
        return True
    if isinstance(reduced, exp.Or):
        return all(_never(part) for part in reduced.flatten())
    parts = [part.unnest() for part in (reduced.flatten() if isinstance(reduced, exp.And) else [reduced])]
    return any(_impossible(part) for part in parts) or _conflict([found for part in parts for found in _bounds(part)])


def _impossible(part: exp.Expr) -> bool:
    """A comparison with NULL, of a thing with itself, or a LIKE of an empty list."""
    if isinstance(part, exp.Boolean):
        return not part.this
    if isinstance(part, exp.Null):
        return True
    if not isinstance(part, exp.Binary) or isinstance(part, exp.Connector | exp.Is):
        return False
    if isinstance(part.left, exp.Null) or isinstance(part.right, exp.Null):
        return isinstance(part, exp.EQ | exp.NEQ | exp.GT | exp.GTE | exp.LT | exp.LTE | exp.Like)
    return isinstance(part, exp.NEQ | exp.GT | exp.LT) and part.left == part.right


def _bounds(part: exp.Expr) -> Iterator[tuple[str, type[exp.Expr], Any]]:
    """(what, comparison, constant) of a condition on one thing."""
    if isinstance(part, exp.Between):
        for kind, side in ((exp.GTE, "low"), (exp.LTE, "high")):
            if (found := _constant(part.args[side])) is not None:
                yield part.this.sql(), kind, found
    elif isinstance(part, exp.Is) and isinstance(part.right, exp.Null):
        yield part.left.sql(), exp.Is, None
    elif (
        isinstance(part, exp.In)
        and len(part.expressions) == 1
        and (found := _constant(part.expressions[0])) is not None
    ):
        yield part.this.sql(), exp.EQ, found
    elif isinstance(part, exp.EQ | exp.GT | exp.GTE | exp.LT | exp.LTE):
        if (found := _constant(part.right)) is not None:
            yield part.left.sql(), type(part), found
        elif (found := _constant(part.left)) is not None:
            yield part.right.sql(), _MIRRORED[type(part)], found


def _constant(node: exp.Expr) -> Any:
    negative = isinstance(node, exp.Neg)
    node = node.this if isinstance(node, exp.Neg | exp.Cast | exp.Paren | exp.Date | exp.TsOrDsToDate) else node
    if not isinstance(node, exp.Literal):
        return None
    if node.is_string:
        return None if negative else str(node.this)
    return -float(node.this) if negative else float(node.this)


def _conflict(bounds: list[tuple[str, type[exp.Expr], Any]]) -> bool:
    """Whether conditions that must all hold leave no value of one thing."""
    for name in {found[0] for found in bounds}:
        mine = [(kind, value) for what, kind, value in bounds if what == name]
        if any(kind is exp.Is for kind, _ in mine) and len(mine) > 1:
            return True
        known = [(kind, value) for kind, value in mine if kind is not exp.Is]
        if len({type(value) for _, value in known}) != 1:
            continue
        low = max(((v, k is exp.GT) for k, v in known if k in (exp.GT, exp.GTE, exp.EQ)), default=None)
        high = min(((v, k is not exp.LT) for k, v in known if k in (exp.LT, exp.LTE, exp.EQ)), default=None)
        if low and high and (low[0] > high[0] or (low[0] == high[0] and (low[1] or not high[1]))):
            return True
    return False
