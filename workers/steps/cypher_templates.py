"""Templates of Cypher, each filled with labels, relationships and values of the graph at hand, and told in stiff words.

A template that the graph has nothing for raises NoFit. Wherever one has a LIMIT its order leaves no ties.
"""

from collections.abc import Callable
from typing import NamedTuple

from app.catalog.cypher import CATEGORY_NAMES, Category
from workers.sandbox.graph_schema import Fact
from workers.steps.cypher_draw import GraphDraw, categories, measures, q, v
from workers.steps.sql_draw import NoFit


class Filled(NamedTuple):
    """A query, what it gives in words, and the template and category it came of."""

    cypher: str
    meaning: str
    template: str
    category: Category


Fill = Callable[[GraphDraw], tuple[str, str]]
TEMPLATES: dict[Category, dict[str, Fill]] = {name: {} for name in CATEGORY_NAMES}
FUNCTIONS = {"avg": "the average", "sum": "the sum", "min": "the smallest", "max": "the largest"}


def template(category: Category) -> Callable[[Fill], Fill]:
    def keep(fill: Fill) -> Fill:
        TEMPLATES[category][fill.__name__] = fill
        return fill

    return keep


def fill(draw: GraphDraw, category: Category) -> Filled:
    """One query of this category, of a template that fits; of another category if none does. Raises NoFit."""
    others = [name for name in CATEGORY_NAMES if name != category]
    draw.chance.shuffle(others)
    for tried in [category, *others]:
        names = sorted(TEMPLATES[tried])
        draw.chance.shuffle(names)
        for name in names:
            try:
                return Filled(*TEMPLATES[tried][name](draw), name, tried)
            except NoFit:
                continue
    raise NoFit


@template("lookup")
def property_of(draw: GraphDraw) -> tuple[str, str]:
    label = draw.label(lambda label: len(label.properties) > 1)
    name = draw.name(label.name)
    known = next(found for found in label.properties if q(found.name) == name)
    of = draw.one([found for found in label.properties if found != known and found.present == label.count])
    value = v(draw.value(known))
    return (
        f"MATCH (a:{q(label.name)} {{{name}: {value}}}) RETURN a.{q(of.name)}",
        f"{of.name} of the {label.name} with {name} {value}",
    )


@template("lookup")
def of_category(draw: GraphDraw) -> tuple[str, str]:
    label = draw.label(categories)
    by, name = draw.one(categories(label)), draw.name(label.name)
    value = v(draw.value(by))
    return (
        f"MATCH (a:{q(label.name)} {{{q(by.name)}: {value}}}) RETURN DISTINCT a.{name} ORDER BY a.{name}",
        f"the different {name} of each {label.name} with {by.name} {value}, in their order",
    )


@template("lookup")
def begins_with(draw: GraphDraw) -> tuple[str, str]:
    label = draw.label()
    name = draw.name(label.name)
    known = next(found for found in label.properties if q(found.name) == name)
    start = v(str(draw.value(known))[:2])
    return (
        f"MATCH (a:{q(label.name)}) WHERE a.{name} STARTS WITH {start} RETURN count(a)",
        f"the number of {label.name} whose {name} begins with {start}",
    )


@template("lookup")
def relationship_property(draw: GraphDraw) -> tuple[str, str]:
    fact = draw.fact(lambda fact: fact.properties)
    of = draw.one(sorted(fact.properties))
    (one, first), (other, last) = ends_of(draw, fact)
    return (
        f"MATCH (a:{q(fact.source.label)} {one})-[r:{q(fact.type)}]->(b:{q(fact.target.label)} {other}) "
        f"RETURN r.{q(of)}",
        f"{of} of the {fact.type} that leads from {first} to {last}",
    )


@template("condition")
def above(draw: GraphDraw) -> tuple[str, str]:
    label = draw.label(measures)
    of, name = draw.one(measures(label)), draw.name(label.name)
    value = v(draw.middle(of))
    return (
        f"MATCH (a:{q(label.name)}) WHERE a.{q(of.name)} > {value} RETURN DISTINCT a.{name} ORDER BY a.{name}",
        f"the different {name} of each {label.name} with a {of.name} above {value}, in their order",
    )


@template("condition")
def between(draw: GraphDraw) -> tuple[str, str]:
    label = draw.label(measures)
    of = draw.one(measures(label))
    low, high = sorted([draw.middle(of), draw.middle(of)])
    return (
        f"MATCH (a:{q(label.name)}) WHERE a.{q(of.name)} >= {v(low)} AND a.{q(of.name)} <= {v(high)} RETURN count(a)",
        f"the number of {label.name} with a {of.name} from {v(low)} to {v(high)}, both included",
    )


@template("condition")
def two_conditions(draw: GraphDraw) -> tuple[str, str]:
    label = draw.label(lambda label: measures(label) and categories(label))
    by, of = draw.one(categories(label)), draw.one(measures(label))
    value, least = v(draw.value(by)), v(draw.middle(of))
    return (
        f"MATCH (a:{q(label.name)}) WHERE a.{q(by.name)} = {value} AND a.{q(of.name)} >= {least} RETURN count(a)",
        f"the number of {label.name} with {by.name} {value} and a {of.name} of at least {least}",
    )


@template("condition")
def one_of(draw: GraphDraw) -> tuple[str, str]:
    label = draw.label(categories)
    by = draw.one(categories(label))
    two = draw.chance.sample(by.values, min(2, len(by.values)))
    return (
        f"MATCH (a:{q(label.name)}) WHERE a.{q(by.name)} IN [{', '.join(map(v, two))}] RETURN count(a)",
        f"the number of {label.name} whose {by.name} is {' or '.join(map(v, two))}",
    )


@template("relation")
def targets(draw: GraphDraw) -> tuple[str, str]:
    fact = draw.fact()
    (one, first), _ = ends_of(draw, fact)
    name = draw.name(fact.target.label)
    return (
        f"MATCH (a:{q(fact.source.label)} {one})-[:{q(fact.type)}]->(b:{q(fact.target.label)}) "
        f"RETURN DISTINCT b.{name} ORDER BY b.{name}",
        f"the different {name} of each {fact.target.label} that {first} ({fact.source.label}) leads to by "
        f"{fact.type}, in their order",
    )


@template("relation")
def sources(draw: GraphDraw) -> tuple[str, str]:
    fact = draw.fact()
    _, (other, last) = ends_of(draw, fact)
    name = draw.name(fact.source.label)
    return (
        f"MATCH (a:{q(fact.source.label)})-[:{q(fact.type)}]->(b:{q(fact.target.label)} {other}) "
        f"RETURN DISTINCT a.{name} ORDER BY a.{name}",
        f"the different {name} of each {fact.source.label} that leads to {last} ({fact.target.label}) by "
        f"{fact.type}, in their order",
    )


@template("relation")
def targets_above(draw: GraphDraw) -> tuple[str, str]:
    fact = draw.fact(lambda fact: measures(draw.part.label(fact.target.label)))
    (one, first), _ = ends_of(draw, fact)
    of = draw.one(measures(draw.part.label(fact.target.label)))
    if of.name not in fact.target.properties:
        raise NoFit
    value, name = v(fact.target.properties[of.name]), draw.name(fact.target.label)
    return (
        f"MATCH (a:{q(fact.source.label)} {one})-[:{q(fact.type)}]->(b:{q(fact.target.label)}) "
        f"WHERE b.{q(of.name)} >= {value} RETURN DISTINCT b.{name} ORDER BY b.{name}",
        f"the different {name} of each {fact.target.label} with a {of.name} of at least {value} that {first} "
        f"({fact.source.label}) leads to by {fact.type}, in their order",
    )


@template("relation")
def how_many_targets(draw: GraphDraw) -> tuple[str, str]:
    fact = draw.fact()
    (one, first), _ = ends_of(draw, fact)
    return (
        f"MATCH (a:{q(fact.source.label)} {one})-[:{q(fact.type)}]->(b:{q(fact.target.label)}) "
        "RETURN count(DISTINCT b)",
        f"how many {fact.target.label} {first} ({fact.source.label}) leads to by {fact.type}",
    )


def ends_of(draw: GraphDraw, fact: Fact) -> tuple[tuple[str, str], tuple[str, str]]:
    """For both ends of a fact: the condition in braces that finds it by its name, and the name."""
    return (
        draw.called(fact.source.label, fact.source.properties),
        draw.called(fact.target.label, fact.target.properties),
    )
