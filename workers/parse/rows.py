"""Tables and records, one line of prose a row, since a model reads `column: value` better than a far-off header."""

import csv
import io
import json
from collections.abc import Iterator
from typing import Any

from app.domain import Parsed
from workers.parse import cleaning, encoding
from workers.parse.failure import ParseFailed

_DELIMITERS = ",;\t|"
_LONGEST_CELL = 10_000_000
_DEEPEST = 32
_NAMED = 20  # bad lines that a note lists


def read_csv(data: bytes) -> Parsed:
    """`column: value; column: value` for each row below the header. Delimiters: comma, semicolon, tab, bar."""
    text, name = encoding.decode(data)
    csv.field_size_limit(_LONGEST_CELL)
    try:
        table = csv.reader(io.StringIO(text.replace("\0", ""), newline=""), delimiter=_delimiter(text), strict=False)
        lines = "\n".join(_sentences(table))
    except csv.Error as error:
        raise ParseFailed("corrupt", "The table is damaged: a quoted cell does not end.") from error
    return Parsed(text=cleaning.clean(lines), media_type="text/csv", encoding=name)


def read_jsonl(data: bytes) -> Parsed:
    """The strings of each record: chat messages as `role: content`, other fields as `field: value`.

    Lines that are not JSON are left out, and named in `note`, as long as most lines are.
    """
    text, name = encoding.decode(data)
    records = []
    bad: list[int] = []
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            records.append("\n".join(_strings(json.loads(line), "", 0)))
        except (ValueError, RecursionError):
            bad.append(number)
    if bad and len(records) <= len(bad):
        raise ParseFailed("corrupt", f"Line {bad[0]} is not JSON.")
    return _readable(records, "application/jsonl", name, _left_out(bad))


def read_json(data: bytes) -> Parsed:
    """An array of records, or one, as `read_jsonl` reads its lines."""
    text, name = encoding.decode(data)
    try:
        value = json.loads(text.lstrip("\ufeff"))
    except (ValueError, RecursionError) as error:
        raise ParseFailed("corrupt", f"The file is not JSON: {error}.") from error
    records = ["\n".join(_strings(record, "", 0)) for record in (value if isinstance(value, list) else [value])]
    return _readable(records, "application/json", name, "")


def _readable(records: list[str], media_type: str, name: str, note: str) -> Parsed:
    text = cleaning.clean("\n\n".join(filter(None, records)))
    return Parsed(text=text, media_type=media_type, encoding=name, note=note)


def _left_out(bad: list[int]) -> str:
    if not bad:
        return ""
    more = f" and {len(bad) - _NAMED} more" if len(bad) > _NAMED else ""
    numbers = ", ".join(map(str, bad[:_NAMED]))
    return f"Not JSON, and left out: line{'s' if len(bad) > 1 else ''} {numbers}{more}."


def _delimiter(text: str) -> str:
    """The one that splits the header into most columns."""
    header = text.lstrip("\ufeff").split("\n", 1)[0]
    return max(_DELIMITERS, key=lambda delimiter: len(next(csv.reader([header], delimiter=delimiter), [])))


def _sentences(table: Iterator[list[str]]) -> Iterator[str]:
    header = [" ".join(cell.split()) for cell in next(table, [])]
    only_header = True
    for row in table:
        cells = [" ".join(cell.split()) for cell in row]
        named = [
            f"{header[at]}: {cell}" if at < len(header) and header[at] else cell
            for at, cell in enumerate(cells)
            if cell
        ]
        if named:
            only_header = False
            yield "; ".join(named)
    if only_header:
        yield "; ".join(filter(None, header))


def _strings(value: Any, field: str, depth: int) -> Iterator[str]:
    if depth > _DEEPEST:
        return
    if isinstance(value, str):
        if value.strip():
            yield f"{field}: {value}" if field else value
    elif isinstance(value, list):
        for one in value:
            yield from _strings(one, field, depth + 1)
    elif isinstance(value, dict):
        speaker, said = value.get("role") or value.get("from"), value.get("content") or value.get("value")
        if isinstance(speaker, str) and said:
            yield from _strings(said, speaker, depth + 1)
        else:
            for key, one in value.items():
                yield from _strings(one, field if key == "messages" else key, depth + 1)
