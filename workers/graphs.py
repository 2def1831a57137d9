"""From uploaded property graphs to contexts: each is the schema of one graph and the surroundings of one of its nodes.

A graph is what lies in one folder of the corpus: tables or records of nodes and relationships, and Cypher that creates
them. It is read once, behind walls; the whole graph is kept in the store, and a chunk holds a part of it as JSON.
"""

import random
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import zip_longest
from pathlib import PurePath

import structlog

from app import storage
from app.models import Dataset, Document
from app.settings import settings
from workers.contexts import first_units
from workers.databases import store
from workers.grouping import Group
from workers.layout import FALLBACK_LANGUAGE, Layout, Unusable
from workers.sandbox.graph import Graph
from workers.sandbox.graph_build import BadGraph, build
from workers.sandbox.graph_parts import describe, parts
from workers.sandbox.graph_schema import GraphPart

log = structlog.get_logger()

RECIPE = "graph@1"
KINDS = (".csv", ".tsv", ".json", ".jsonl", ".ndjson", ".cypher", ".cql")
TOGETHER = "main"  # files that lie in no folder
ROUNDS = 12  # parts that begin with each label, where no number of rows is given
MOST_CONTEXTS = 5000


def plan(dataset: Dataset, documents: list[Document], lost: threading.Event) -> Layout:
    """Contexts of all graphs in turn. Raises Unusable when none can be used."""
    planned = Layout()
    graphs: dict[str, list[Document]] = {}
    for document in sorted(documents, key=lambda document: document.name):
        path = PurePath(document.name)
        if path.suffix.lower() not in KINDS:
            planned.left_out.append(f"{document.name}: it is no file of a graph ({', '.join(KINDS)})")
            continue
        folder = path.parent.as_posix()
        graphs.setdefault(TOGETHER if folder == "." else folder, []).append(document)
    built: list[tuple[Document, GraphPart, Graph]] = []
    for name, members in graphs.items():
        try:
            whole, graph, left_out = _build(dataset, name, members)
        except BadGraph as bad:
            planned.left_out += [f"{file}: {fault}" for file, fault in bad.faults.items()]
            continue
        planned.left_out += [f"{name}: left out: {found}" for found in left_out]
        built.append((members[0], whole, graph))
    if not built:
        said = planned.left_out or ["no document is a graph (.csv, .json, .jsonl or .cypher)"]
        raise Unusable("bad_graph", "; ".join(said)[:1000])
    drawn = [
        [(document, part) for part in _parts(dataset, whole, graph, len(built))] for document, whole, graph in built
    ]
    order = [
        (document, part.graph, part.model_dump_json())
        for turn in zip_longest(*drawn)
        for document, part in filter(None, turn)
    ]
    ids = store(order, RECIPE)
    planned.groups = [Group(chunk_ids=(chunk_id,), quality=1.0, seed=chunk_id) for chunk_id in dict.fromkeys(ids)]
    planned.languages = dict.fromkeys(ids, FALLBACK_LANGUAGE)
    planned.counts = {"chunks": len(planned.groups), "graphs": len(built)}
    return planned


def _build(dataset: Dataset, name: str, members: list[Document]) -> tuple[GraphPart, Graph, list[str]]:
    """The whole schema of one graph, which is in the store, and the graph."""
    with ExitStack() as stack:
        files = [(found.name, stack.enter_context(storage.storage().local(found.sha256))) for found in members]
        built = build(files, cpu_seconds=settings().parse_cpu_seconds, memory_bytes=settings().parse_memory_bytes)
    image = storage.keep_bytes(built.graph.model_dump_json().encode())
    log.info("graph.built", dataset_id=dataset.id, nodes=len(built.graph.nodes), edges=len(built.graph.edges))
    whole = describe(built.graph, name, str(dataset.spec["seed"]))
    return whole.model_copy(update={"image": image}), built.graph, built.left_out


def _parts(dataset: Dataset, whole: GraphPart, graph: Graph, graphs: int) -> Iterator[GraphPart]:
    wanted = first_units(dataset)
    count = ROUNDS * len(whole.labels) if wanted is None else -(-wanted // graphs)
    return parts(
        whole,
        graph,
        random.Random(f"{dataset.spec['seed']}|parts|{whole.graph}"),
        count=min(count, MOST_CONTEXTS // graphs),
        neighbourhood=dataset.spec["options"]["neighbourhood"],
    )
