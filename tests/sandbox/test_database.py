"""What is made of uploaded database files, whatever they are, and what is said of those that cannot be used."""

import sqlite3
from pathlib import Path

import pytest

from tests.workers import databases
from workers.sandbox.database import BadDatabase, Builder, Built, build
from workers.sandbox.schema import Schema, ddl

TYPES = {
    "customers": ["INTEGER", "TEXT", "TEXT", "BOOLEAN", "DATE"],
    "products": ["INTEGER", "TEXT", "TEXT", "DECIMAL(10,2)"],
    "orders": ["INTEGER", "INTEGER", "DATE", "TEXT"],
    "items": ["INTEGER", "INTEGER", "INTEGER", "TEXT"],
}


def made(folder: Path, files: dict[str, bytes], **options: object) -> Built:
    placed = []
    for name, data in files.items():
        (folder / name).write_bytes(data)
        placed.append((name, folder / name))
    return build("shop", placed, **options)


def faults(folder: Path, files: dict[str, bytes], **options: object) -> dict[str, str]:
    with pytest.raises(BadDatabase) as bad:
        made(folder, files, **options)
    return bad.value.faults


def links(schema: Schema) -> set[tuple[str, str, str]]:
    return {(table.name, key.columns[0], key.table) for table in schema.tables for key in table.keys}


@pytest.mark.parametrize("kind", ["shop.sql", "shop.sqlite", "shop.duckdb", "csv"])
def test_the_same_database_comes_of_a_dump_a_file_of_either_engine_and_csvs(kind: str, tmp_path: Path) -> None:
    if kind == "csv":
        built = made(tmp_path, databases.csvs())
    elif kind == "shop.sql":
        built = made(tmp_path, {kind: databases.dump()})
    else:
        path = (databases.sqlite_file if kind == "shop.sqlite" else databases.duckdb_file)(tmp_path / kind)
        built = build("shop", [(kind, path)])
    found = {table.name: [column.type for column in table.columns] for table in built.schema.tables}
    assert found == (TYPES | {"products": ["INTEGER", "TEXT", "TEXT", "REAL"]} if kind == "csv" else TYPES)
    keys = {
        ("orders", "customer_id", "customers"),
        ("items", "order_id", "orders"),
        ("items", "product_id", "products"),
    }
    assert links(built.schema) == keys
    image = sqlite3.connect(":memory:")
    image.deserialize(built.image)
    for table, rows in databases.rows().items():
        assert built.schema.table(table).rows == len(rows)
        assert sorted(map(repr, image.execute(f"SELECT * FROM {table}"))) == sorted(
            repr(tuple(int(cell) if isinstance(cell, bool) else cell for cell in row)) for row in rows
        )
    city = built.schema.table("customers").column("city")
    assert (city.distinct, set(city.values)) == (3, set(databases.CITIES))
    image.close()


def test_dumps_of_postgres_and_mysql_are_read(tmp_path: Path) -> None:
    postgres = b"""
SET statement_timeout = 0;
CREATE TABLE public.people (id integer NOT NULL, name character varying(20) DEFAULT 'x'::character varying,
  seen timestamp without time zone, good boolean, tags text[]);
ALTER TABLE public.people OWNER TO somebody;
COPY public.people (id, name, seen, good, tags) FROM stdin;
1\tAnn; or \\\\Anne\t2024-01-01 10:00:00\tt\t{a,b}
2\t\\N\t2024-02-01 10:00:00\tf\t\\N
\\.
ALTER TABLE ONLY public.people ADD CONSTRAINT people_pk PRIMARY KEY (id);
CREATE VIEW public.good AS SELECT * FROM public.people WHERE good;
"""
    mysql = b"""
DROP TABLE IF EXISTS `visits`;
CREATE TABLE `visits` (`id` int(11) unsigned NOT NULL AUTO_INCREMENT, `person_id` int(11) DEFAULT NULL,
  `what` varchar(40) COLLATE utf8_bin DEFAULT NULL, PRIMARY KEY (`id`), KEY `k` (`person_id`),
  CONSTRAINT `f` FOREIGN KEY (`person_id`) REFERENCES `people` (`id`)) ENGINE=InnoDB DEFAULT CHARSET=utf8;
LOCK TABLES `visits` WRITE;
INSERT INTO `visits` VALUES (1,1,'it\\'s; here'),(2,2,'a "b"');
UNLOCK TABLES;
"""
    built = made(tmp_path, {"a.sql": postgres, "b.sql": mysql})
    people, visits = built.schema.tables
    assert [column.type for column in people.columns] == ["INTEGER", "TEXT", "TIMESTAMP", "BOOLEAN", "TEXT"]
    assert people.primary == ("id",)
    assert set(people.column("name").values) == {"Ann; or \\Anne"}
    assert people.column("name").nulls == 1
    assert set(visits.column("what").values) == {"it's; here", 'a "b"'}
    assert links(built.schema) == {("visits", "person_id", "people")}
    assert built.left_out == [
        "a.sql: 3 statements that make no table or row",
        "b.sql: 3 statements that make no table or row",
    ]


def test_values_that_do_not_fit_make_a_column_wider_and_csv_types_are_told_from_the_values(tmp_path: Path) -> None:
    dump = b"""CREATE TABLE t (n INTEGER, d DATE, b BOOLEAN, m DECIMAL(4,2));
INSERT INTO t VALUES (1, '2024-01-01', 1, 12.5), ('1.5', '2024-01-02 08:00:00', 2, 12345.5), (2, NULL, 0, NULL);"""
    csv = 'Unit Price;Code;Day;Yes;Text\n1,5;007;2024-03-01;true;"a;b"\n2;008;;false;\n'.encode("cp1251")
    built = made(tmp_path, {"t.sql": dump, "Price List.csv": csv})
    kinds = {table.name: {column.name: column.type for column in table.columns} for table in built.schema.tables}
    assert kinds["t"] == {"n": "REAL", "d": "TIMESTAMP", "b": "INTEGER", "m": "REAL"}
    assert kinds["Price_List"] == {
        "Unit Price": "TEXT",
        "Code": "TEXT",
        "Day": "DATE",
        "Yes": "BOOLEAN",
        "Text": "TEXT",
    }
    assert '"Unit Price" TEXT' in ddl(built.schema, 2)


@pytest.mark.parametrize(
    ("files", "file", "said"),
    [
        ({"a.sql": b"CREATE TABLE t (a INT);\nINSERT INTO t VALUES (1, 2);"}, "a.sql", "statement 2 (INSERT INTO t"),
        ({"a.sql": b"CREATE TABLE t (a INT"}, "a.sql", "statement 1 (CREATE TABLE t (a INT"),
        ({"a.sql": b"SELECT 1;"}, "a.sql", "it holds no table"),
        ({"a.sql": b"INSERT INTO t SELECT readfile('/etc/passwd')"}, "a.sql", "statement 1"),
        ({"a.csv": b"a,b\n1,2\n3\n"}, "a.csv", "row 3 has 1 cells where the header has 2"),
        ({"a.csv": b"a,a\n1,2\n"}, "a.csv", "its header has a column without a name, or one name twice"),
        ({"a.csv": b'a,b\n1,"2\n'}, "a.csv", "unexpected end of data"),
        ({"a.csv": bytes(range(256)) * 4}, "a.csv", "The file is not text in any known encoding."),
        ({"a.db": b"no database at all"}, "a.db", "it is neither a SQLite nor a DuckDB file"),
        ({"a.db": b"SQLite format 3\0" + b"\xff" * 4000}, "a.db", "SQLite cannot read it"),
        ({"a.db": b"\0" * 8 + b"DUCK" + b"\xff" * 4000}, "a.db", "DuckDB cannot read it"),
    ],
)
def test_the_file_at_fault_is_named(files: dict[str, bytes], file: str, said: str, tmp_path: Path) -> None:
    found = faults(tmp_path, files | ({"good.csv": b"a\n1\n"} if file.endswith("csv") else {}))
    assert list(found) == [file]
    assert said in found[file]


def test_too_many_rows_bytes_and_a_dump_that_never_ends_are_refused(tmp_path: Path) -> None:
    shop = {"a.sql": databases.dump()}
    assert "more than 100 rows" in faults(tmp_path, shop, rows_most=100)["a.sql"]
    assert "more than 8,192 bytes" in faults(tmp_path, shop, bytes_most=8192)["a.sql"]
    numbers = ", ".join(f"({number})" for number in range(200))
    endless = f"""CREATE TABLE t (a INT);
INSERT INTO t VALUES {numbers};
INSERT INTO t SELECT count(*) FROM t a, t b, t c, t d, t e;""".encode()
    said = faults(tmp_path, {"a.sql": endless}, cpu_seconds=0.5)["a.sql"]
    assert said == "reading it takes longer than is allowed"


def test_one_process_reads_many_databases_and_none_of_them_sees_another_s_files(tmp_path: Path) -> None:
    (tmp_path / "bad.sql").write_bytes(b"CREATE TABLE t (a INT")
    shop = databases.sqlite_file(tmp_path / "shop.sqlite")
    with Builder() as builder:
        first = builder.build("shop", [("shop.sqlite", shop)])
        process = builder._warm._process
        with pytest.raises(BadDatabase):
            builder.build("bad", [("bad.sql", tmp_path / "bad.sql")])
        assert builder.build("shop", [("shop.sqlite", shop)]).image == first.image
        assert builder._warm._process is process
        assert [path.name for path in Path(builder._folder.name).iterdir()] == ["nothing"]
    assert not Path(builder._folder.name).exists()


def test_a_hostile_dump_reads_and_writes_no_file(tmp_path: Path) -> None:
    canary, out = tmp_path / "canary.db", tmp_path / "out.db"
    databases.sqlite_file(canary)
    dump = f"""CREATE TABLE t (a TEXT);
ATTACH '{canary}' AS other;
ATTACH '{out}' AS made;
INSERT INTO t SELECT name FROM other.customers;"""
    assert "statement 4" in faults(tmp_path, {"a.sql": dump.encode()})["a.sql"]
    trigger = databases.sqlite_file(tmp_path / "t.sqlite")
    connection = sqlite3.connect(trigger)
    connection.execute("CREATE VIEW v AS SELECT * FROM customers")
    connection.execute("CREATE VIRTUAL TABLE words USING fts5 (text)")
    connection.commit()
    connection.close()
    built = build("t", [("t.sqlite", trigger)])
    assert {table.name for table in built.schema.tables} >= set(TYPES)
    assert "the view v" in built.left_out
    assert "the virtual table words" in built.left_out
    assert not out.exists()
