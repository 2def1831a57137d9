"""Draw what a template of Cypher is filled with: labels, properties of a certain role, relationships, real values."""

import random
from collections.abc import Callable, Sequence
from typing import TypeVar

from workers.sandbox.graph_schema import Fact, GraphPart, Label, Link, Property, Value, literal, quoted
from workers.steps.sql_draw import NoFit

Item = TypeVar("Item")
_FEW = 40  # so many distinct values still are categories
_NAMES = ("name", "title", "label", "code")


class GraphDraw:
    """Random choices from one part of a graph; every draw raises NoFit when there is nothing to choose."""

    def __init__(self, part: GraphPart, chance: random.Random) -> None:
        self.part, self.chance = part, chance

    def one(self, items: Sequence[Item]) -> Item:
        if not items:
            raise NoFit
        return self.chance.choice(items)

    def number(self, least: int, most: int) -> int:
        return self.chance.randint(least, max(least, most))

    def label(self, fits: Callable[[Label], object] = bool) -> Label:
        return self.one([label for label in self.part.labels if name_of(label) and fits(label)])

    def link(self, fits: Callable[[Link], object] = bool) -> Link:
        return self.one([link for link in self.part.links if self.named(link) and fits(link)])

    def fact(self, fits: Callable[[Fact], object] = bool) -> Fact:
        """A relationship of the part both of whose ends have a name."""
        return self.one([fact for fact in self.part.facts if self._told(fact) and fits(fact)])

    def name(self, label: str) -> str:
        """The property, as it stands in a query, by which things of this label are known."""
        found = name_of(self.part.label(label))
        if found is None:
            raise NoFit
        return quoted(found.name)

    def value(self, found: Property) -> Value:
        return self.one(found.values)

    def middle(self, found: Property) -> Value:
        """A value with others below and above it."""
        known = sorted(value for value in found.values if not isinstance(value, str))
        return self.one(known[len(known) // 4 : max(len(known) // 4 + 1, 3 * len(known) // 4)])

    def ends(self, link: Link) -> tuple[Label, Label]:
        return self.part.label(link.source), self.part.label(link.target)

    def called(self, label: str, properties: dict[str, Value]) -> tuple[str, str]:
        """The condition in braces that finds a thing of this label by its name, and the name as a literal."""
        found = name_of(self.part.label(label))
        if found is None or found.name not in properties:
            raise NoFit
        value = literal(properties[found.name])
        return f"{{{quoted(found.name)}: {value}}}", value

    def named(self, link: Link) -> bool:
        return all(name_of(end) for end in self.ends(link))

    def _told(self, fact: Fact) -> bool:
        there = {label.name for label in self.part.labels}
        return all(
            thing.label in there
            and (found := name_of(self.part.label(thing.label))) is not None
            and found.name in thing.properties
            for thing in (fact.source, fact.target)
        )


def name_of(label: Label) -> Property | None:
    """A text that tells its nodes apart, best one called name or title; else any text."""
    texts = [found for found in label.properties if found.type == "STRING" and found.values]
    ranked = sorted(
        texts,
        key=lambda found: (
            found.distinct < label.count,
            not any(word in found.name.lower() for word in _NAMES),
            found.name,
        ),
    )
    return ranked[0] if ranked else None


def measures(owner: Label | Link) -> list[Property]:
    """Numbers that are counted with, not those that name something."""
    return [
        found
        for found in owner.properties
        if found.numeric and found.distinct > 2 and not found.name.lower().endswith("id")
    ]


def categories(label: Label) -> list[Property]:
    """Properties in which few values come again and again."""
    return [
        found
        for found in label.properties
        if found.type in ("STRING", "BOOLEAN") and 1 < found.distinct <= min(_FEW, label.count // 2) and found.values
    ]


def q(name: str) -> str:
    return quoted(name)


def v(value: object) -> str:
    return literal(value)
