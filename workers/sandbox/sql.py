"""Execute one SQL statement against a database of a user, read-only, and say precisely why not."""

from typing import Any, Literal

from app.domain import Record
from workers.sandbox.warm import File, Warm

Engine = Literal["sqlite", "duckdb"]


def engine_of(dialect: str) -> Engine:
    """SQLite runs its own SQL; every other dialect is rewritten for DuckDB."""
    return "sqlite" if dialect == "sqlite" else "duckdb"


class Limits(Record):
    """What one query may use (`seconds` of processor time), and how much of its result is kept."""

    seconds: float = 2.0
    memory_bytes: int = 256 * 1024**2
    rows_kept: int = 50
    rows_most: int = 100_000


class Result(Record):
    """What a query gave: its first rows, how many there were, and a hash of all of them.

    `sha256` covers the rows as canonical JSON, floats rounded to nine significant digits, in the query's order if it
    states one, else sorted: two queries that mean the same have the same hash. `loose_sha256` covers them in any order
    of rows and columns. `executed` is what the engine ran, `written` the same query in the dialect that was wanted.
    """

    columns: list[str]
    rows: list[list[Any]]
    row_count: int
    sha256: str
    loose_sha256: str
    tables: list[str]
    executed: str
    written: str
    level: Literal["easy", "medium", "hard", "extra"]


class SqlRefused(Exception):
    """The statement was not run, not to its end, or what it gave is of no use.

    `reason`: sql_syntax, several_statements, not_read_only, unknown_table, unknown_column, file_access, runaway,
    too_much_memory, too_many_rows or sql_error. Of a statement that was to be examined also empty_result, always_empty,
    tied_limit or unstable_result; of one that was to be rewritten not_rewritable or wrong_result, which it also is when
    its result is not the expected one.
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason, self.detail = reason, detail


_REASONS = {"timeout": "runaway", "out_of_memory": "too_much_memory", "execution_error": "sql_error"}


class SqlSandbox:
    """A walled-in copy of the SQLite database in `file`. `dialect` is sqlglot's name of the SQL that is asked of it."""

    def __init__(self, file: File, dialect: str = "sqlite") -> None:
        self.dialect, self.engine = dialect, engine_of(dialect)
        self._warm = Warm("workers.sandbox.sql_child", {"engine": self.engine}, file)

    def run(
        self,
        sql: str,
        limits: Limits | None = None,
        *,
        dialect: str | None = None,
        write: str | None = None,
        examine: bool = False,
        expected: str | None = None,
    ) -> Result:
        """Run a statement of `dialect` (else the sandbox's own). Raises SqlRefused.

        `write`: a dialect to rewrite it in; rewritten and read back it must give the same result. `examine`: refuse
        a result with nothing in it, and calls that give another value each time. `expected`: the `sha256` that its
        result must have. Raises workers.sandbox.warm.Lost
        if the database cannot be loaded.
        """
        limits = limits or Limits()
        asked = {
            "sql": sql,
            "dialect": dialect or self.dialect,
            "write": write,
            "examine": examine,
            "expected": expected,
        }
        reply = self._warm.ask(asked | limits.model_dump())
        if "refused" in reply:
            raise SqlRefused(_REASONS.get(reply["refused"], reply["refused"]), reply["detail"])
        return Result.model_validate(reply)

    def close(self) -> None:
        self._warm.close()
