"""What the SQL sandbox runs, what it refuses and for which reason, and that nothing a query does stays."""

import hashlib
import time
from pathlib import Path

import pytest

from workers.sandbox.sql import Limits, SqlRefused, SqlSandbox

REFUSED = {
    "sql_syntax": ["SELEC * FORM orders", "select from where", "select * from orders where", "", "not sql at all ;;"],
    "unknown_table": ["select * from nosuch", "select o.id from orders o join suppliers s on s.id = o.id"],
    "unknown_column": ["select nosuch from orders", 'select "nosuch" from orders', "select o.nosuch from orders o"],
    "not_read_only": [
        "insert into orders values (1, 2, 3, '2024-01-01')",
        "update orders set total = 0",
        "delete from orders",
        "drop table orders",
        "create table x (a int)",
        "alter table orders add column x int",
        "with x as (delete from orders returning id) select * from x",
    ],
    "several_statements": ["select 1; select 2", "delete from orders; select 1"],
    "file_access": [
        "select * from read_csv('/etc/passwd')",
        "select * from '/etc/passwd'",
        "select load_extension('x')",
        "select writefile('/tmp/a', 'x')",
        "copy orders to '/tmp/corpusmith_canary.csv'",
    ],
    "runaway": [
        "with recursive r (i) as (select 1 union all select i + 1 from r) select count(*) from r",
        "select count(*) from orders a, orders b, orders c, orders d",
    ],
    "too_many_rows": ["select * from orders a, orders b"],
}


@pytest.mark.parametrize(("reason", "sql"), [(reason, sql) for reason, queries in REFUSED.items() for sql in queries])
def test_each_planted_fault_is_refused_with_its_reason(sandbox: SqlSandbox, reason: str, sql: str) -> None:
    with pytest.raises(SqlRefused) as refused:
        sandbox.run(sql, Limits(seconds=1.0 if reason == "runaway" else 20.0))
    assert refused.value.reason == reason


def test_a_query_gives_its_columns_rows_and_tables(sandbox: SqlSandbox) -> None:
    result = sandbox.run(
        "select c.city, count(*) as n from orders o join customers c on c.id = o.customer_id group by c.city order by 1"
    )
    assert result.columns == ["city", "n"]
    assert result.rows == [["Bergen", 500], ["Oslo", 500]]
    assert result.tables == ["customers", "orders"]


def test_the_hash_covers_all_rows_and_no_order_that_was_not_asked_for(sandbox: SqlSandbox) -> None:
    first = sandbox.run("select id, total from orders")
    again = sandbox.run("select id, total from orders where id >= 0")
    ordered = sandbox.run("select id, total from orders order by total desc")
    assert first.row_count == 1000
    assert len(first.rows) == 50
    assert first.sha256 == again.sha256
    assert first.sha256 != ordered.sha256
    assert first.sha256 != sandbox.run("select id, total from orders where id < 999").sha256


def test_a_large_sort_needs_no_file(sandbox: SqlSandbox) -> None:
    pairs = "select a.id * 1000 + b.id as x from orders a, orders b where a.id < 200"
    result = sandbox.run(f"select x, count(*) as n from ({pairs}) as p group by x order by n desc, x desc limit 1")
    assert result.rows == [[199_999, 1]]


def test_a_result_holds_no_character_that_a_database_could_not_store(sandbox: SqlSandbox) -> None:
    letter = "char(65, 0, 66)" if sandbox.engine == "sqlite" else "'A' || chr(0) || 'B'"
    assert sandbox.run(f"select {letter} from orders limit 1", dialect=sandbox.engine).rows in ([["AB"]], [["A"]])


def test_memory_is_bounded(shop: Path) -> None:
    for dialect, bomb in (
        ("sqlite", "select hex(randomblob(500000000))"),
        ("duckdb", "select repeat('x', 2000000000)"),
    ):
        sandbox = SqlSandbox(shop, dialect)
        with pytest.raises(SqlRefused) as refused:
            sandbox.run(bomb, Limits(seconds=10.0))
        assert refused.value.reason == "too_much_memory"
        assert sandbox.run("select count(*) from orders").rows == [[1000]]
        sandbox.close()


def test_a_runaway_ends_near_its_limit_and_the_next_query_runs(sandbox: SqlSandbox) -> None:
    begun = time.monotonic()
    with pytest.raises(SqlRefused, match="runaway"):
        sandbox.run(REFUSED["runaway"][0], Limits(seconds=0.5))
    assert time.monotonic() - begun < 10  # it has no end of its own
    assert sandbox.run("select count(*) from orders").rows == [[1000]]


def test_nothing_outside_is_touched(sandbox: SqlSandbox, shop: Path) -> None:
    before = hashlib.sha256(shop.read_bytes()).hexdigest()
    for reason, queries in REFUSED.items():
        if reason != "runaway":
            for sql in queries:
                with pytest.raises(SqlRefused):
                    sandbox.run(sql)
    assert hashlib.sha256(shop.read_bytes()).hexdigest() == before
    assert not Path("/tmp/corpusmith_canary.csv").exists()
    assert sandbox.run("select count(*) from orders").rows == [[1000]]


def test_a_process_that_was_killed_is_replaced(shop: Path) -> None:
    sandbox = SqlSandbox(shop)
    assert sandbox.run("select 1").rows == [[1]]
    process = sandbox._warm._process
    assert process is not None
    process.kill()
    process.wait()
    assert sandbox.run("select 2").rows == [[2]]
    sandbox.close()
