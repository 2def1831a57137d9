"""Execute one SQL statement against a database of a user, read-only, and say precisely why not."""

from pathlib import Path
from typing import Any, Literal

from app.domain import Record
from workers.sandbox.warm import Warm

Engine = Literal["sqlite", "duckdb"]
ENGINE_OF: dict[str, Engine] = {"sqlite": "sqlite"}  # every other dialect is rewritten for DuckDB


class Limits(Record):
    """What one query may use, and how much of its result is kept."""

    seconds: float = 2.0
    memory_bytes: int = 256 * 1024**2
    rows_kept: int = 50
    rows_most: int = 100_000


class Result(Record):
    """What a query gave: its first rows, how many there were, and a hash of all of them.

    `sha256` covers the rows as canonical JSON, floats rounded to nine significant digits, in the query's order if it
    states one, else sorted: two queries that mean the same have the same hash.
    """

    columns: list[str]
    rows: list[list[Any]]
    row_count: int
    sha256: str
    tables: list[str]


class SqlRefused(Exception):
    """The statement was not run, or not to its end. `reason`: syntax_error, several_statements, write_statement,
    unknown_table, unknown_column, file_access, timeout, out_of_memory, too_many_rows or execution_error."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason, self.detail = reason, detail


class SqlSandbox:
    """A walled-in copy of the SQLite database at `path`. `dialect` is sqlglot's name of the SQL that is asked of it."""

    def __init__(self, path: Path, dialect: str = "sqlite") -> None:
        self.dialect, self.engine = dialect, ENGINE_OF.get(dialect, "duckdb")
        self._warm = Warm("workers.sandbox.sql_child", {"dialect": dialect, "engine": self.engine}, path)

    def run(self, sql: str, limits: Limits | None = None) -> Result:
        """Raises SqlRefused, or workers.sandbox.warm.Lost if the database cannot be loaded."""
        limits = limits or Limits()
        reply = self._warm.ask({"sql": sql, **limits.model_dump()})
        if "refused" in reply:
            raise SqlRefused(reply["refused"], reply["detail"])
        return Result.model_validate(reply)

    def close(self) -> None:
        self._warm.close()
