"""Build one graph of files that users uploaded: read behind walls, and scripts executed in a database of their own."""

import re
import shutil
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from pydantic import ValidationError

from workers.sandbox.graph import CypherRefused, Graph, GraphLimits, GraphSandbox
from workers.sandbox.warm import Lost, Warm

MOST_NODES, MOST_EDGES = 100_000, 300_000
_STRINGS = re.compile(r"'(?:\\.|[^'\\])*'|\"(?:\\.|[^\"\\])*\"|`[^`]*`", re.S)
_TAKEN = re.compile(r"(?:CREATE|MERGE|MATCH|UNWIND|WITH)\b", re.I)
_MAKES = re.compile(r"\b(?:CREATE|MERGE)\b", re.I)
_REFUSED = re.compile(r"\bload\s+csv\b|\bcall\b|^create\s+(?:\w+\s+)*(?:index|constraint)\b", re.I)
_WORDS = {
    "timeout": "reading it takes longer than is allowed",
    "out_of_memory": "reading it needs more memory than is allowed",
}


class BadGraph(Exception):
    """No graph comes of these files. `faults`: file -> a sentence that says why."""

    def __init__(self, faults: dict[str, str]) -> None:
        super().__init__("; ".join(f"{name}: {fault}" for name, fault in faults.items()))
        self.faults = faults


class Built(NamedTuple):
    """`left_out`: what of the files is not in the graph (indexes, statements that make nothing)."""

    graph: Graph
    left_out: list[str]


def build(files: Sequence[tuple[str, Path]], *, cpu_seconds: float = 30.0, memory_bytes: int = 1024**3) -> Built:
    """`files`: (what its owner calls it, where it lies). Raises BadGraph, which names the file at fault."""
    names = ", ".join(name for name, _ in files)
    reply = _read(files, cpu_seconds, memory_bytes)
    if "refused" in reply:
        raise BadGraph({names: _WORDS.get(reply["refused"], reply["detail"])})
    if "faults" in reply:
        raise BadGraph(reply["faults"])
    try:
        graph = Graph(nodes=reply["nodes"], edges=reply["edges"])
    except ValidationError as error:
        raise BadGraph({names: str(error.errors()[0]["msg"])}) from None
    left_out: list[str] = []
    if reply["statements"]:
        graph, left_out = _executed(graph, reply["statements"])
    _check(graph, names)
    return Built(graph, left_out)


def _read(files: Sequence[tuple[str, Path]], cpu_seconds: float, memory_bytes: int) -> Any:
    with TemporaryDirectory(prefix="corpusmith-graph-") as folder:
        nothing = Path(folder) / "nothing"
        nothing.touch()
        placed = []
        for at, (name, path) in enumerate(files):
            shutil.copyfile(path, Path(folder) / str(at))
            placed.append((name, str(Path(folder) / str(at))))
        warm = Warm("workers.sandbox.graph_child", {}, nothing, readable=[Path(folder)])
        try:
            return warm.ask({"files": placed, "seconds": cpu_seconds, "memory_bytes": memory_bytes})
        except Lost:
            return {"refused": "crash", "detail": "reading it crashed"}
        finally:
            warm.close()


def _executed(graph: Graph, statements: Sequence[tuple[str, str]]) -> tuple[Graph, list[str]]:
    taken, left_out = [], []
    for name, statement in statements:
        bare = _STRINGS.sub("''", statement)  # a film may be called `Call me`
        if _TAKEN.match(bare) and _MAKES.search(bare) and not _REFUSED.search(bare):
            taken.append((name, statement))
        else:
            left_out.append(f"{name}: {' '.join(statement.split())[:80]}")
    sandbox = GraphSandbox(graph, GraphLimits(seconds=30.0))
    try:
        for number, (name, statement) in enumerate(taken, start=1):
            try:
                sandbox.write(statement)
            except CypherRefused as refused:
                said = " ".join(statement.split())[:60]
                raise BadGraph({name: f"statement {number} ({said}...): {refused.detail}"}) from None
        nodes, edges = sandbox.everything()
    finally:
        sandbox.close()
    return Graph(nodes=tuple(nodes), edges=tuple(edges)), left_out


def _check(graph: Graph, names: str) -> None:
    if not graph.nodes:
        raise BadGraph({names: "it holds no node"})
    if len(graph.nodes) > MOST_NODES or len(graph.edges) > MOST_EDGES:
        raise BadGraph({names: f"it has more than {MOST_NODES:,} nodes or {MOST_EDGES:,} relationships"})
    known = {node.id for node in graph.nodes}
    if len(known) < len(graph.nodes):
        raise BadGraph({names: "two of its nodes have the same id"})
    for at, edge in enumerate(graph.edges, start=1):
        for end in (edge.source, edge.target):
            if end not in known:
                raise BadGraph({names: f"relationship {at} ({edge.type}) leads to a node that is not there: {end}"})
