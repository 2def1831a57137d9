"""Read nodes and relationships from CSV, JSON and JSON lines. Runs in a walled-in process only.

CSV headers are those of neo4j-admin (`personId:ID`, `name`, `born:int`, `:LABEL`, `:START_ID`, `:END_ID`, `:TYPE`) or plain
words (`id`, `label`; `source`, `target`, `type`). Records of JSON hold `id`, `labels`, `properties`, or `source`, `target`,
`type`, `properties`; Neo4j's own export in JSON lines is read as well.
"""  # noqa: E501

import csv
import io
import json
import re
from collections.abc import Callable
from pathlib import PurePath
from typing import Any

_START = ("start_id", "source", "start", "from", "src")
_END = ("end_id", "target", "end", "to", "dst")
_LABELS = ("labels", "label")
_WHOLE, _DECIMAL = re.compile(r"-?(?:0|[1-9]\d{0,17})"), re.compile(r"-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?")
_SHORT_TYPES = {"int": "INTEGER", "long": "INTEGER", "short": "INTEGER", "float": "FLOAT", "double": "FLOAT",
                "boolean": "BOOLEAN", "string": "STRING"}  # fmt: skip

Records = tuple[list[dict[str, Any]], list[dict[str, Any]]]  # nodes, edges


class Fault(Exception):
    """The file cannot be used: a sentence that says where and why."""


def read(name: str, text: str) -> Records:
    """Nodes and edges of one file. Raises Fault."""
    suffix, stem = PurePath(name).suffix.lower(), PurePath(name).stem
    try:
        if suffix in (".csv", ".tsv"):
            return _table(text, stem, "\t" if suffix == ".tsv" else None)
        if suffix == ".json":
            return _records(json.loads(text), stem)
        return _records([json.loads(line) for line in text.splitlines() if line.strip()], stem)
    except (ValueError, RecursionError, csv.Error) as error:
        raise Fault(str(error)[:200]) from None


def _table(text: str, stem: str, delimiter: str | None) -> Records:
    header = text.split("\n", 1)[0]
    delimiter = delimiter or max(",;\t|", key=header.count)
    rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
    if not rows:
        raise Fault("there is no header")
    columns = [_column(name.strip()) for name in rows[0]]
    roles = {role: at for at, (_, role, _) in enumerate(columns) if role}
    edge = "start" in roles and "end" in roles
    if not edge and "id" not in roles:
        raise Fault("a table of nodes needs a column id (or :ID), one of relationships source and target")
    kept = [(at, name, kind) for at, (name, _, kind) in enumerate(columns) if name]
    body = [row for row in rows[1:] if any(row)]
    for number, row in enumerate(body, start=2):
        if len(row) != len(columns):
            raise Fault(f"row {number} has {len(row)} values, the header {len(columns)}")
    converted = {name: _typed([row[at] for row in body], kind) for at, name, kind in kept}
    found = []
    for place, row in enumerate(body):
        properties = {name: values[place] for name, values in converted.items() if values[place] is not None}
        said = row[roles["label"]] if "label" in roles else ""
        if edge:
            kind = (row[roles["type"]] if "type" in roles else said) or stem.upper()
            ends = {"source": row[roles["start"]], "target": row[roles["end"]]}
            found.append(ends | {"type": kind, "properties": properties})
        else:
            labels = [label for label in re.split(r"[;:|]", said) if label] or [stem]
            found.append({"id": row[roles["id"]], "labels": labels, "properties": properties})
    return ([], found) if edge else (found, [])


def _column(header: str) -> tuple[str, str, str]:
    """Name as a property ("" for none), role ("" for none), type told ("" for none)."""
    name, _, kind = header.partition(":")
    kind = kind.partition("(")[0].strip().lower()
    told = {"id": "id", "label": "label", "start_id": "start", "end_id": "end", "type": "type"}.get(kind)
    if told:
        return (name if told == "id" else ""), told, ""
    plain = name.lower()
    if plain == "id":
        return name, "id", kind
    role = "start" if plain in _START else "end" if plain in _END else "label" if plain in _LABELS else ""
    return ("", role, "") if role else ("", "type", "") if plain == "type" else (name, "", kind)


def _typed(cells: list[str], told: str) -> list[Any]:
    if told.endswith("[]"):
        return [cell.split(";") if cell else None for cell in cells]
    present = [cell for cell in cells if cell != ""]
    kind = _SHORT_TYPES.get(told) or _guessed(present)
    converters: dict[str, Callable[[str], Any]] = {
        "INTEGER": int,
        "FLOAT": float,
        "BOOLEAN": lambda cell: cell.lower() == "true",
    }
    convert = converters.get(kind, str)
    return [None if cell == "" else convert(cell) for cell in cells]


def _guessed(cells: list[str]) -> str:
    if cells and all(_WHOLE.fullmatch(cell) for cell in cells):
        return "INTEGER"
    if cells and all(_DECIMAL.fullmatch(cell) and not re.match(r"-?0\d", cell) for cell in cells):
        return "FLOAT"
    return "BOOLEAN" if cells and {cell.lower() for cell in cells} <= {"true", "false"} else "STRING"


def _records(value: Any, stem: str) -> Records:
    nodes: list[dict[str, Any]] = []
    edges: list[dict[str, Any]] = []
    if isinstance(value, dict) and isinstance(value.get("nodes"), list):
        named: list[Any] = next((value[key] for key in ("edges", "relationships", "links") if key in value), [])
        value = [*value["nodes"], *named]
    for number, record in enumerate(value if isinstance(value, list) else [value], start=1):
        if not isinstance(record, dict):
            raise Fault(f"record {number} is no object")
        fields = dict(record)
        start, end = _taken(fields, _START), _taken(fields, _END)
        if start is not None and end is not None:
            own = fields.pop("properties", None)
            kind = fields.pop("type", None)
            label = fields.pop("label", None)
            kind = label if kind in (None, "relationship") else kind
            fields.pop("id", None)
            edges.append({"source": _key(start), "target": _key(end), "type": str(kind or stem.upper()),
                          "properties": _plain(fields if own is None else own)})  # fmt: skip
        elif "id" in fields:
            labels = _taken(fields, _LABELS) or [stem]
            own = fields.pop("properties", None)
            key = fields.pop("id")
            nodes.append({"id": _key(key), "labels": [labels] if isinstance(labels, str) else [*map(str, labels)],
                          "properties": _plain(fields if own is None else own)})  # fmt: skip
        else:
            raise Fault(f"record {number} has neither id nor source and target")
    return nodes, edges


def _taken(fields: dict[str, Any], names: tuple[str, ...]) -> Any:
    return next((fields.pop(name) for name in names if name in fields), None)


def _key(value: Any) -> str:
    return str(value["id"] if isinstance(value, dict) and "id" in value else value)


def _plain(properties: Any) -> dict[str, Any]:
    """Values that a graph can hold: objects become JSON text, null is left out."""
    if not isinstance(properties, dict):
        raise Fault("properties are no object")
    return {str(name): _held(value) for name, value in properties.items() if value is not None}


def _held(value: Any) -> Any:
    if isinstance(value, list):
        return [_held(one) for one in value if one is not None]
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else value
