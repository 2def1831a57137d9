"""A small graph of films as people upload one: CSVs of nodes and relationships, JSON, Cypher."""

import json
import random
from typing import Any

CITIES, GENRES = ("Oslo", "Bergen", "Tromso"), ("drama", "comedy", "crime")
FIRST = ("Ada", "Bo", "Cleo", "Dag", "Eva", "Finn", "Gro", "Hal")
LAST = ("Berg", "Dahl", "Eide", "Foss", "Haug", "Lund")


def records() -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Nodes and relationships, the same each time."""
    draw = random.Random(4)
    people: list[dict[str, Any]] = [
        {"id": f"p{i}", "labels": ["Person"], "properties": {"name": name, "city": CITIES[i % 3], "born": 1950 + i}}
        for i, name in enumerate(f"{first} {last}" for first in FIRST for last in LAST[:5])
    ]
    for person in people[::4]:
        person["properties"]["prize"] = "Amanda"
    films: list[dict[str, Any]] = [
        {"id": f"m{i}", "labels": ["Movie"],
         "properties": {"title": f"Fjord Story {i}", "genre": GENRES[i % 3], "year": 1990 + i, "score": i / 4}}
        for i in range(20)
    ]  # fmt: skip
    studios: list[dict[str, Any]] = [
        {"id": f"s{i}", "labels": ["Studio"], "properties": {"name": f"Studio {place}"}}
        for i, place in enumerate(CITIES)
    ]
    edges = [
        {"source": f"p{i}", "target": f"m{film}", "type": "ACTED_IN", "properties": {"pay": draw.randrange(10, 90)}}
        for i in range(36)
        for film in draw.sample(range(18), 3)
    ]
    edges += [
        {"source": f"p{i}", "target": f"p{(i * 7 + 3) % 40}", "type": "KNOWS", "properties": {}} for i in range(40)
    ]
    edges += [{"source": f"m{i}", "target": f"s{i % 2}", "type": "MADE_BY", "properties": {}} for i in range(18)]
    return [*people, *films, *studios], edges


def as_json() -> bytes:
    nodes, edges = records()
    return json.dumps({"nodes": nodes, "edges": edges}).encode()


def as_csvs() -> dict[str, bytes]:
    """File name -> a table with the header of neo4j-admin."""
    nodes, edges = records()
    columns = {"Person": "name,city,born,prize", "Movie": "title,genre,year,score", "Studio": "name"}
    files = {}
    for label, names in columns.items():
        rows = [
            ",".join([node["id"], label, *(str(node["properties"].get(name, "")) for name in names.split(","))])
            for node in nodes
            if node["labels"] == [label]
        ]
        files[f"{label.lower()}.csv"] = "\n".join([f":ID,:LABEL,{names}", *rows, ""]).encode()
    rows = [f"{one['source']},{one['target']},{one['type']},{one['properties'].get('pay', '')}" for one in edges]
    files["links.csv"] = "\n".join([":START_ID,:END_ID,:TYPE,pay:int", *rows, ""]).encode()
    return files


def as_cypher() -> bytes:
    nodes, edges = records()
    lines = ["// films", "CREATE INDEX FOR (n:Person) ON (n.name);"]
    for node in nodes:
        own = ", ".join(f"{name}: {value!r}" for name, value in node["properties"].items())
        lines.append(f"CREATE (:{node['labels'][0]} {{key: {node['id']!r}, {own}}});")
    for edge in edges:
        own = ", ".join(f"{name}: {value!r}" for name, value in edge["properties"].items())
        lines.append(
            f"MATCH (a {{key: {edge['source']!r}}}), (b {{key: {edge['target']!r}}}) "
            f"CREATE (a)-[:{edge['type']} {{{own}}}]->(b);"
        )
    return "\n".join(lines).encode()
