"""Run a SQL dump of any dialect into SQLite: its tables, keys and rows, and nothing else that stands in it."""

import re
import sqlite3
from collections.abc import Iterator

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from workers.sandbox.schema import Key, quoted

DIALECTS = ("postgres", "mysql", "duckdb", "tsql", "sqlite", "oracle", "snowflake", "bigquery")
_TAKEN = re.compile(r"(?:CREATE\s+(?:\w+\s+){0,3}?TABLE|INSERT|REPLACE\s+INTO)\b", re.I)
_ALTER = re.compile(r"ALTER\s+TABLE\b", re.I)
_COPY = re.compile(r"COPY\s+(?P<table>[^\s(]+)\s*(?P<columns>\([^)]*\))?\s+FROM\s+stdin\b", re.I)
_COMMENTS = re.compile(r"\A(?:\s+|--[^\n]*(?:\n|\Z)|#[^\n]*(?:\n|\Z)|/\*.*?\*/)+", re.S)
_ESCAPES = {"\\N": None, "\\t": "\t", "\\n": "\n", "\\r": "\r", "\\\\": "\\"}
_ALLOWED = {
    sqlite3.SQLITE_CREATE_TABLE, sqlite3.SQLITE_CREATE_INDEX, sqlite3.SQLITE_INSERT, sqlite3.SQLITE_UPDATE,
    sqlite3.SQLITE_DELETE, sqlite3.SQLITE_READ, sqlite3.SQLITE_SELECT, sqlite3.SQLITE_ALTER_TABLE,
    sqlite3.SQLITE_REINDEX, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_TRANSACTION,
}  # fmt: skip


class Fault(Exception):
    """The file cannot be used: a sentence that says where and why."""


class Dump:
    """Takes the statements of one file after another into `connection`.

    `keys` and `primary` are those that ALTER TABLE added.
    """

    def __init__(self, connection: sqlite3.Connection, dialect: str | None) -> None:
        self.connection, self.dialects = connection, [dialect] if dialect else [*DIALECTS]
        self.natively = dialect in (None, "sqlite")
        self.keys: dict[str, list[Key]] = {}
        self.primary: dict[str, tuple[str, ...]] = {}

    def run(self, text: str) -> int:
        """Execute what makes tables and rows; returns how many other statements there were. Raises Fault."""
        skipped = 0
        for number, (statement, data) in enumerate(statements(text), start=1):
            self.connection.set_authorizer(_only_tables)
            try:
                if found := _COPY.match(statement):
                    self._copy(found["table"], found["columns"] or "", data)
                elif _TAKEN.match(statement):
                    self._take(statement)
                elif not (_ALTER.match(statement) and self._altered(statement)):
                    skipped += 1
            except (sqlite3.Error, SqlglotError, ValueError, RecursionError) as error:
                said = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
                raise Fault(f"statement {number} ({' '.join(statement.split())[:60]}...): {said}") from None
            finally:
                self.connection.set_authorizer(None)
        return skipped

    def _take(self, statement: str) -> None:
        """As it stands if SQLite takes it, else rewritten from the first dialect that gives something SQLite takes."""
        first: Exception | None = None
        if self.natively:
            try:
                self.connection.execute(statement)
                return
            except (sqlite3.OperationalError, sqlite3.DatabaseError, sqlite3.ProgrammingError) as error:
                if isinstance(error, sqlite3.IntegrityError):
                    raise
                first = error
        for dialect in self.dialects:
            try:
                self._rewritten(statement, dialect)
            except sqlite3.IntegrityError:
                raise
            except (sqlite3.Error, SqlglotError, ValueError) as error:
                first = first or error
                continue
            self.dialects.remove(dialect)
            self.dialects.insert(0, dialect)  # the next one is probably of the same
            return
        raise first or ValueError("it is of no dialect that is read")

    def _rewritten(self, statement: str, dialect: str) -> None:
        tree = sqlglot.parse_one(statement, read=dialect)
        if not isinstance(tree, exp.Create | exp.Insert):
            raise ValueError(f"{tree.key.upper()} makes no table and no row")
        for table in tree.find_all(exp.Table):
            table.set("db", None)
            table.set("catalog", None)
        for properties in list(tree.find_all(exp.Properties)):
            properties.pop()
        for constraint in list(tree.find_all(exp.ColumnConstraint)):
            if not isinstance(constraint.kind, exp.PrimaryKeyColumnConstraint | exp.Reference):
                constraint.pop()  # defaults, checks and counters: the rows are there already
        for index in list(tree.find_all(exp.IndexColumnConstraint, exp.CheckColumnConstraint)):
            index.pop()
        for kind in list(tree.find_all(exp.DataType)):
            # As it is declared: SQLite would be given TEXT or INTEGER for most of them.
            kind.replace(exp.DataType(this=exp.DataType.Type.USERDEFINED, kind=kind.sql(dialect="duckdb")))
        self.connection.execute(tree.sql(dialect="sqlite"))

    def _altered(self, statement: str) -> bool:
        """Take the column that it adds, or the keys; False if it does neither, or what it does is of no interest."""
        try:
            self.connection.execute(statement)
            return True
        except sqlite3.Error:
            pass  # a constraint, which SQLite cannot add
        for dialect in self.dialects:
            try:
                tree = sqlglot.parse_one(statement, read=dialect)
            except SqlglotError:
                continue
            if isinstance(tree, exp.Alter) and self._keys_of(tree):
                return True
        return False

    def _keys_of(self, tree: exp.Alter) -> bool:
        table, found = tree.this.name.lower(), False
        for primary in tree.find_all(exp.PrimaryKey):
            self.primary[table] = tuple(column.name for column in primary.expressions)
            found = True
        for foreign in tree.find_all(exp.ForeignKey):
            reference = foreign.args.get("reference")
            target = reference.find(exp.Table) if reference else None
            if reference is None or target is None:
                continue
            columns = tuple(column.name for column in foreign.expressions)
            referred = reference.this.expressions if isinstance(reference.this, exp.Schema) else []
            key = Key(columns=columns, table=target.name, references=tuple(one.name for one in referred))
            self.keys.setdefault(table, []).append(key)
            found = True
        return found

    def _copy(self, table: str, columns: str, data: str) -> None:
        """The tab-separated rows of PostgreSQL's COPY ... FROM stdin."""
        name = quoted(table.split(".")[-1].strip('"'))
        rows = [[_unescaped(cell) for cell in line.split("\t")] for line in data.split("\n") if line]
        if rows:
            marks = ", ".join("?" * len(rows[0]))
            self.connection.executemany(f"INSERT INTO {name} {columns} VALUES ({marks})", rows)


def statements(text: str) -> Iterator[tuple[str, str]]:
    """(statement, the data lines that follow a COPY ... FROM stdin), comments before it left out."""
    backslashes = "`" in text or re.search(r"ENGINE\s*=", text, re.I) is not None
    text = text.lstrip("\ufeff").replace("\r\n", "\n")
    single = r"'(?:[^'\\]|''|\\.)*'" if backslashes else r"'(?:[^']|'')*'"
    piece = re.compile(
        single + r'|"(?:[^"]|"")*"|`[^`]*`|--[^\n]*|/\*.*?\*/|\$(\w*)\$.*?\$\1\$|[^\'"`\-/$;]+|(;)|.', re.S
    )
    start = at = 0
    while at < len(text):
        found = piece.match(text, at)
        assert found is not None  # the last choice takes any character
        at = found.end()
        if found[2] or at >= len(text):
            statement = _COMMENTS.sub("", text[start:at]).rstrip("; \n\t")
            data = ""
            if _COPY.match(statement):
                end = text.find("\n\\.", at)
                end = len(text) if end < 0 else end
                data, at = text[at:end].lstrip("\n"), min(len(text), end + 3)
            start = at
            if statement:
                yield statement, data


def _unescaped(cell: str) -> str | None:
    if "\\" not in cell:
        return cell
    return None if cell == "\\N" else re.sub(r"\\[tnr\\]", lambda found: _ESCAPES[found[0]] or "", cell)


def _only_tables(action: int, first: str | None, second: str | None, *_: object) -> int:
    if action not in _ALLOWED or (action == sqlite3.SQLITE_FUNCTION and second == "load_extension"):
        return sqlite3.SQLITE_DENY
    return sqlite3.SQLITE_OK
