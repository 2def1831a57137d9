"""A hundred and more planted queries a model might write, and some an enemy would: each refused for its own reason.

Meanwhile canaries watch: a file that must not be read, one that must not be written, and a server that nobody may call.
"""

import asyncio
import hashlib
import random
import socket
import time
from pathlib import Path

import pytest

from app import storage
from app.catalog.tasks.text_to_cypher import TextToCypherOptions as Options
from tests.conftest import forget_process_state
from tests.workers import graphs
from tests.workers.scripted import Scripted, context
from workers.recipes import Work
from workers.sandbox.graph import Graph
from workers.sandbox.graph_parts import describe, parts
from workers.sandbox.graph_pool import GRAPHS
from workers.steps.cypher_rows import About, Pair, limits_of, row_of

TIME_LIMIT = 2.0
PLANTED: dict[str, list[str]] = {
    "cypher_syntax": [
        "MATCH (p:Person RETURN p.name",
        "MATCH (p:Person) RETURN",
        "MATCH (p:Person) WHERE RETURN p.name",
        "MTCH (p:Person) RETURN p.name",
        "SELECT name FROM Person",
        "MATCH (p:Person) RETURN p.name ORDER p.name",
        "MATCH (p:Person) RETURN x.name",
        "MATCH (p:Person) RETURN q",
        "MATCH (p:Person)-[:KNOWS]->(q:Person RETURN q.name",
        "MATCH (p:Person) RETURN nosuch(p.name)",
        "The answer is: MATCH (p:Person) RETURN p.name",
        "MATCH (p:Person) WHERE p.name = 'Ada RETURN p.name",
        "RETURN count(*",
        "",
    ],
    "several_statements": [
        "MATCH (p:Person) RETURN p.name; MATCH (m:Movie) RETURN m.title",
        "MATCH (p:Person) RETURN count(p); MATCH (n) DETACH DELETE n",
        "CREATE (:Person); RETURN 1",
    ],
    "unknown_label": [
        "MATCH (a:Actor) RETURN count(a)",
        "MATCH (p:person) RETURN count(p)",
        "MATCH (p:Persons) RETURN p.name",
        "MATCH (p:Person)-[:ACTED_IN]->(f:Film) RETURN f.title",
        "MATCH (p:Person) WHERE p:Director RETURN p.name",
        "MATCH (p:Person:Star) RETURN p.name",
        "MATCH (:Country)-->(b) RETURN count(b)",
        "MATCH (p:Person) OPTIONAL MATCH (p)-[:KNOWS]->(q:Friend) RETURN count(q)",
    ],
    "unknown_type": [
        "MATCH (p:Person)-[:DIRECTED]->(m:Movie) RETURN m.title",
        "MATCH (p:Person)-[:acted_in]->(m:Movie) RETURN m.title",
        "MATCH (p:Person)-[:KNOWS|LIKES]->(q) RETURN q.name",
        "MATCH (p:Person)-[r:ACTS]-(m) RETURN count(r)",
        "MATCH (p:Person)-[:FRIEND*1..3]->(q:Person) RETURN count(q)",
        "MATCH (m:Movie) WHERE NOT (m)-[:SEQUEL_OF]->(:Movie) RETURN m.title",
        "MATCH (m:Movie)<-[:PRODUCED]-(s:Studio) RETURN s.name",
    ],
    "unknown_property": [
        "MATCH (p:Person) RETURN p.age",
        "MATCH (p:Person {fullname: 'Ada Berg'}) RETURN p.city",
        "MATCH (m:Movie) WHERE m.rating > 3 RETURN m.title",
        "MATCH (m:Movie) RETURN m.name",
        "MATCH (p:Person)-[r:ACTED_IN]->(m:Movie) RETURN r.role",
        "MATCH (p:Person)-[:KNOWS {since: 2001}]->(q:Person) RETURN q.name",
        "MATCH (p:Person) RETURN p.Name",
        "MATCH (m:Movie) RETURN m.title ORDER BY m.budget DESC LIMIT 3",
        "MATCH (s:Studio) WHERE s.city = 'Oslo' RETURN s.name",
    ],
    "wrong_direction": [
        "MATCH (m:Movie)-[:ACTED_IN]->(p:Person) RETURN p.name",
        "MATCH (p:Person)<-[:ACTED_IN]-(m:Movie) RETURN p.name",
        "MATCH (s:Studio)-[:MADE_BY]->(m:Movie) RETURN m.title",
        "MATCH (p:Person)-[:ACTED_IN]->(m:Movie)<-[:MADE_BY]-(s:Studio) RETURN s.name",
        "MATCH (m:Movie) WHERE NOT (m)-[:ACTED_IN]->(:Person) RETURN m.title",
        "MATCH (p:Person) MATCH (m:Movie)-[r:ACTED_IN]->(p) RETURN count(r)",
        "MATCH (s:Studio)-[:MADE_BY*1..2]->(m:Movie) RETURN m.title",
    ],
    "unknown_pattern": [
        "MATCH (p:Person)-[:MADE_BY]->(s:Studio) RETURN s.name",
        "MATCH (s:Studio)-[:KNOWS]->(p:Person) RETURN p.name",
        "MATCH (m:Movie)-[:KNOWS]-(n:Movie) RETURN n.title",
        "MATCH (p:Person)-->(s:Studio) RETURN s.name",
        "MATCH (m:Movie)-[:ACTED_IN]-(s:Studio) RETURN s.name",
    ],
    "not_read_only": [
        "CREATE (:Person {name: 'x'})",
        "CREATE (p:Person) RETURN p",
        "MERGE (p:Person {name: 'x'}) RETURN p",
        "MATCH (p:Person) SET p.name = 'x'",
        "MATCH (p:Person) SET p:Movie RETURN p",
        "MATCH (p:Person) SET p += {name: 'x'} RETURN p",
        "MATCH (p:Person) DELETE p",
        "MATCH (n) DETACH DELETE n",
        "MATCH (p:Person) REMOVE p.name RETURN p",
        "MATCH (p:Person), (m:Movie) CREATE (p)-[:ACTED_IN]->(m)",
        "MATCH (p:Person) FOREACH (x IN [1] | SET p.name = 'x')",
        "CREATE INDEX FOR (p:Person) ON (p.name)",
        "DROP INDEX ON :Person(name)",
        "MATCH (p:Person) /* only reading */ DELETE p",
        "MATCH (p:Person) WITH p detach\ndelete p",
        "UNWIND range(1, 9) AS i CREATE (:Person {born: i})",
        "MATCH (p:Person) CALL { WITH p SET p.born = 1 } RETURN p.name",
    ],
    "file_access": [
        "LOAD CSV FROM 'file:///{canary}' AS row RETURN row",
        "LOAD CSV WITH HEADERS FROM 'file://{canary}' AS row RETURN row.bird",
        "LOAD  CSV FROM 'http://127.0.0.1:{port}/x.csv' AS row RETURN row",
        "load csv from 'https://127.0.0.1:{port}/x.csv' as row return count(row)",
        "MATCH (p:Person) LOAD CSV FROM 'file:///etc/passwd' AS row RETURN row",
        "CALL db.labels() YIELD label RETURN label",
        "CALL db.labels",
        "CALL dbms.procedures() YIELD name RETURN name",
        "CALL `dbms`.procedures()",
        "CALL dbms.listConfig()",
        "CALL apoc.load.json('http://127.0.0.1:{port}/x') YIELD value RETURN value",
        "CALL apoc.export.csv.all('{out}', {})",
        "RETURN apoc.util.sleep(10000)",
        "CALL db.idx.fulltext.createNodeIndex('Person', 'name')",
        "CALL algo.pageRank('Person', 'KNOWS') YIELD node RETURN count(node)",
        "MATCH (p:Person) CALL db.meta.stats() YIELD labels RETURN labels",
    ],
    "runaway": [
        "MATCH (a), (b), (c), (d), (e) RETURN count(*)",
        "MATCH (a:Person), (b:Person), (c:Person), (d:Person), (e:Person), (f:Movie) RETURN count(*) AS n",
        "UNWIND range(1, 100000) AS i UNWIND range(1, 100000) AS j MATCH (s:Studio) RETURN count(s)",
        "MATCH (a:Person)-[:KNOWS]->(b), (c:Movie), (d:Movie), (e:Movie), (f:Movie), (g:Movie) RETURN count(a)",
    ],
    "too_many_rows": [
        "MATCH (a:Person), (b:Person), (c:Studio) RETURN a.name, b.name, c.name",
        "MATCH (p:Person) UNWIND range(1, 500) AS i RETURN p.name, i",
    ],
    "always_empty": [
        "MATCH (p:Person) WHERE false RETURN p.name",
        "MATCH (p:Person) WHERE 1 = 2 RETURN p.name",
        "MATCH (p:Person) WHERE p.born > 1990 AND p.born < 1960 RETURN p.name",
        "MATCH (p:Person) WHERE p.born = 1960 AND p.born = 1961 RETURN p.name",
        "MATCH (p:Person) WHERE p.born > 1970 AND p.born <= 1970 RETURN count(p)",
        "MATCH (p:Person) WHERE p.prize = NULL RETURN p.name",
        "MATCH (p:Person) RETURN p.name LIMIT 0",
        "MATCH (m:Movie) WHERE m.year > 2000 AND false RETURN m.title",
    ],
    "empty_result": [
        "MATCH (p:Person {name: 'Nobody Here'}) RETURN p.city",
        "MATCH (p:Person) WHERE p.born > 2020 RETURN p.name",
        "MATCH (p:Person {city: 'Paris'}) RETURN count(p)",
        "MATCH (m:Movie {title: 'Fjord Story 99'})<-[:ACTED_IN]-(p:Person) RETURN collect(p.name)",
        "MATCH (p:Person) WHERE p.name = p.city RETURN p.name",
    ],
    "unstable_result": [
        "MATCH (p:Person) RETURN p.name ORDER BY rand() LIMIT 1",
        "MATCH (p:Person) RETURN p.name, timestamp() AS now",
        "MATCH (p:Person) WHERE rand() < 0.5 RETURN count(p)",
    ],
    "unordered_limit": ["MATCH (p:Person) RETURN p.name LIMIT 1", "MATCH (m:Movie) WITH m LIMIT 3 RETURN m.title"],
    "no_pattern": ["RETURN 42", "UNWIND [1, 2] AS x RETURN x"],
    # Asked for with 'Ada Berg' as the answer that was chosen first.
    "wrong_result": [
        "MATCH (p:Person {name: 'Bo Dahl'}) RETURN p.name",
        "MATCH (p:Person {city: 'Bergen'}) RETURN count(p)",
        "MATCH (s:Studio) RETURN s.name",
        "MATCH (p:Person {name: 'Ada Berg'}) RETURN p.city",
    ],
    "cypher_error": [
        "MATCH (p:Person) RETURN p.name LIMIT many",
        "MATCH (p:Person) WHERE p.name =~ 'A.*' RETURN p.name",
    ],
}
# Good queries, whose names, patterns and directions are harder to read: all of them must pass.
HONEST = [
    "MATCH (m:Movie)<-[:ACTED_IN]-(p:Person) WHERE m.year > 2000 RETURN DISTINCT p.name ORDER BY p.name",
    "MATCH (p:Person)-[:ACTED_IN]->()-[:MADE_BY]->(s) RETURN s.name, count(DISTINCT p) AS n ORDER BY n DESC, s.name",
    "MATCH (p:Person)-[r:KNOWS|ACTED_IN]->(x) RETURN type(r) AS kind, count(x) AS n ORDER BY kind",
    "MATCH (a:Person)--(b:Movie) RETURN count(DISTINCT a)",
    "MATCH (m:Movie)-[:ACTED_IN]-(p:Person {name: 'Ada Berg'}) RETURN m.title",
    "MATCH (p:Person) WHERE (p)-[:ACTED_IN]->(:Movie {genre: 'drama'}) AND p.born < 1970 RETURN count(p)",
    "MATCH (p:Person) OPTIONAL MATCH (p)<-[:KNOWS]-(q:Person) WITH p, count(q) AS n WHERE n > 0 RETURN p.name, n",
    "MATCH (p:Person) WITH collect(p.born) AS years RETURN [y IN years WHERE y > 1985 | y - 1900] AS late",
    "MATCH (`p`:`Person`)-[:`KNOWS`]->(q) WHERE q.name CONTAINS 'delete' OR q.city = 'Oslo' RETURN count(`p`)",
    "MATCH (p:Person) WHERE p.name = 'Ada Berg' RETURN p.name AS found UNION MATCH (m:Movie) RETURN m.title AS found",
    "MATCH (p:Person) RETURN CASE WHEN p.born > 1980 THEN 'young' ELSE 'old' END AS age, count(*) AS n ORDER BY age",
    "MATCH (p:Person)-[:KNOWS*2..3]->(q:Person) RETURN count(DISTINCT q)",
    "MATCH (a:Person)-[:KNOWS]->(b), (b)-[:ACTED_IN]->(m) RETURN a.name, m.title ORDER BY a.name, m.title LIMIT 5",
    "MATCH (p:Person) CALL { WITH p MATCH (p)-[:ACTED_IN]->(m) RETURN max(m.year) AS last } RETURN max(last)",
    "MATCH (m:Movie) WHERE m.score * 2 - 1 > 3 AND NOT m.title ENDS WITH '9' RETURN avg(m.score)",
    "MATCH (p:Person) WHERE p.prize IS NULL AND toUpper(p.city) = 'OSLO' RETURN count(p) // those without",
]


def test_planted_queries_are_refused_with_their_reasons_and_touch_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CORPUSMITH_DATA_DIR", str(tmp_path / "data"))
    forget_process_state()
    nodes, edges = graphs.records()
    graph = Graph.model_validate({"nodes": nodes, "edges": edges})
    image = storage.keep_bytes(graph.model_dump_json().encode())
    whole = describe(graph, "films", "0").model_copy(update={"image": image})
    part = next(parts(whole, graph, random.Random(1), count=1, neighbourhood=4))
    options = Options(query_seconds=TIME_LIMIT, query_rows=1000, result_rows=50)
    work = Work(
        task="text_to_cypher", context=context("x"), options=options.model_dump(), gates={}, language="English",
        seed="0", model=Scripted(), models={},
    )  # fmt: skip
    (tmp_path / "watched").mkdir()
    canary = tmp_path / "watched" / "canary.csv"
    canary.write_text("bird\nfinch\n")
    before = {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in (canary, *_blobs(tmp_path))}
    server = socket.create_server(("127.0.0.1", 0))
    server.settimeout(0.0)
    named = {"canary": canary, "out": canary.with_name("out"), "port": server.getsockname()[1]}

    async def reason_of(cypher: str, reason: str) -> str:
        for name, value in named.items():
            cypher = cypher.replace("{" + name + "}", str(value))
        holds = {"holds": "Ada Berg"} if reason == "wrong_result" else {}
        pair = Pair("reverse", "What is asked here?", cypher, "lookup", (), holds)
        return getattr(await row_of(work, About(part, "", options), pair), "reason", "ran")

    async def all_planted() -> list[tuple[str, str, str]]:
        assert await reason_of("MATCH (p:Person) RETURN p.name ORDER BY p.name LIMIT 1", "wrong_result") == "ran"
        wrong = []
        for reason, queries in PLANTED.items():
            for cypher in queries:
                begun = time.monotonic()
                found = await reason_of(cypher, reason)
                assert time.monotonic() - begun < TIME_LIMIT + 30, cypher  # with the start of another server
                if found != reason:
                    wrong.append((reason, found, cypher))
        wrong += [("ran", found, cypher) for cypher in HONEST if (found := await reason_of(cypher, "ran")) != "ran"]
        everything = await GRAPHS.run(image, "MATCH (n) OPTIONAL MATCH (n)-[r]->() RETURN count(DISTINCT n), count(r)",
                                      limits_of(work.options))  # fmt: skip
        assert everything.rows == [[63, 166]]
        return wrong

    try:
        total = sum(map(len, PLANTED.values()))
        assert total >= 100
        wrong = asyncio.run(all_planted())
        assert wrong == []
        assert before == {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in before}
        assert sorted(path.name for path in canary.parent.iterdir()) == ["canary.csv"]
        with pytest.raises(BlockingIOError):
            server.accept()  # nobody has called
    finally:
        server.close()
        GRAPHS.close()
        forget_process_state()


def _blobs(folder: Path) -> list[Path]:
    return [path for path in (folder / "data").rglob("*") if path.is_file()]
