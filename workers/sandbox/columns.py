"""Which type a column has, told from what was declared and from every value in it, so that any engine can load it."""

import math
import re
from collections.abc import Callable, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

Cell = str | int | float | bytes | None
_INTEGER = re.compile(r"[+-]?\d{1,18}")
_PLAIN_INTEGER = re.compile(r"-?(?:0|[1-9]\d{0,17})")  # not 007, which is a code and no number
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?", re.I)
_DECIMAL = re.compile(r"(?:DECIMAL|NUMERIC)\s*\(\s*(\d+)\s*(?:,\s*(\d+)\s*)?\)", re.I)
_MOST_INTEGER = 2**63
_YES, _NO = {"true", "t", "1"}, {"false", "f", "0"}


def settle(declared: str, values: Sequence[Any]) -> tuple[str, list[Cell]]:
    """The type, and the values as SQLite stores them: dates as ISO 8601 text, truth as 0 and 1.

    A value that does not fit the declared type makes the column the next wider one; without a declared type (a CSV)
    the narrowest that fits all values is taken.
    """
    for kind in _candidates(declared):
        convert = _CONVERT[kind.split("(")[0]]
        try:
            found = [None if value is None else convert(value) for value in values]
        except ValueError:
            continue
        if _holds(kind, found):
            return _NAMES.get(kind, kind), found
    return "TEXT", [None if value is None else _text(value) for value in values]


def _holds(kind: str, values: list[Cell]) -> bool:
    """Whether a DECIMAL has the digits for every value."""
    found = _DECIMAL.match(kind)
    if not found:
        return True
    most = 10 ** (int(found[1]) - int(found[2] or 0))
    return all(value is None or (isinstance(value, float) and abs(value) < most) for value in values)


def _candidates(declared: str) -> tuple[str, ...]:
    kind = declared.upper()
    if not kind:
        return ("PLAIN", "REAL", "DATE", "TIMESTAMP", "TRUTH")
    if found := _DECIMAL.match(kind):
        digits, scale = int(found[1]), int(found[2] or 0)
        return (f"DECIMAL({digits},{scale})", "REAL") if scale <= digits <= 38 else ("REAL",)
    for words, candidates in _DECLARED:
        if any(word in kind for word in words):
            return candidates
    return ()


_DECLARED: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...] = (
    (("[", "LIST", "STRUCT", "MAP", "INTERVAL", "CHAR", "TEXT", "CLOB", "STRING", "JSON", "UUID", "ENUM"), ()),
    (("BLOB", "BINARY", "BYTEA", "IMAGE"), ("BLOB",)),
    (("TIMESTAMP", "DATETIME"), ("TIMESTAMP",)),
    (("DATE",), ("DATE", "TIMESTAMP")),
    (("BOOL",), ("BOOLEAN", "INTEGER", "REAL")),
    (("INT", "SERIAL", "YEAR"), ("INTEGER", "REAL")),
    (("BIT",), ("BOOLEAN",)),
    (("REAL", "FLOA", "DOUB", "DEC", "NUM", "MONEY", "NUMBER"), ("REAL",)),
)


def _plain(value: Any) -> int:
    """A whole number in a file without types; a bool is one of DuckDB's."""
    if isinstance(value, str) and not _PLAIN_INTEGER.fullmatch(value.strip()):
        raise ValueError(value)
    return _integer(value)


def _integer(value: Any) -> int:
    if isinstance(value, str):
        if not _INTEGER.fullmatch(value.strip()):
            raise ValueError(value)
        value = int(value)
    if isinstance(value, float | Decimal) and value == int(value):
        value = int(value)
    if not isinstance(value, int) or not -_MOST_INTEGER <= value < _MOST_INTEGER:
        raise ValueError(value)
    return int(value)


def _real(value: Any) -> float:
    if isinstance(value, str):
        if not _NUMBER.fullmatch(value.strip()) or re.fullmatch(r"0\d+", value.strip()):
            raise ValueError(value)
        value = float(value)
    if not isinstance(value, int | float | Decimal) or not math.isfinite(value):
        raise ValueError(value)
    return float(value)


def _date(value: Any) -> str:
    if isinstance(value, datetime):
        if value.time() != time():
            raise ValueError(value)
        return value.date().isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if not isinstance(value, str):
        raise ValueError(value)
    return date.fromisoformat(value.strip().removesuffix(" 00:00:00")).isoformat()


def _timestamp(value: Any) -> str:
    if isinstance(value, date) and not isinstance(value, datetime):
        value = value.isoformat()
    if isinstance(value, str):
        value = datetime.fromisoformat(value.strip())
    if not isinstance(value, datetime):
        raise ValueError(value)
    return value.replace(tzinfo=None).isoformat(" ")


def _truth(value: Any) -> int:
    if isinstance(value, str) and value.strip().lower() in _YES | _NO:
        return int(value.strip().lower() in _YES)
    if value in (0, 1):
        return int(value)
    raise ValueError(value)


def _blob(value: Any) -> bytes:
    if not isinstance(value, bytes):
        raise ValueError(value)
    return value


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        try:
            return value.decode().replace("\0", "")
        except UnicodeDecodeError:
            return value.hex()
    if isinstance(value, bool):
        return str(value).lower()
    # PostgreSQL stores no NUL, and no text of a row needs one.
    return value.isoformat(" ") if isinstance(value, datetime) else str(value).replace("\0", "")


_CONVERT: dict[str, Callable[[Any], Cell]] = {
    "PLAIN": _plain,
    "INTEGER": _integer,
    "REAL": _real,
    "DECIMAL": _real,
    "DATE": _date,
    "TIMESTAMP": _timestamp,
    "BOOLEAN": _truth,
    "TRUTH": _truth,
    "BLOB": _blob,
}
# What a name that only says how strictly to read stands for.
_NAMES = {"PLAIN": "INTEGER", "TRUTH": "BOOLEAN"}
