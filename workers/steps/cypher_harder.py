"""Templates over several relationships: hops, numbers for groups, the most and the fewest, what is missing, paths."""

from workers.sandbox.graph_schema import Fact, Link
from workers.steps.cypher_draw import GraphDraw, categories, measures, q
from workers.steps.cypher_templates import FUNCTIONS, ends_of, template
from workers.steps.sql_draw import NoFit


def _pair(draw: GraphDraw) -> tuple[Fact, Fact]:
    """Two facts of which the second begins where the first ends."""
    pairs = [
        (one, other)
        for one in draw.part.facts
        for other in draw.part.facts
        if one is not other and one.target == other.source and other.target != one.source
    ]
    return draw.one(pairs)


def _next(draw: GraphDraw) -> tuple[Link, Link]:
    """Two links of which the second begins at the label where the first ends."""
    return draw.one(
        [
            (one, other)
            for one in draw.part.links
            for other in draw.part.links
            if one.target == other.source and draw.named(one) and draw.named(other)
        ]
    )


@template("multi_hop")
def two_hops(draw: GraphDraw) -> tuple[str, str]:
    one, other = _pair(draw)
    (start, first), _ = ends_of(draw, one)
    name = draw.name(other.target.label)
    return (
        f"MATCH (a:{q(one.source.label)} {start})-[:{q(one.type)}]->(b:{q(one.target.label)})"
        f"-[:{q(other.type)}]->(c:{q(other.target.label)}) RETURN DISTINCT c.{name} ORDER BY c.{name}",
        f"the different {name} of each {other.target.label} that is reached from {first} ({one.source.label}) by "
        f"{one.type} to a {one.target.label} and from there by {other.type}, in their order",
    )


@template("multi_hop")
def shared_target(draw: GraphDraw) -> tuple[str, str]:
    fact = draw.fact()
    (start, first), _ = ends_of(draw, fact)
    name = draw.name(fact.source.label)
    return (
        f"MATCH (a:{q(fact.source.label)} {start})-[:{q(fact.type)}]->(b:{q(fact.target.label)})"
        f"<-[:{q(fact.type)}]-(c:{q(fact.source.label)}) WHERE c.{name} <> a.{name} "
        f"RETURN DISTINCT c.{name} ORDER BY c.{name}",
        f"the different {name} of every other {fact.source.label} that leads by {fact.type} to a {fact.target.label} "
        f"to which {first} leads as well, in their order",
    )


@template("multi_hop")
def shared_source(draw: GraphDraw) -> tuple[str, str]:
    fact = draw.fact()
    _, (end, last) = ends_of(draw, fact)
    name = draw.name(fact.target.label)
    return (
        f"MATCH (a:{q(fact.target.label)} {end})<-[:{q(fact.type)}]-(b:{q(fact.source.label)})"
        f"-[:{q(fact.type)}]->(c:{q(fact.target.label)}) WHERE c.{name} <> a.{name} "
        f"RETURN DISTINCT c.{name} ORDER BY c.{name}",
        f"the different {name} of every other {fact.target.label} to which a {fact.source.label} leads by {fact.type} "
        f"that leads to {last} as well, in their order",
    )


@template("multi_hop")
def counted_hops(draw: GraphDraw) -> tuple[str, str]:
    one, other = _next(draw)
    name = draw.name(one.source)
    return (
        f"MATCH (a:{q(one.source)})-[:{q(one.type)}]->(b:{q(one.target)})-[:{q(other.type)}]->(c:{q(other.target)}) "
        f"RETURN a.{name}, count(DISTINCT c) AS number ORDER BY number DESC, a.{name} LIMIT 3",
        f"{name} of the 3 {one.source} that reach the most different {other.target} by {one.type} to a {one.target} "
        f"and then {other.type}, each with this number, the most first (equal ones by {name})",
    )


@template("aggregate")
def how_many(draw: GraphDraw) -> tuple[str, str]:
    link = draw.link()
    return (
        f"MATCH (a:{q(link.source)})-[r:{q(link.type)}]->(b:{q(link.target)}) RETURN count(r)",
        f"how many relationships {link.type} there are from a {link.source} to a {link.target}",
    )


@template("aggregate")
def computed(draw: GraphDraw) -> tuple[str, str]:
    label = draw.label(measures)
    of, function = draw.one(measures(label)), draw.one(sorted(FUNCTIONS))
    return (
        f"MATCH (a:{q(label.name)}) RETURN {function}(a.{q(of.name)})",
        f"{FUNCTIONS[function]} {of.name} of all {label.name}",
    )


@template("aggregate")
def for_each_category(draw: GraphDraw) -> tuple[str, str]:
    label = draw.label(categories)
    by = draw.one(categories(label))
    return (
        f"MATCH (a:{q(label.name)}) WHERE a.{q(by.name)} IS NOT NULL "
        f"RETURN a.{q(by.name)} AS kind, count(a) AS number ORDER BY number DESC, kind",
        f"each {by.name} with its number of {label.name}, the most first (equal ones by {by.name})",
    )


@template("aggregate")
def of_the_targets(draw: GraphDraw) -> tuple[str, str]:
    fact = draw.fact(lambda fact: measures(draw.part.label(fact.target.label)))
    (start, first), _ = ends_of(draw, fact)
    of, function = draw.one(measures(draw.part.label(fact.target.label))), draw.one(sorted(FUNCTIONS))
    return (
        f"MATCH (a:{q(fact.source.label)} {start})-[:{q(fact.type)}]->(b:{q(fact.target.label)}) "
        f"RETURN {function}(b.{q(of.name)})",
        f"{FUNCTIONS[function]} {of.name} of each {fact.target.label} that {first} leads to by {fact.type}",
    )


@template("top")
def highest(draw: GraphDraw) -> tuple[str, str]:
    label = draw.label(measures)
    of, name, count = draw.one(measures(label)), draw.name(label.name), draw.number(2, 5)
    down = draw.one([True, False])
    return (
        f"MATCH (a:{q(label.name)}) WHERE a.{q(of.name)} IS NOT NULL RETURN a.{name}, a.{q(of.name)} "
        f"ORDER BY a.{q(of.name)}{' DESC' if down else ''}, a.{name} LIMIT {count}",
        f"{name} and {of.name} of the {count} {label.name} with the {'highest' if down else 'lowest'} {of.name}, in "
        f"this order (ties by {name})",
    )


@template("top")
def most_targets(draw: GraphDraw) -> tuple[str, str]:
    link, count = draw.link(), draw.number(2, 5)
    name = draw.name(link.source)
    return (
        f"MATCH (a:{q(link.source)})-[:{q(link.type)}]->(b:{q(link.target)}) "
        f"RETURN a.{name}, count(DISTINCT b) AS number ORDER BY number DESC, a.{name} LIMIT {count}",
        f"{name} of the {count} {link.source} that lead to the most {link.target} by {link.type}, and to how many, the "
        f"most first (ties by {name})",
    )


@template("top")
def most_sources(draw: GraphDraw) -> tuple[str, str]:
    link, count = draw.link(), draw.number(2, 5)
    name = draw.name(link.target)
    return (
        f"MATCH (a:{q(link.source)})-[:{q(link.type)}]->(b:{q(link.target)}) "
        f"RETURN b.{name}, count(DISTINCT a) AS number ORDER BY number DESC, b.{name} LIMIT {count}",
        f"{name} of the {count} {link.target} that the most {link.source} lead to by {link.type}, and how many, the "
        f"most first (ties by {name})",
    )


@template("top")
def at_least(draw: GraphDraw) -> tuple[str, str]:
    link = draw.link(lambda link: link.count > 2)
    name = draw.name(link.source)
    return (
        f"MATCH (a:{q(link.source)})-[:{q(link.type)}]->(b:{q(link.target)}) WITH a, count(DISTINCT b) AS number "
        f"WHERE number >= 2 RETURN a.{name}, number ORDER BY number DESC, a.{name}",
        f"{name} of each {link.source} that leads to at least 2 {link.target} by {link.type}, and to how many, the "
        f"most first (ties by {name})",
    )


@template("absence")
def leads_nowhere(draw: GraphDraw) -> tuple[str, str]:
    link = draw.link()
    name = draw.name(link.source)
    return (
        f"MATCH (a:{q(link.source)}) WHERE NOT (a)-[:{q(link.type)}]->(:{q(link.target)}) "
        f"RETURN DISTINCT a.{name} ORDER BY a.{name}",
        f"the different {name} of each {link.source} that leads to no {link.target} by {link.type}, in their order",
    )


@template("absence")
def nothing_leads_to(draw: GraphDraw) -> tuple[str, str]:
    link = draw.link()
    name = draw.name(link.target)
    return (
        f"MATCH (b:{q(link.target)}) WHERE NOT (:{q(link.source)})-[:{q(link.type)}]->(b) "
        f"RETURN DISTINCT b.{name} ORDER BY b.{name}",
        f"the different {name} of each {link.target} that no {link.source} leads to by {link.type}, in their order",
    )


@template("absence")
def not_to_this(draw: GraphDraw) -> tuple[str, str]:
    fact = draw.fact()
    _, (end, last) = ends_of(draw, fact)
    return (
        f"MATCH (a:{q(fact.source.label)}) WHERE NOT (a)-[:{q(fact.type)}]->(:{q(fact.target.label)} {end}) "
        "RETURN count(a)",
        f"the number of {fact.source.label} that do not lead to {last} by {fact.type}",
    )


@template("absence")
def without_property(draw: GraphDraw) -> tuple[str, str]:
    label = draw.label(lambda label: any(found.present < label.count for found in label.properties))
    of = draw.one([found for found in label.properties if found.present < label.count])
    return (
        f"MATCH (a:{q(label.name)}) WHERE a.{q(of.name)} IS NULL RETURN count(a)",
        f"the number of {label.name} without a {of.name}",
    )


def _far(draw: GraphDraw) -> tuple[Fact, Fact]:
    one, other = _pair(draw)
    if one.source == other.target:
        raise NoFit
    return one, other


@template("path")
def steps_between(draw: GraphDraw) -> tuple[str, str]:
    one, other = _far(draw)
    (start, first), (_, _) = ends_of(draw, one)
    _, (end, last) = ends_of(draw, other)
    return (
        f"MATCH (a:{q(one.source.label)} {start}), (b:{q(other.target.label)} {end}) "
        "WITH shortestPath((a)-[*..6]->(b)) AS way WHERE way IS NOT NULL RETURN min(length(way)) AS steps",
        f"how many relationships the shortest way from {first} to {last} has, of at most 6, all in their direction",
    )


@template("path")
def reached(draw: GraphDraw) -> tuple[str, str]:
    fact = draw.fact(lambda fact: fact.source.label == fact.target.label)
    (start, first), _ = ends_of(draw, fact)
    name = draw.name(fact.target.label)
    return (
        f"MATCH (a:{q(fact.source.label)} {start})-[:{q(fact.type)}*1..2]->(b:{q(fact.target.label)}) "
        f"WHERE b.{name} <> a.{name} RETURN DISTINCT b.{name} ORDER BY b.{name}",
        f"the different {name} of every other {fact.target.label} reached from {first} by one or two {fact.type}, in "
        "their order",
    )


@template("path")
def around(draw: GraphDraw) -> tuple[str, str]:
    fact = draw.fact()
    (start, first), _ = ends_of(draw, fact)
    return (
        f"MATCH (a:{q(fact.source.label)} {start})-[*1..2]-(b) WHERE b <> a RETURN count(DISTINCT b)",
        f"how many other things are within one or two relationships of {first}, whatever their direction and type",
    )


@template("path")
def kinds_of_links(draw: GraphDraw) -> tuple[str, str]:
    fact = draw.fact()
    (start, first), _ = ends_of(draw, fact)
    return (
        f"MATCH (a:{q(fact.source.label)} {start})-[r]-() RETURN type(r) AS kind, count(r) AS number "
        "ORDER BY number DESC, kind",
        f"the types of the relationships of {first}, in both directions, each with its number, the most first (equal "
        "ones by type)",
    )
