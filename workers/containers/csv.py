"""Comma-separated values (RFC 4180) with a header; a cell that is not plain text holds JSON.

With `spreadsheet_safe` no cell can begin a formula: text that begins with one of = + - @ (or their full-width forms,
or blanks before them), or with a tab or a line break, gets an apostrophe in front. So does text that begins with an
apostrophe, which makes it reversible: take one leading apostrophe away from every cell that has one. All cells are
then in quotes, and a byte order mark tells spreadsheets that this is UTF-8.
"""

import csv
import io
from contextlib import ExitStack
from typing import Any

import orjson

from app.storage import Storage
from workers.containers.spool import File, Sink, Spool, stored

_FORMULA = tuple("=+-@＝＋－＠")
_MARKED = ("'", "\t", "\r", "\n")


def write(spool: Spool, store: Storage, options: dict[str, Any]) -> dict[str, File]:
    safe = bool(options.get("spreadsheet_safe"))
    columns = list(spool.columns)
    with ExitStack() as stack:
        tables = {name: _Table(stack.enter_context(store.upload()), columns, safe) for name in _NAMES}
        for name, part in (("train", spool.train), ("validation", spool.validation)):
            for value in part.values():
                row = [cell(value.get(column), safe) for column in columns]
                tables["data"].add(row)
                tables[name].add(row)
        for table in tables.values():
            table.text.flush()
        blobs = store.keep_many([table.upload for table in tables.values()])
        return {
            name: stored(blob, table.upload, table.rows)
            for (name, table), blob in zip(tables.items(), blobs, strict=True)
        }


_NAMES = ("data", "train", "validation")


class _Table:
    """One file and its header."""

    def __init__(self, upload: Any, columns: list[str], safe: bool) -> None:
        self.upload, self.rows = upload, 0
        encoding = "utf-8-sig" if safe else "utf-8"
        self.text = io.TextIOWrapper(io.BufferedWriter(Sink(upload), 1 << 16), encoding=encoding, newline="")
        self._writer = csv.writer(self.text, quoting=csv.QUOTE_ALL if safe else csv.QUOTE_MINIMAL)
        self._writer.writerow([cell(column, safe) for column in columns])

    def add(self, row: list[str]) -> None:
        self._writer.writerow(row)
        self.rows += 1


def cell(value: Any, safe: bool) -> str:
    """A value's text. Nothing (null, or no such member) is an empty cell; numbers are never changed."""
    if value is None:
        return ""
    if not isinstance(value, str):
        text = orjson.dumps(value).decode()
        return text if isinstance(value, (bool, int, float)) or not safe else neutral(text)
    return neutral(value) if safe else value


def neutral(text: str) -> str:
    """`text` as no spreadsheet takes for a formula."""
    return "'" + text if text.startswith(_MARKED) or text.lstrip().startswith(_FORMULA) else text
