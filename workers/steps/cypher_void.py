"""Why a query gives nothing, or a result that does not hold: conditions that cannot be met, chance, a loose LIMIT."""

import re
from typing import Any

from workers.sandbox.graph import GraphResult

_STRINGS = re.compile(r"'(?:\\.|[^'\\])*'|\"(?:\\.|[^\"\\])*\"", re.S)
_CHANCE = re.compile(r"\b(rand|randomUUID|timestamp|date|time|datetime|localtime|localdatetime)\s*\(\s*\)", re.I)
_NEVER = re.compile(r"\bwhere\s+false\b|\band\s+false\b|\blimit\s+0\b|(?:=|<>|<|>)\s*null\b", re.I)
_CONSTANT = re.compile(r"(?<![\w.])(-?\d+(?:\.\d+)?)\s*(=|<>|<=|>=|<|>)\s*(-?\d+(?:\.\d+)?)(?![\w.])")
_BOUND = re.compile(r"([\w`]+\.[\w`]+)\s*(<=|>=|<|>|=)\s*(-?\d+(?:\.\d+)?)(?![\w.])")
_COMPARE = {
    "=": float.__eq__, "<>": float.__ne__, "<": float.__lt__, ">": float.__gt__, "<=": float.__le__, ">=": float.__ge__,
}  # fmt: skip


def fault(cypher: str, result: GraphResult) -> tuple[str, str] | None:
    """(reason, detail) against a query that ran, or None."""
    text = _STRINGS.sub("''", cypher)
    if found := _CHANCE.search(text):
        return "unstable_result", f"{found.group()} gives something else each time"
    if not result.labels and not result.types and not re.search(r"\(\s*\w*\s*\)\s*(?:<?-|return|where)", text, re.I):
        return "no_pattern", "it matches nothing of the graph"
    if _nothing(result):
        never = _impossible(text)
        return ("always_empty", never) if never else ("empty_result", "it gives nothing")
    if re.search(r"\blimit\b", text, re.I) and not re.search(r"\border\s+by\b", text, re.I):
        return "unordered_limit", "it has a LIMIT and no ORDER BY: several results would be right"
    return None


def _nothing(result: GraphResult) -> bool:
    """No rows, nothing but NULL and empty lists, or a single row of zeros."""
    rows = result.rows
    if not rows:
        return True
    if all(value in (None, "", [], "[]") for row in rows for value in row):
        return True
    return result.row_count == 1 and all(_zero(value) for value in rows[0])


def _zero(value: Any) -> bool:
    return value in (None, "0") or (isinstance(value, int | float) and value == 0 and not isinstance(value, bool))


def _impossible(text: str) -> str:
    """What can never be true, whatever the data; "" if nothing is seen."""
    if found := _NEVER.search(text):
        return f"{' '.join(found.group().split())} is never true"
    for left, operator, right in _CONSTANT.findall(text):
        if not _COMPARE[operator](float(left), float(right)):
            return f"{left} {operator} {right} is never true"
    if re.search(r"\b(or|xor|not)\b", text, re.I):
        return ""
    low: dict[str, tuple[float, bool]] = {}
    high: dict[str, tuple[float, bool]] = {}
    for name, operator, number in _BOUND.findall(text):
        bound = float(number)
        if operator in (">", ">=", "="):
            low[name] = max(low.get(name, (bound, False)), (bound, operator == ">"))
        if operator in ("<", "<=", "="):
            high[name] = min(high.get(name, (bound, True)), (bound, operator != "<"))
    for name in low.keys() & high.keys():
        (least, open_low), (most, closed) = low[name], high[name]
        if least > most or (least == most and (open_low or not closed)):
            return f"the conditions on {name} contradict each other"
    return ""
