"""A property graph as a model is shown it and as templates fill it: labels, relationships, values, a piece of it."""

import re
from collections.abc import Iterator
from typing import Any

from pydantic import Field

from app.domain import Record

Value = str | int | float | bool
_PLAIN = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_WORDS = """
all and any as asc by call case contains count create delete desc detach distinct drop else end ends exists false
foreach in is limit load match merge none not null on optional or order remove return set single skip starts then true
union unwind when where with xor
"""
_RESERVED = frozenset(_WORDS.split())


class Property(Record):
    """`type`: STRING, INTEGER, FLOAT, BOOLEAN or LIST. `present` of the things have it, with `distinct` values."""

    name: str
    type: str
    values: tuple[Value, ...] = ()
    distinct: int = 0
    present: int = 0

    @property
    def numeric(self) -> bool:
        return self.type in ("INTEGER", "FLOAT")


class Label(Record):
    """A label with the number of its nodes."""

    name: str
    count: int
    properties: tuple[Property, ...] = ()

    def property(self, name: str) -> Property:
        return next(found for found in self.properties if found.name == name)


class Link(Record):
    """A relationship type between two labels, with the number of such relationships."""

    source: str
    type: str
    target: str
    count: int
    properties: tuple[Property, ...] = ()


class Thing(Record):
    label: str
    properties: dict[str, Any]


class Fact(Record):
    """One relationship of the graph with its ends."""

    source: Thing
    type: str
    target: Thing
    properties: dict[str, Any] = Field(default_factory=dict)

    def told(self) -> str:
        kept = f" {_map(self.properties)}" if self.properties else ""
        return f"{_thing(self.source)}-[:{quoted(self.type)}{kept}]->{_thing(self.target)}"


class GraphPart(Record):
    """What rows of one context are about. `image`: the SHA-256 of the stored graph, all of it; `facts`: a piece."""

    graph: str
    labels: tuple[Label, ...]
    links: tuple[Link, ...]
    image: str = ""
    facts: tuple[Fact, ...] = ()

    def label(self, name: str) -> Label:
        return next(label for label in self.labels if label.name == name)


def quoted(name: str) -> str:
    """The name as it stands in a query: between backticks only where it must."""
    plain = _PLAIN.fullmatch(name) and name.lower() not in _RESERVED
    return name if plain else "`" + name.replace("`", "") + "`"


def literal(value: Any) -> str:
    """The value as it stands in a query."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(literal, value)) + "]"
    return "'" + str(value).replace("\\", "\\\\").replace("'", "\\'") + "'"


def shown(part: GraphPart, values: int) -> str:
    """The schema with up to `values` values of each property, and the facts, a line each."""
    lines = ["Nodes:", *(f"(:{quoted(label.name)}{_types(label.properties)}){_said(label, values)}"
                         for label in part.labels)]  # fmt: skip
    lines += ["", "Relationships:"]
    lines += [
        f"(:{quoted(link.source)})-[:{quoted(link.type)}{_types(link.properties)}]->(:{quoted(link.target)})"
        f"{_said(link, values)}"
        for link in part.links
    ]
    if part.facts:
        lines += ["", "Some of the graph:", *(fact.told() for fact in part.facts)]
    return "\n".join(lines)


def _types(properties: tuple[Property, ...]) -> str:
    named = ", ".join(f"{quoted(found.name)}: {found.type}" for found in properties)
    return f" {{{named}}}" if named else ""


def _said(owner: Label | Link, values: int) -> str:
    samples = [
        f"{found.name}: {', '.join(_short(value) for value in found.values[:values])}"
        for found in owner.properties
        if found.values and values
    ]
    return "  // " + "; ".join([str(owner.count), *samples])


def _thing(thing: Thing) -> str:
    return f"(:{quoted(thing.label)}{' ' + _map(thing.properties) if thing.properties else ''})"


def _map(properties: dict[str, Any]) -> str:
    return "{" + ", ".join(_pairs(properties)) + "}"


def _pairs(properties: dict[str, Any]) -> Iterator[str]:
    for name, value in list(properties.items())[:6]:
        yield f"{quoted(name)}: {_short(value)}"


def _short(value: Any) -> str:
    text = " ".join(literal(value).split())
    return text if len(text) <= 60 else f"{text[:56]}...'"
