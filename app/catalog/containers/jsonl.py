"""JSON lines."""

from app.catalog.kinds import Container

JSONL = Container(
    summary="JSON lines: one object a line, UTF-8.",
    suffix="jsonl",
    media_type="application/jsonl",
    loads_with="everything; datasets builder `json`, DuckDB `read_json_auto`",
    builder="json",
)
