"""JSON lines, compressed."""

from app.catalog.kinds import Container

JSONL_GZ = Container(
    summary="JSON lines, gzipped: about a fifth of the size.",
    suffix="jsonl.gz",
    media_type="application/gzip",
    loads_with="datasets builder `json`, DuckDB `read_json_auto`, zcat",
    builder="json",
    packed=True,
)
