"""What can be said of a statement before it is run: one query, that only reads, of tables and columns there are."""

import re

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

Schema = dict[str, set[str]]  # table -> its columns, all in lower case

_FILES = {"read_csv", "read_csv_auto", "read_parquet", "read_json", "read_json_auto", "read_text", "read_blob", "glob",
          "parquet_scan", "load_extension", "readfile", "writefile", "sniff_csv", "parquet_metadata", "parquet_schema",
          "sqlite_scan", "postgres_scan", "mysql_scan", "getenv", "pg_read_file", "pg_ls_dir", "lo_import", "lo_export",
          "edit", "fsdir", "lsdir", "zipfile", "read_json_objects", "read_ndjson", "read_ndjson_auto", "iceberg_scan",
          "delta_scan"}  # fmt: skip
# Functions that stand where a table does and read nothing but their arguments.
_TABLE_FUNCTIONS = {"generate_series", "generateseries", "range", "unnest", "json_each", "json_tree"}
_WRITES = (exp.Insert, exp.Update, exp.Delete, exp.Merge, exp.Create, exp.Drop, exp.Alter, exp.TruncateTable,
           exp.Command, exp.Set, exp.Use, exp.Pragma, exp.Transaction, exp.Commit, exp.Rollback, exp.Attach,
           exp.Detach, exp.Grant, exp.Into, exp.Kill, exp.Analyze)  # fmt: skip


# First words of statements that are no queries, by what they would do; parsers know only some of them.
_CHANGING = {"insert", "update", "delete", "replace", "merge", "upsert", "truncate", "create", "drop", "alter",
             "comment", "vacuum", "analyze", "reindex", "pragma", "set", "reset", "use", "call", "checkpoint",
             "force", "install", "load", "uninstall", "begin", "start", "commit", "end", "rollback", "abort",
             "savepoint", "release", "grant", "revoke", "prepare", "execute", "deallocate", "explain", "describe",
             "show", "summarize", "lock", "unlock", "do", "declare", "kill", "optimize", "refresh"}  # fmt: skip
_FILING = {"attach", "detach", "copy", "export", "import"}
_COMMENT = re.compile(r"\A(?:\s+|--[^\n]*(?:\n|\Z)|/\*.*?\*/|\()+", re.S)
_FILE_CALL = re.compile(rf"\b(?:{'|'.join(sorted(_FILES))})\s*\(", re.I)


class Bad(Exception):
    """The statement is not run: (reason, detail)."""


def check(sql: str, dialect: str, schema: Schema) -> exp.Query:
    """The parsed query. Raises Bad."""
    try:
        found = [statement for statement in sqlglot.parse(sql, read=dialect) if statement is not None]
    except (SqlglotError, RecursionError) as error:
        raise _unreadable(sql, str(error).splitlines()[0][:200]) from None
    if len(found) > 1 and re.match(r"create\s+(\w+\s+)?trigger\b", sql, re.I):
        raise Bad("not_read_only", "CREATE TRIGGER is not allowed")
    if len(found) != 1:
        raise Bad("several_statements" if found else "sql_syntax", f"{len(found)} statements instead of one")
    query = found[0]
    if isinstance(query, exp.Copy | exp.LoadData | exp.Attach | exp.Detach):
        raise Bad("file_access", f"{query.key.upper()} is not allowed")
    written = next(query.find_all(*_WRITES), None)
    if written is not None or not isinstance(query, exp.Query):
        what = (written or query).key.upper()
        if not isinstance(query, exp.Query) and what not in {node.__name__.upper() for node in _WRITES}:
            raise _unreadable(sql, f"{what} is not a query")
        raise Bad("not_read_only", f"{what} is not allowed")
    _no_files(query)
    _known_tables(query, schema)
    _known_columns(query, schema)
    return query


def _unreadable(sql: str, detail: str) -> Bad:
    """No query: because it is a statement of another kind, because it calls for a file, or because it is no SQL."""
    words = _COMMENT.sub("", sql).split(None, 1)
    first = words[0].lower() if words else ""
    if first in _CHANGING:
        return Bad("not_read_only", f"{first.upper()} is not allowed")
    if first in _FILING or _FILE_CALL.search(sql):
        return Bad("file_access", f"{detail}; files cannot be reached")
    return Bad("sql_syntax", detail)


def tables_of(query: exp.Query, schema: Schema) -> list[str]:
    """The tables of the database that the query names, sorted."""
    return sorted({table.name.lower() for table in query.find_all(exp.Table)} & set(schema))


def _no_files(query: exp.Query) -> None:
    for call in query.find_all(exp.Func):
        name = (call.name if isinstance(call, exp.Anonymous) else call.sql_name()).lower()
        if name in _FILES:
            raise Bad("file_access", f"{name}() is not allowed")


def _known_tables(query: exp.Query, schema: Schema) -> None:
    named = {cte.alias.lower() for cte in query.find_all(exp.CTE)}
    for table in query.find_all(exp.Table):
        if not isinstance(table.this, exp.Identifier):
            called = table.this
            function = called.name if isinstance(called, exp.Anonymous) else called.key if called else ""
            if (
                isinstance(called, exp.Func)
                and function.lower().replace("generateseries", "range") not in _TABLE_FUNCTIONS
            ):
                raise Bad("unknown_table", f"no such table function: {function}")
            continue
        name = table.name.lower()
        if name in named or (name in schema and not table.catalog):
            continue
        if any(mark in name for mark in ("/", ".", "\\")):
            raise Bad("file_access", f"{table.name} is a file")
        raise Bad("unknown_table", f"no such table: {table.name}")


def _known_columns(query: exp.Query, schema: Schema) -> None:
    """Names that stand nowhere: engines take an unknown name in double quotes for a string and say nothing."""
    known = set().union(*schema.values()) | set(schema)
    known |= {alias.alias.lower() for alias in query.find_all(exp.Alias, exp.TableAlias, exp.Subquery) if alias.alias}
    for alias in query.find_all(exp.TableAlias):
        known |= {column.name.lower() for column in alias.args.get("columns") or ()}
    for column in query.find_all(exp.Column):
        identifier = column.this
        if isinstance(identifier, exp.Identifier) and identifier.quoted and column.name.lower() not in known:
            raise Bad("unknown_column", f"no such column: {column.name}")
