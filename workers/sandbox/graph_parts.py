"""Describe a graph, and draw parts of it: its schema with other values each time, and the surroundings of one node."""

import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

from workers.sandbox.graph import Edge, Graph
from workers.sandbox.graph_schema import Fact, GraphPart, Label, Link, Property, Thing, Value

_VALUES = 24  # drawn from a property: those a model is shown, and those templates are filled with
_LONGEST_VALUE = 60
_MOST_LABELS = 24  # shown at once: those of the part first, then the commonest


def describe(graph: Graph, name: str, seed: str) -> GraphPart:
    """Labels, relationships between labels, and properties with values drawn by `seed`; no facts yet."""
    things: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for node in graph.nodes:
        for label in node.labels:
            things[label].append(node.properties)
    labels_of = {node.id: node.labels for node in graph.nodes}
    links: dict[tuple[str, str, str], list[dict[str, Any]]] = defaultdict(list)
    for edge in graph.edges:
        for source in labels_of[edge.source]:
            for target in labels_of[edge.target]:
                links[source, edge.type, target].append(edge.properties)
    return GraphPart(
        graph=name,
        labels=tuple(
            Label(name=label, count=len(found), properties=_properties(found, f"{seed}|{label}"))
            for label, found in sorted(things.items())
        ),
        links=tuple(
            Link(source=a, type=kind, target=b, count=len(found), properties=_properties(found, f"{seed}|{kind}"))
            for (a, kind, b), found in sorted(links.items())
        ),
    )


def _properties(owners: list[dict[str, Any]], seed: str) -> tuple[Property, ...]:
    values: dict[str, list[Any]] = defaultdict(list)
    for owner in owners:
        for name, value in owner.items():
            values[name].append(value)
    return tuple(_property(name, found, f"{seed}|{name}") for name, found in sorted(values.items()))


def _property(name: str, values: list[Any], seed: str) -> Property:
    plain = [value for value in values if isinstance(value, str | int | float | bool)]
    distinct = sorted(set(plain), key=lambda value: (type(value).__name__, value))
    shown = [value for value in distinct if value != "" and len(str(value)) <= _LONGEST_VALUE]
    drawn = random.Random(seed).sample(shown, min(_VALUES, len(shown)))
    kinds = {type(value) for value in values}
    return Property(name=name, type=_type(kinds), values=tuple(drawn), distinct=len(distinct), present=len(values))


def _type(kinds: set[type]) -> str:
    for type_, kind in ((bool, "BOOLEAN"), (int, "INTEGER"), (list, "LIST"), (tuple, "LIST")):
        if kinds == {type_}:
            return kind
    return "FLOAT" if kinds <= {int, float} else "STRING"


def parts(
    whole: GraphPart, graph: Graph, chance: random.Random, *, count: int, neighbourhood: int
) -> Iterator[GraphPart]:
    """`count` parts: a node of each label begins one in turn; it grows by `neighbourhood` relationships around it."""
    nodes = {node.id: node for node in graph.nodes}
    touching: dict[str, list[Edge]] = defaultdict(list)
    for edge in graph.edges:
        touching[edge.source].append(edge)
        if edge.target != edge.source:
            touching[edge.target].append(edge)
    by_label: dict[str, list[str]] = defaultdict(list)
    for node in graph.nodes:
        if node.labels and touching.get(node.id):
            by_label[node.labels[0]].append(node.id)
    anchors = sorted(by_label)
    for turn in range(count if whole.labels else 0):
        grown: list[Edge] = []
        if anchors:
            grown = _grown(chance.choice(by_label[anchors[turn % len(anchors)]]), touching, neighbourhood, chance)
        facts = [
            Fact(
                source=Thing(label=nodes[edge.source].labels[0], properties=nodes[edge.source].properties),
                type=edge.type,
                target=Thing(label=nodes[edge.target].labels[0], properties=nodes[edge.target].properties),
                properties=edge.properties,
            )
            for edge in grown
            if nodes[edge.source].labels and nodes[edge.target].labels
        ]
        yield _shown(whole, facts, chance)


def _grown(anchor: str, touching: dict[str, list[Edge]], most: int, chance: random.Random) -> list[Edge]:
    """Edges around a node, at most four of each node, breadth first."""
    found: dict[int, Edge] = {}
    waiting, seen = [anchor], {anchor}
    while waiting and len(found) < most:
        here = waiting.pop(0)
        near = touching[here]
        for edge in chance.sample(near, min(4, len(near))):
            if len(found) < most:
                found.setdefault(id(edge), edge)
            for end in (edge.source, edge.target):
                if end not in seen:
                    seen.add(end)
                    waiting.append(end)
    return [*found.values()]


def _shown(whole: GraphPart, facts: list[Fact], chance: random.Random) -> GraphPart:
    first = Counter(thing.label for fact in facts for thing in (fact.source, fact.target))
    ranked = sorted(whole.labels, key=lambda label: (-first[label.name], -label.count, label.name))
    names = {label.name for label in ranked[:_MOST_LABELS]}
    return whole.model_copy(
        update={
            "labels": tuple(_other_values(label, chance) for label in whole.labels if label.name in names),
            "links": tuple(_other_values(link, chance) for link in whole.links if {link.source, link.target} <= names),
            "facts": tuple(facts),
        }
    )


def _other_values(owner: Any, chance: random.Random) -> Any:
    changed = tuple(found.model_copy(update={"values": _shuffled(found.values, chance)}) for found in owner.properties)
    return owner.model_copy(update={"properties": changed})


def _shuffled(values: Iterable[Value], chance: random.Random) -> tuple[Value, ...]:
    kept = tuple(values)
    return tuple(chance.sample(kept, len(kept)))
