"""Comma-separated values."""

from app.catalog.kinds import Container

CSV = Container(
    summary="Comma-separated values with a header (RFC 4180, UTF-8); what is not plain text is JSON in its cell.",
    suffix="csv",
    media_type="text/csv",
    loads_with="datasets builder `csv`, pandas, DuckDB; spreadsheets with `spreadsheet_safe`",
    builder="csv",
    options=frozenset({"spreadsheet_safe"}),
)
