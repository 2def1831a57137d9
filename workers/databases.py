"""From uploaded databases to contexts: each is a part of one schema, a few tables that belong together and some others.

A database is what lies in one folder of the corpus (SQL dumps and CSVs together), or one SQLite or DuckDB file. It is
read once, behind walls, into a plain SQLite file that is kept in the store; a chunk holds a part of the schema as JSON.
"""

import hashlib
import random
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import zip_longest
from pathlib import PurePath
from typing import Any

import structlog
from sqlalchemy import insert, select

from app import storage
from app.db import reading, transaction
from app.models import Chunk, Dataset, Document
from app.settings import settings
from workers.contexts import first_units
from workers.grouping import Group
from workers.layout import FALLBACK_LANGUAGE, Layout, Unusable
from workers.sandbox.database import BadDatabase, Builder
from workers.sandbox.parts import parts
from workers.sandbox.schema import Schema

log = structlog.get_logger()

RECIPE = "database@1"
FILES, TEXTS = (".sqlite", ".sqlite3", ".db", ".duckdb", ".ddb"), (".sql", ".csv", ".tsv")
TOGETHER = "main"  # CSVs that lie in no folder
ROUNDS = 4  # parts that begin with each table, where no number of rows is given
MOST_CONTEXTS = 5000


def plan(dataset: Dataset, documents: list[Document], lost: threading.Event) -> Layout:
    """Contexts of all databases in turn. Raises Unusable when none can be used."""
    planned = Layout()
    databases, left_out = grouped(documents)
    planned.left_out += left_out
    built = []
    with Builder() as builder:
        for name, members in databases.items():
            if lost.is_set():
                break  # another worker plans it now
            try:
                schema, more = _build(builder, dataset, name, members)
            except BadDatabase as bad:
                planned.left_out += [f"{file}: {fault}" for file, fault in bad.faults.items()]
                continue
            planned.left_out += [f"{name}: left out: {found}" for found in more]
            built.append((members[0], schema))
    if not built:
        said = planned.left_out or ["no document is a database (.sqlite, .duckdb, .sql or .csv)"]
        raise Unusable("bad_database", "; ".join(said)[:1000])
    drawn = [[(document, part) for part in _parts(dataset, schema, len(built))] for document, schema in built]
    order = [found for turn in zip_longest(*drawn) for found in turn if found is not None]
    if not order:
        raise Unusable("bad_database", "no database has a table with rows")
    ids = store([(document, part.database, part.model_dump_json()) for document, part in order], RECIPE)
    planned.groups = [Group(chunk_ids=(chunk_id,), quality=1.0, seed=chunk_id) for chunk_id in dict.fromkeys(ids)]
    planned.languages = dict.fromkeys(ids, FALLBACK_LANGUAGE)
    planned.counts = {"chunks": len(planned.groups), "databases": len(built)}
    return planned


def grouped(documents: list[Document]) -> tuple[dict[str, list[Document]], list[str]]:
    """Database name -> its files, in the order of names; and what is no file of a database."""
    databases: dict[str, list[Document]] = {}
    left_out = []
    for document in sorted(documents, key=lambda document: document.name):
        path = PurePath(document.name)
        kind, folder = path.suffix.lower(), path.parent.as_posix()
        if kind in FILES:
            name = path.with_suffix("").as_posix()
        elif kind not in TEXTS:
            left_out.append(f"{document.name}: it is no file of a database ({', '.join((*FILES, *TEXTS))})")
            continue
        elif folder != ".":
            name = folder
        else:
            name = path.name.split(".")[0] if kind == ".sql" else TOGETHER
        databases.setdefault(name, []).append(document)
    return databases, left_out


def _build(builder: Builder, dataset: Dataset, name: str, members: list[Document]) -> tuple[Schema, list[str]]:
    """The whole schema of one database, with its image in the store."""
    with ExitStack() as stack:
        files = [(found.name, stack.enter_context(storage.storage().local(found.sha256))) for found in members]
        built = builder.build(
            name,
            files,
            dialect=dataset.spec["options"].get("dump_dialect"),
            seed=str(dataset.spec["seed"]),
            cpu_seconds=settings().parse_cpu_seconds,
            memory_bytes=settings().parse_memory_bytes,
        )
    image = storage.keep_bytes(built.image)
    log.info("database.built", dataset_id=dataset.id, tables=len(built.schema.tables), bytes=len(built.image))
    return built.schema.model_copy(update={"image": image}), built.left_out


def _parts(dataset: Dataset, schema: Schema, databases: int) -> Iterator[Schema]:
    options = dataset.spec["options"]
    wanted = first_units(dataset)
    count = ROUNDS * len(schema.tables) if wanted is None else -(-wanted // databases)
    return parts(
        schema,
        random.Random(f"{dataset.spec['seed']}|parts|{schema.database}"),
        count=min(count, MOST_CONTEXTS // databases),
        tables=options["tables_per_context"],
        distractors=options["distractors"],
    )


def store(order: list[tuple[Document, str, str]], recipe: str) -> list[str]:
    """The ids of the parts' chunks, stored in one transaction unless they are there.

    A part is the first document it comes of, the name of its database or graph, and its text.
    """
    rows: dict[str, dict[str, Any]] = {}
    ids = []
    for document, section, text in order:
        sha256 = hashlib.sha256(text.encode()).hexdigest()
        chunk_id = f"chk_{hashlib.sha256(f'{document.id}|{recipe}|{sha256}'.encode()).hexdigest()[:26]}"
        ids.append(chunk_id)
        rows[chunk_id] = {
            "id": chunk_id,
            "tenant_id": document.tenant_id,
            "document_id": document.id,
            "recipe": f"{recipe}:{sha256[:32]}",
            "position": 0,
            "start": 0,
            "end": 0,
            "section": section,
            "page_starts": [],
            "sha256": sha256,
            "text": text,
        }
    documents = {row["document_id"] for row in rows.values()}
    mine = select(Chunk.id).where(Chunk.document_id.in_(documents), Chunk.recipe.startswith(recipe))
    with reading() as session:
        stored = set(session.scalars(mine))
    if rows.keys() - stored:
        with transaction() as session:
            stored = set(session.scalars(mine))  # another plan may have been as far meanwhile
            if missing := [row for chunk_id, row in rows.items() if chunk_id not in stored]:
                session.execute(insert(Chunk), missing)
    return ids
