"""Parquet: one schema for all rows, found before the first is written; row groups of a bounded size, so is memory.

Members that may have any keys, and places where rows disagree about the type, are JSON: text with Parquet's JSON type,
which `datasets` and DuckDB read back as objects. Nothing in the files tells when they were written.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from app.storage import Storage
from workers.containers.columns import Seen
from workers.containers.spool import File, Part, Sink, Spool, stored

GROUP_ROWS = 8192
GROUP_BYTES = 16 * 1024 * 1024  # of JSON


def write(spool: Spool, store: Storage, options: dict[str, Any]) -> dict[str, File]:
    columns = spool.columns
    schema = pa.schema([(name, arrow_type(seen)) for name, seen in columns.items()])
    rows = {"data": spool.rows, "train": spool.train.rows, "validation": spool.validation.rows}
    with ExitStack() as stack:
        uploads = {name: stack.enter_context(store.upload()) for name in rows}
        with ExitStack() as writing:
            files = {
                name: writing.enter_context(pq.ParquetWriter(Sink(upload), schema, compression="zstd"))
                for name, upload in uploads.items()
            }
            for name, part in (("train", spool.train), ("validation", spool.validation)):
                for group in _groups(part):
                    batch = _batch(group, columns, schema)
                    files["data"].write_batch(batch, row_group_size=GROUP_ROWS)
                    files[name].write_batch(batch, row_group_size=GROUP_ROWS)
        blobs = store.keep_many(list(uploads.values()))
        return {
            name: stored(blob, uploads[name], count) for (name, count), blob in zip(rows.items(), blobs, strict=True)
        }


def _groups(part: Part) -> Iterator[list[dict[str, Any]]]:
    group: list[dict[str, Any]] = []
    size = 0
    for line in part.lines():
        group.append(orjson.loads(line))
        size += len(line)
        if len(group) == GROUP_ROWS or size >= GROUP_BYTES:
            yield group
            group, size = [], 0
    if group:
        yield group


def _batch(group: list[dict[str, Any]], columns: dict[str, Seen], schema: pa.Schema) -> pa.RecordBatch:
    arrays = []
    for field, (name, seen) in zip(schema, columns.items(), strict=True):
        values = [row.get(name) for row in group]
        if seen.plain:
            arrays.append(pa.array(values, field.type))
        else:  # pyarrow makes no nested extension types of Python values, but sees them in text
            fit = _fitter(seen)
            texts = [fit(value) for value in values]
            arrays.append(pa.array(texts, arrow_type(seen, pa.string())).view(field.type))
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def arrow_type(seen: Seen, json: pa.DataType | None = None) -> pa.DataType:
    """The Arrow type of a place; `json` is that of JSON text. A place where nothing stood ever is text."""
    kind = seen.kind
    if kind == "json":
        return json or pa.json_()
    if kind == "list":
        return pa.list_(arrow_type(seen.items or Seen(), json))
    if kind == "object":
        return pa.struct([(name, arrow_type(member, json)) for name, member in seen.members.items()])
    return _PLAIN[kind]


_PLAIN = {"null": pa.string(), "bool": pa.bool_(), "int": pa.int64(), "float": pa.float64(), "text": pa.string()}


def _fitter(seen: Seen) -> Callable[[Any], Any]:
    """A function that puts JSON text where the type is JSON, and leaves null alone."""
    kind = seen.kind
    if kind == "json":
        return lambda value: None if value is None else orjson.dumps(value).decode()
    if kind == "list" and seen.items:
        fit = _fitter(seen.items)
        return lambda value: None if value is None else [fit(item) for item in value]
    if kind == "object":
        fits = {name: _fitter(member) for name, member in seen.members.items()}
        return lambda value: None if value is None else {name: fits[name](member) for name, member in value.items()}
    return lambda value: value
