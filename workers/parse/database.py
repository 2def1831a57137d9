"""Database files: of SQLite the statements that made its tables, of DuckDB no more than that it is one.

Their rows are read by the tasks that need them, where a database can be built behind walls.
"""

import sqlite3

from app.domain import Parsed
from workers.parse.failure import ParseFailed

_LONGEST = 1_000_000


def read(data: bytes) -> Parsed:
    """Raises ParseFailed when it is neither, or damaged."""
    if data[8:12] == b"DUCK":
        return Parsed(text="A DuckDB database.", media_type="application/vnd.duckdb")
    if not data.startswith(b"SQLite format 3\0"):
        raise ParseFailed("unsupported_type", "The file is neither a SQLite nor a DuckDB database.")
    connection = sqlite3.connect(":memory:", isolation_level=None)
    try:
        connection.deserialize(data)
        connection.execute("PRAGMA query_only = 1")
        rows = connection.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY rowid").fetchall()
    except sqlite3.Error as error:
        raise ParseFailed("corrupt", f"The database is damaged: {error}.") from error
    finally:
        connection.close()
    text = ";\n\n".join(str(sql) for (sql,) in rows)[:_LONGEST]
    return Parsed(text=text or "A SQLite database without tables.", media_type="application/vnd.sqlite3")
