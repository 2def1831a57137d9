"""A hundred and more planted statements a model might write, and some an enemy would: each refused for its own reason.

Both engines are asked. Meanwhile canaries watch: files that must not be read, written or removed, and a server that
nobody may call.
"""

import hashlib
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from workers.sandbox.sql import Limits, SqlRefused, SqlSandbox

ENGINES = ("sqlite", "duckdb")
TIME_LIMIT = 0.5
EVERYWHERE: dict[str, list[str]] = {
    "sql_syntax": [
        "SELEC * FORM orders",
        "select from where",
        "select * from orders where",
        "select (1 from orders",
        "select id, from where orders",
        "select * from orders group total",
        "",
        "not sql at all",
        "select id total,, day from orders",
        "select 'open from orders",
        "select count(* from orders",
        "with x as select 1 select * from x",
        "The answer is: select * from orders",
        "select * from orders order total by",
    ],
    "several_statements": [
        "select 1; select 2",
        "select count(*) from orders; drop table orders",
        "delete from orders; select 1",
        "select 1; attach '{out}' as x",
    ],
    "unknown_table": [
        "select * from nosuch",
        "select * from order",
        "select * from ordres",
        "select o.id from orders o join suppliers s on s.id = o.id",
        "select id from orders where id in (select order_id from refunds)",
        "with x as (select * from ghosts) select * from x",
        "select id from orders union select id from phantoms",
        "select * from information_schema.tables",
        "select * from sqlite_master",
        "select * from pragma_table_info('orders')",
        "select * from duckdb_settings()",
        "select * from other.orders",
    ],
    "unknown_column": [
        "select nosuch from orders",
        'select "nosuch" from orders',
        "select o.nosuch from orders o",
        "select id from orders where nosuch = 1",
        "select count(*) from orders group by nosuch",
        "select id from orders order by nosuch",
        "select sum(nosuch) from orders",
        "select o.id from orders o join customers c on c.order_id = o.id",
        "select id from orders where customer_id = (select max(nosuch) from customers)",
        "select customer_id from orders group by customer_id having max(nosuch) > 1",
        "select id from (select id from orders) as x where x.total > 1",
        'select id from orders where "cancelled" = 1',
    ],
    "not_read_only": [
        "insert into orders values (1, 2, 3, '2024-01-01')",
        "insert into orders select * from orders",
        "replace into orders values (1, 2, 3, '2024-01-01')",
        "insert or ignore into orders values (1, 2, 3, '2024-01-01')",
        "update orders set total = 0",
        "update orders set total = total * 2 where id = 1",
        "delete from orders",
        "delete from orders where id = 1 returning id",
        "truncate table orders",
        "drop table orders",
        "drop table if exists orders",
        "drop view v",
        "create table x (a int)",
        "create table x as select * from orders",
        "create temp table x as select 1",
        "create view v as select * from orders",
        "create index i on orders (total)",
        "create trigger t after insert on orders begin delete from orders; end",
        "alter table orders add column x int",
        "alter table orders rename to o",
        "merge into orders using customers on orders.id = customers.id when matched then delete",
        "with x as (delete from orders returning id) select * from x",
        "with x as (insert into orders values (1, 2, 3, '') returning id) select * from x",
        "select * into copied from orders",
        "pragma table_info(orders)",
        "pragma writable_schema = 1",
        "pragma journal_mode = off",
        "vacuum",
        "vacuum into '{out}'",
        "reindex",
        "analyze",
        "begin",
        "begin transaction",
        "commit",
        "rollback",
        "savepoint s",
        "set memory_limit = '100GB'",
        "set enable_external_access = true",
        "reset memory_limit",
        "use other",
        "install httpfs",
        "load httpfs",
        "load '{out}'",
        "checkpoint",
        "call pragma_version()",
        "grant select on orders to public",
        "explain analyze delete from orders",
        "prepare p as select 1",
        "execute p",
        "describe orders",
        "show tables",
    ],
    "file_access": [
        "attach '{canary}' as x",
        "attach database '{out}' as x",
        "attach ':memory:' as x",
        "detach x",
        "export database '{out}'",
        "import database '{out}'",
        "copy orders to '{out}'",
        "copy (select * from orders) to '{out}' (format csv)",
        "copy orders from '{canary}'",
        "select * from read_csv('{canary}')",
        "select * from read_csv_auto('{canary}')",
        "select count(*) from read_text('{canary}')",
        "select * from read_blob('{canary}')",
        "select * from read_json('{canary}')",
        "select * from read_parquet('{canary}')",
        "select * from parquet_scan('{canary}')",
        "select * from glob('/etc/*')",
        "select * from sniff_csv('{canary}')",
        "select * from sqlite_scan('{canary}', 'orders')",
        "select * from postgres_scan('host=127.0.0.1 port={port}', 'public', 'x')",
        "select * from read_csv('http://127.0.0.1:{port}/x.csv')",
        "select * from 'http://127.0.0.1:{port}/x.parquet'",
        "select * from '{canary}'",
        "select * from '/etc/passwd'",
        "select id from orders where day in (select content from read_text('{canary}'))",
        "with x as (select * from read_csv('{canary}')) select * from x",
        "select load_extension('{canary}')",
        "select readfile('{canary}')",
        "select writefile('{out}', 'x') from orders",
        "select getenv('HOME')",
        "select pg_read_file('{canary}')",
        "select lo_import('{canary}')",
    ],
    "runaway": [
        "with recursive r (i) as (select 1 union all select i + 1 from r) select count(*) from r",
        "with recursive r (i) as (select 1 union all select i + 1 from r) select max(i) from r where i < 0",
        "with recursive a (i) as (select 1 union all select i + 1 from a), b as (select i * 2 as j from a) "
        "select sum(j) from b",
        "select count(*) from orders a, orders b, orders c, orders d",
        "select sum(a.total * b.total * c.total) from orders a cross join orders b cross join orders c",
        "select count(*) from orders a join orders b on a.total <> b.total join orders c on b.total <> c.total "
        "join orders d on c.total <> d.total",
        "select max(a.total + b.total - c.total) from orders a, orders b, orders c where a.day <> b.day",
    ],
    "too_many_rows": [
        "select * from orders a, orders b",
        "select a.id, b.id from orders a cross join orders b",
        "select a.total from orders a join orders b on a.total >= b.total",
    ],
    "empty_result": [
        "select id from orders where total < 0",
        "select name from customers where city = 'Atlantis'",
        "select max(total) from orders where day > '2099-01-01'",
        "select count(*) from customers where city = 'oslo '",
        "select o.id from orders o join customers c on c.id = o.total and c.name = 'Nobody'",
        "select name from customers intersect select city from customers",
    ],
    "always_empty": [
        "select id from orders where 1 = 0",
        "select id from orders where false",
        "select id from orders where total > 10 and total < 5",
        "select id from orders where id = 1 and id = 2",
        "select name from customers where city = 'Oslo' and city = 'Bergen'",
        "select id from orders where total = null",
        "select id from orders where total <> null",
        "select id from orders where total between 10 and 5",
        "select id from orders where total <> total",
        "select id from orders limit 0",
        "select id from orders where day > '2024-06-01' and day < '2024-01-01'",
        "select id from orders where total is null and total > 5",
        "select count(*) from orders where not true",
        "select city from customers group by city having count(*) > 5 and count(*) < 2",
    ],
    "tied_limit": [
        "select id from orders limit 3",
        "select name from customers order by city limit 5",
        "select name, city as place from customers order by place limit 1",
        "select customer_id, count(*) as n from orders group by customer_id order by n desc limit 3",
        "select customer_id, count(*) from orders group by customer_id order by 2 limit 2",
        "with x as (select day, count(*) as n from orders group by day) select day from x order by n limit 1",
    ],
    "unstable_result": [
        "select id from orders order by random() limit 1",
        "select count(*) from orders where day < current_date",
        "select current_timestamp",
    ],
}
ALONE: dict[str, dict[str, list[str]]] = {
    "sqlite": {
        "too_much_memory": ["select length(hex(zeroblob(400000000)))", "select zeroblob(900000000)"],
        "unstable_result": ["select date('now')", "select hex(randomblob(8))"],
        "runaway": ["select count(*) from orders where day like '%' || (with recursive r (i) as (select 1 union all "
                    "select i + 1 from r) select max(i) from r)"],
        "file_access": ["select edit('x', 'vi')", "select * from fsdir('/etc')"],
        "sql_error": ["select nosuchfunction(id) from orders"],
    },
    "duckdb": {
        "too_much_memory": ["select repeat('x', 2000000000)", "select list(a.id) from range(100000000) as a (id)"],
        "unstable_result": ["select now()", "select uuid()", "select * from orders using sample 10"],
        "file_access": ["from read_csv('{canary}')", "select * from delta_scan('{canary}')"],
        "sql_error": ["select nosuchfunction(id) from orders", "select id from orders where total > 'much'"],
        "runaway": ["select count(*) from range(100000000000) as a (i) where i * 3 % 11 = 5"],
    },
}  # fmt: skip
# A right statement, and wrong ones for the same question.
WRONG = {
    "select sum(total) from orders where customer_id = 7": [
        "select avg(total) from orders where customer_id = 7",
        "select sum(total) from orders where customer_id = 8",
        "select sum(total) from orders where customer_id >= 7",
        "select count(total) from orders where customer_id = 7",
    ],
    "select name from customers where city = 'Oslo' order by id": [
        "select name from customers where city = 'Oslo' order by id desc",
        "select name from customers where city <> 'Oslo' order by id",
        "select id from customers where city = 'Oslo' order by id",
        "select name from customers order by id",
        "select name, city from customers where city = 'Oslo' order by id",
    ],
    "select c.city, count(*) from orders o join customers c on c.id = o.customer_id group by c.city": [
        "select c.city, count(distinct o.customer_id) from orders o join customers c on c.id = o.customer_id "
        "group by c.city",
        "select c.city, count(*) from customers c group by c.city",
        "select c.city, count(*) from orders o join customers c on c.id = o.id group by c.city",
    ],
}


@dataclass
class Watched:
    """What must not be touched, and who was called."""

    canary: Path
    out: Path
    port: int
    calls: list[str]

    def filled(self, sql: str) -> str:
        for name in ("canary", "out", "port"):
            sql = sql.replace("{" + name + "}", str(getattr(self, name)))
        return sql


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    folder = tmp_path_factory.mktemp("canaries")
    canary = folder / "canary.csv"
    canary.write_text("bird\nfinch\n")
    calls: list[str] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)
        ended = threading.Event()

        def listen() -> None:
            while not ended.is_set():
                try:
                    calls.append(str(server.accept()[1]))
                except TimeoutError:
                    continue

        thread = threading.Thread(target=listen)
        thread.start()
        yield Watched(canary, folder / "out.db", server.getsockname()[1], calls)
        ended.set()
        thread.join()


@pytest.mark.parametrize("engine", ENGINES)
def test_planted_statements_are_refused_with_their_reasons_and_touch_nothing(
    engine: str, shop: Path, watched: Watched
) -> None:
    before = {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in (shop, watched.canary)}
    planted = [
        (reason, watched.filled(sql))
        for group in (EVERYWHERE, ALONE[engine])
        for reason, statements in group.items()
        for sql in statements
    ]
    assert len(planted) >= 100
    sandbox = SqlSandbox(shop, engine)
    wrong = []
    for reason, sql in planted:
        begun = time.monotonic()
        found = asked(sandbox, sql)
        # The limit is processor time, and on the clock four times as much; the rest is starting, and this machine.
        assert time.monotonic() - begun < 4 * TIME_LIMIT + 10, sql
        if found != reason:
            wrong.append((reason, found, sql))
    for right, others in WRONG.items():
        sha256 = sandbox.run(right, examine=True).sha256
        wrong += [
            ("wrong_result", found, sql) for sql in others if (found := asked(sandbox, sql, sha256)) != "wrong_result"
        ]
    total = len(planted) + sum(map(len, WRONG.values()))
    assert sandbox.run("select count(*) from orders").rows == [[1000]]
    sandbox.close()
    assert not [found for found in wrong if found[1] == "ran"]
    assert len(wrong) <= 0.01 * total, wrong
    assert before == {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in before}
    assert sorted(path.name for path in watched.canary.parent.iterdir()) == ["canary.csv"]
    assert watched.calls == []


def asked(sandbox: SqlSandbox, sql: str, expected: str | None = None) -> str:
    """The reason for which it is refused; "ran" if it is not."""
    try:
        sandbox.run(sql, Limits(seconds=TIME_LIMIT, rows_most=10_000), examine=True, expected=expected)
    except SqlRefused as refused:
        return refused.reason
    return "ran"
