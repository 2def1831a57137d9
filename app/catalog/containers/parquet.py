"""Apache Parquet."""

from app.catalog.kinds import Container, Extra

PARQUET = Container(
    summary="Apache Parquet: typed columns, Zstandard, row groups of some thousand rows.",
    suffix="parquet",
    media_type="application/vnd.apache.parquet",
    loads_with="datasets builder `parquet`, pyarrow, pandas, Polars, DuckDB, the Hub's viewer",
    builder="parquet",
    packed=True,
    extra=Extra(name="parquet", module="pyarrow"),
)
