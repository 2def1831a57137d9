"""Questions and SQL over the CREATE TABLE statements of a prompt, as a model would write them, one for each number."""

import re
from dataclasses import dataclass

_TABLE = re.compile(r"^CREATE TABLE (\S+|\"[^\"]+\") \(\n(.*?)\n\);$", re.S | re.M)
_COLUMN = re.compile(r"^  (\w+|\"[^\"]+\") ([A-Z]+(?:\([^)]*\))?),?(?:  -- (.*))?$", re.M)
_ONLY = re.compile(r"reads only th(?:is table|ese tables): (.*);$", re.M)
_NUMBERED = re.compile(r"^\d+\. SELECT .* \((.+)\)$|^\d+\. WITH .* \((.+)\)$", re.M)
_SHAPES = (
    ("How many {table} are there with {column} {value}?", "SELECT COUNT(*) FROM {table} WHERE {column} = {value}"),
    ("Which different {column} do {table} have, in order?", "SELECT DISTINCT {column} FROM {table} ORDER BY {column}"),
    ("How many {table} does each {column} have?", "SELECT {column}, COUNT(*) FROM {table} GROUP BY {column}"),
    (
        "Which {column} comes most often among {table}, and how often, equal ones in order?",
        "SELECT {column}, COUNT(*) AS n FROM {table} GROUP BY {column} ORDER BY n DESC, {column} LIMIT 1",
    ),
    (
        "What part of all {table} has {column} {value}?",
        "SELECT 1.0 * SUM(CASE WHEN {column} = {value} THEN 1 ELSE 0 END) / COUNT(*) FROM {table}",
    ),
)


@dataclass(frozen=True, slots=True)
class Column:
    table: str
    name: str
    values: tuple[str, ...]


def _columns(document: str, instruction: str) -> list[Column]:
    """Columns of the tables that the prompt says may be read, those with values."""
    only = _ONLY.search(instruction)
    allowed = set(only[1].split(", ")) if only else None
    found = []
    for table, body in _TABLE.findall(document):
        if allowed is None or table.strip('"') in allowed:
            for name, kind, said in _COLUMN.findall(body):
                if kind != "KEY" and said:
                    found.append(Column(table, name, tuple(said.split(", "))))
    return found


def question_and_sql(document: str, instruction: str, number: int) -> dict[str, str] | None:
    """The first pair from the `number`-th that was not asked yet; None if the document is no schema with values."""
    columns = _columns(document, instruction)
    for following in range(number, number + 200 if columns else number):
        pair = _pair(columns, following)
        if f"- {pair['question']}\n" not in f"{instruction}\n":
            return pair
    return None


def _pair(columns: list[Column], number: int) -> dict[str, str]:
    turn, at = divmod(number, len(columns))
    column = columns[at]
    wording, sql = _SHAPES[turn % len(_SHAPES)]
    value = column.values[(turn // len(_SHAPES)) % len(column.values)]
    if "..." in value:
        value = column.values[0]
    filled = {"table": column.table, "column": column.name, "value": value}
    return {"question": wording.format(**filled), "sql": sql.format(**filled)}


def worded(instruction: str, position: int) -> str | None:
    """The question for the `position`-th statement of a list, from the stiff description that stands behind it."""
    said = [one or other for one, other in _NUMBERED.findall(instruction)]
    return f"Tell me {said[position]}, please." if position < len(said) else None
