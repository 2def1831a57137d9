"""A small shop's database, in SQL sandboxes of three dialects."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from workers.sandbox.sql import SqlSandbox

SHOP = """
create table customers (id integer primary key, name text, city text);
create table orders (id integer primary key, customer_id integer references customers (id), total real, day date);
"""


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("shop") / "shop.sqlite"
    connection = sqlite3.connect(path)
    connection.executescript(SHOP)
    customers = [(i, f"Customer {i}", ("Oslo", "Bergen")[i % 2]) for i in range(50)]
    orders = [(i, i % 50, i * 1.5, f"2024-0{1 + i % 9}-01") for i in range(1000)]
    connection.executemany("insert into customers values (?, ?, ?)", customers)
    connection.executemany("insert into orders values (?, ?, ?, ?)", orders)
    connection.commit()
    connection.close()
    return path


@pytest.fixture(scope="module", params=["sqlite", "duckdb", "postgres"])
def sandbox(request: pytest.FixtureRequest, shop: Path) -> Iterator[SqlSandbox]:
    sandbox = SqlSandbox(shop, request.param)
    yield sandbox
    sandbox.close()
