"""How demanding a query is, told from its parse tree: easy, medium, hard or extra, as Spider grades them.

Points: 7 for window functions, 4 for each subquery, common table expression and set operation, 2 for the first join,
for grouping and for an order with a limit, 1 for each further join, for HAVING, for a CASE, and for more than one
condition or aggregate. Spider (arXiv 1809.08887) counts components as well, but knows neither windows nor CTEs.
"""

from sqlglot import exp

EASY, MEDIUM, HARD = 1, 3, 7  # points up to which a query is of the level


def level(query: exp.Query) -> str:
    """One of easy, medium, hard, extra."""
    points = _points(query)
    return "easy" if points <= EASY else "medium" if points <= MEDIUM else "hard" if points <= HARD else "extra"


def _points(query: exp.Query) -> int:
    joins = sum(1 for _ in query.find_all(exp.Join))
    inner = sum(1 for found in query.find_all(exp.Select) if found is not query and not _of_set(found))
    conditions = sum(1 for _ in query.find_all(exp.And, exp.Or))
    aggregates = sum(1 for found in query.find_all(exp.AggFunc) if not isinstance(found.parent, exp.Window))
    return (
        (joins + 1 if joins else 0)
        + 2 * (query.find(exp.Group) is not None)
        + (query.find(exp.Having) is not None)
        + 4 * sum(1 for _ in query.find_all(exp.SetOperation))
        + 4 * inner
        + 7 * (query.find(exp.Window) is not None)
        + 2 * (query.find(exp.Limit) is not None and query.find(exp.Order) is not None)
        + (query.find(exp.Case) is not None)
        + (conditions > 1)
        + (aggregates > 1)
    )


def _of_set(select: exp.Select) -> bool:
    """A branch of a set operation, which is counted as such."""
    return isinstance(select.parent, exp.SetOperation)
