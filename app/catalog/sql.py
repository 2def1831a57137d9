"""Words of text-to-SQL that options, planner and recipe share: levels, dialects, and the two ways rows are made."""

from typing import Literal, get_args

Level = Literal["easy", "medium", "hard", "extra"]
Way = Literal["model", "template"]
Dialect = Literal[
    "sqlite", "duckdb", "postgres", "mysql", "bigquery", "snowflake", "redshift", "databricks", "spark", "trino",
    "clickhouse", "tsql", "oracle",
]  # fmt: skip
DumpDialect = Literal["sqlite", "postgres", "mysql", "duckdb", "tsql", "oracle", "snowflake", "bigquery"]

LEVEL_NAMES: tuple[Level, ...] = get_args(Level)
WAYS: tuple[Way, ...] = get_args(Way)

# What the model is told of each level.
LEVELS: dict[Level, str] = {
    "easy": "easy: one table; a condition, an order, or one aggregate",
    "medium": "of medium difficulty: a join of two tables, or GROUP BY with an aggregate, perhaps the top few",
    "hard": "hard: a subquery, HAVING, a set operation (UNION, EXCEPT, INTERSECT), or several joins with grouping",
    "extra": "very hard: a window function, a common table expression, or a subquery over a grouped result",
}
TITLES: dict[Dialect, str] = {
    "sqlite": "SQLite", "duckdb": "DuckDB", "postgres": "PostgreSQL", "mysql": "MySQL", "bigquery": "BigQuery",
    "snowflake": "Snowflake", "redshift": "Redshift", "databricks": "Databricks", "spark": "Spark", "trino": "Trino",
    "clickhouse": "ClickHouse", "tsql": "T-SQL", "oracle": "Oracle",
}  # fmt: skip
