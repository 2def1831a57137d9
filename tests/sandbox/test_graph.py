"""What the graph sandbox runs, what it refuses and for which reason, and that the graph stays as it was."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from workers.sandbox.graph import CypherRefused, Edge, Graph, GraphLimits, GraphSandbox, Node

FILMS = Graph(
    nodes=(
        *(Node(id=f"p{i}", labels=("Person",), properties={"name": f"O'Neil {i}", "age": i % 60}) for i in range(300)),
        *(Node(id=f"m{i}", labels=("Movie",), properties={"title": f"Film {i}", "year": 1990 + i}) for i in range(30)),
    ),
    edges=(
        *(
            Edge(source=f"p{i}", target=f"m{i % 30}", type="ACTED_IN", properties={"role": f"role {i}"})
            for i in range(300)
        ),
        *(Edge(source=f"p{i}", target=f"p{(i * 3 + 1) % 300}", type="KNOWS") for i in range(300)),
    ),
)
REFUSED = {
    "syntax_error": ["MATCH (a RETURN a", "MATCH (a:Person) RETURN", "", "SELECT * FROM Person"],
    "unknown_label": ["MATCH (a:Actor) RETURN a", "MATCH (a:Person)-->(b:Film) RETURN b"],
    "unknown_type": ["MATCH (a:Person)-[:DIRECTED]->(m) RETURN m", "MATCH (a)-[r:KNOWS|LIKES]->(b) RETURN count(r)"],
    "unknown_property": [
        "MATCH (a:Person) RETURN a.salary",
        "MATCH (a:Person {title: 'x'}) RETURN a",
        "MATCH (a:Person)-[r:ACTED_IN]->() RETURN r.since",
        "MATCH (a:Person) WHERE a.year > 3 RETURN a.name",
    ],
    "write_statement": [
        "CREATE (:Person {name: 'x'})",
        "MATCH (n) DETACH DELETE n",
        "MATCH (n:Person) SET n.age = 1 RETURN n",
        "MERGE (n:Person {name: 'x'}) RETURN n",
        "MATCH (n:Person) REMOVE n.age RETURN n",
    ],
    "several_statements": ["MATCH (a:Person) RETURN a; MATCH (b) RETURN b"],
    "file_access": [
        "LOAD CSV FROM 'file:///etc/passwd' AS row RETURN row",
        "CALL db.labels() YIELD label RETURN label",
        "CALL apoc.load.json('http://127.0.0.1/x') YIELD value RETURN value",
    ],
    "timeout": ["MATCH (a), (b), (c), (d) RETURN count(*)"],
    "out_of_memory": ["UNWIND range(0, 100000000) AS i RETURN collect(i)"],
}


# It sorts without looking at the clock: by itself it runs for more than a minute.
DEAF = "MATCH (n) WITH n ORDER BY rand() MATCH (m) WITH n, m ORDER BY rand() MATCH (x) WITH x ORDER BY rand() RETURN x"


@pytest.fixture(scope="module")
def sandbox() -> Iterator[GraphSandbox]:
    sandbox = GraphSandbox(FILMS, GraphLimits(seconds=6.0, query_bytes=30_000_000))
    yield sandbox
    sandbox.close()


@pytest.mark.parametrize(("reason", "cypher"), [(reason, one) for reason, found in REFUSED.items() for one in found])
def test_each_planted_fault_is_refused_with_its_reason(sandbox: GraphSandbox, reason: str, cypher: str) -> None:
    with pytest.raises(CypherRefused) as refused:
        sandbox.run(cypher)
    assert refused.value.reason == reason


def test_a_query_gives_its_columns_rows_labels_and_types(sandbox: GraphSandbox) -> None:
    result = sandbox.run(
        "MATCH (a:Person)-[r:ACTED_IN]->(m:Movie) WHERE m.title = 'Film 3' RETURN a.name AS who, m ORDER BY who LIMIT 1"
    )
    assert result.columns == ["who", "m"]
    assert result.rows == [
        ["O'Neil 123", {"labels": ["Movie"], "properties": {"title": "Film 3", "year": 1993}}],
    ]
    assert (result.labels, result.types) == (["Movie", "Person"], ["ACTED_IN"])


@pytest.mark.parametrize(
    "cypher",
    [
        "MATCH (a:Person) WHERE a.name = 'delete; create (x)' RETURN a.age",
        "MATCH (a:Person)-[:KNOWS*1..2]->(b:Person) RETURN count(DISTINCT b)",
        "MATCH (`set`:Person) RETURN `set`.name LIMIT 1",
        "MATCH (a:Person) // create nothing\nRETURN avg(a.age)",
        "MATCH (a:Person) OPTIONAL MATCH (a)-[r:ACTED_IN]->(m) RETURN a.name, collect(m.title), r.role LIMIT 3",
        "MATCH (a:Person) WITH a.age AS age, count(*) AS n WHERE n > 2 RETURN age, n ORDER BY n DESC",
    ],
)
def test_honest_queries_run(sandbox: GraphSandbox, cypher: str) -> None:
    sandbox.run(cypher)


def test_the_hash_covers_all_rows_and_no_order_that_was_not_asked_for(sandbox: GraphSandbox) -> None:
    one = sandbox.run("MATCH (a:Person) RETURN a.name")
    same = sandbox.run("MATCH (a:Person) WHERE a.age >= 0 RETURN a.name")
    assert one.row_count == 300
    assert one.sha256 == same.sha256
    assert one.sha256 != sandbox.run("MATCH (a:Person) WHERE a.age > 0 RETURN a.name").sha256


def test_the_graph_is_as_it_was_and_shows_nothing_of_its_loading(sandbox: GraphSandbox) -> None:
    assert sandbox.run("MATCH (n) RETURN count(n)").rows == [[330]]
    assert sandbox.run("MATCH ()-[r]->() RETURN count(r)").rows == [[600]]
    assert sandbox.run("MATCH (n:Person) RETURN n ORDER BY n.name LIMIT 1").rows == [
        [{"labels": ["Person"], "properties": {"name": "O'Neil 0", "age": 0}}]
    ]


def test_the_server_has_a_network_of_its_own_and_is_replaced_when_killed(sandbox: GraphSandbox) -> None:
    sandbox.run("MATCH (n) RETURN count(n)")
    process = sandbox._process
    assert process is not None
    assert Path(f"/proc/{process.pid}/ns/net").readlink() != Path("/proc/self/ns/net").readlink()
    process.kill()
    process.wait()
    assert sandbox.run("MATCH (n) RETURN count(n)").rows == [[330]]


def test_a_runaway_ends_though_the_database_would_go_on() -> None:
    sandbox = GraphSandbox(FILMS, GraphLimits(seconds=0.5))
    begun = time.monotonic()
    with pytest.raises(CypherRefused, match="timeout"):
        sandbox.run(DEAF)
    assert time.monotonic() - begun < 20  # by itself it ran for more than a minute
    assert sandbox.run("MATCH (n) RETURN count(n)").rows == [[330]]
    sandbox.close()
