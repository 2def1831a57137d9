"""A shop's database as people upload one: a dump, a SQLite file, a DuckDB file, CSVs."""

import random
import sqlite3
from collections.abc import Sequence
from pathlib import Path

import duckdb

TABLES = """
CREATE TABLE customers (id INTEGER PRIMARY KEY, name VARCHAR(40), city VARCHAR(40), vip BOOLEAN, joined DATE);
CREATE TABLE products (id INTEGER PRIMARY KEY, title VARCHAR(40), category VARCHAR(20), price DECIMAL(10,2));
CREATE TABLE orders (id INTEGER PRIMARY KEY, customer_id INTEGER REFERENCES customers (id), day DATE,
                     status VARCHAR(10));
CREATE TABLE items (order_id INTEGER REFERENCES orders (id), product_id INTEGER REFERENCES products (id),
                    quantity INTEGER, note VARCHAR(40));
"""
CITIES, CATEGORIES, STATUSES = ("Oslo", "Bergen", "Trondheim"), ("tea", "cups", "books"), ("paid", "open", "sent")


def rows(scale: int = 1) -> dict[str, Sequence[tuple[object, ...]]]:
    """Table -> its rows, the same each time."""
    draw = random.Random(4)
    day = "2024-{:02}-{:02}".format
    customers = [
        (i, f"Customer {i}", CITIES[i % 3], i % 4 == 0, day(1 + i % 12, 1 + i % 28)) for i in range(1, 31 * scale)
    ]
    products = [(i, f"Product {i}", CATEGORIES[i % 3], round(draw.uniform(2, 90), 2)) for i in range(1, 21 * scale)]
    orders = [
        (i, draw.randrange(1, 25), day(draw.randrange(1, 13), draw.randrange(1, 29)), draw.choice(STATUSES))
        for i in range(1, 101 * scale)
    ]
    items = [
        (draw.randrange(1, 100), draw.randrange(1, 18), draw.randrange(1, 9), None if i % 5 else f"note {i}")
        for i in range(250 * scale)
    ]
    return {"customers": customers, "products": products, "orders": orders, "items": items}


def dump() -> bytes:
    """DDL and INSERTs."""
    lines = [TABLES]
    for table, found in rows().items():
        values = ",\n".join(f"({', '.join(map(_literal, row))})" for row in found)
        lines.append(f"INSERT INTO {table} VALUES\n{values};")
    return "\n".join(lines).encode()


def csvs() -> dict[str, bytes]:
    """File name -> a table with a header."""
    headers = {
        "customers": "id,name,city,vip,joined",
        "products": "id,title,category,price",
        "orders": "id,customer_id,day,status",
        "items": "order_id,product_id,quantity,note",
    }
    return {
        f"{table}.csv": "\n".join([headers[table], *(",".join(map(_cell, row)) for row in found), ""]).encode()
        for table, found in rows().items()
    }


def sqlite_file(path: Path) -> Path:
    connection = sqlite3.connect(path)
    connection.executescript(TABLES)
    for table, found in rows().items():
        connection.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * len(found[0]))})", found)
    connection.commit()
    connection.close()
    return path


def duckdb_file(path: Path) -> Path:
    connection = duckdb.connect(str(path))
    connection.execute(TABLES)
    for table, found in rows().items():
        values = ", ".join(f"({', '.join(map(_literal, row))})" for row in found)
        connection.execute(f"INSERT INTO {table} SELECT * FROM (VALUES {values})")
    connection.close()
    return path


def _literal(value: object) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return str(value).upper()
    return f"'{value}'" if isinstance(value, str) else str(value)


def _cell(value: object) -> str:
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
