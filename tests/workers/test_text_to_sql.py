"""Rows of the recipe, with a model that says what stands here and statements that really run."""

import asyncio
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from app import storage
from app.catalog import FORMATS, TASKS
from app.domain import Chunk, Context, Dropped, Sample
from app.settings import settings
from tests.conftest import forget_process_state
from tests.workers import databases
from tests.workers.scripted import Scripted, made_by
from workers.databases import grouped
from workers.recipes import Outcome, Work
from workers.recipes.text_to_sql import repair
from workers.sandbox.database import build
from workers.sandbox.pool import POOL, Pool
from workers.sandbox.schema import Schema
from workers.sandbox.sql import Limits, SqlRefused

GOOD = {"computes": "What is asked.", "reason": "There is no flaw.", "match": 5, "clarity": 5}
COUNT = "SELECT COUNT(*) FROM customers WHERE city = 'Oslo'"
ONE_WAY: dict[str, Any] = {"ways": {"model": 1}, "levels": {"easy": 1}}


@pytest.fixture(scope="module")
def dump(tmp_path_factory: pytest.TempPathFactory) -> Any:
    path = tmp_path_factory.mktemp("dump") / "shop.sql"
    path.write_bytes(databases.dump())
    return build("shop", [("shop.sql", path)])


@pytest.fixture
def shop(dump: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Schema]:
    """The whole shop, its image in the store of this test; `products` leads astray."""
    monkeypatch.setenv("CORPUSMITH_DATA_DIR", str(tmp_path))
    forget_process_state()
    image = storage.keep_bytes(dump.image)
    yield dump.schema.model_copy(update={"image": image, "distractors": ("products",)})
    forget_process_state()


@pytest.fixture(scope="module", autouse=True)
def closed() -> Iterator[None]:
    yield
    POOL.close()


def context(schema: Schema) -> Context:
    text = schema.model_dump_json()
    chunk = Chunk(id="c", document_id="d", document_name="shop.sql", start=0, end=0, text=text)
    return Context(id="ctx", chunks=(chunk,), language="en")


def asked(schema: Schema, *pairs: tuple[str, str], judge: dict[str, Any] | None = None, **options: Any) -> Outcome:
    """What becomes of pairs of question and SQL that a model has written."""
    said = {"questions": [{"question": question, "sql": sql} for question, sql in pairs]}
    model = Scripted(ask__sql=said, judge__sql=judge or GOOD, judge__own_sql={"sql": COUNT})
    chosen = ONE_WAY | {"questions_per_context": len(pairs)} | options
    gates = chosen.pop("gates", None)
    return made_by("text_to_sql", model, context(schema), gates=gates, **chosen)


def only(outcome: Outcome) -> Sample | Dropped:
    assert len(outcome.kept) + len(outcome.dropped) == 1
    return outcome.kept[0] if outcome.kept else outcome.dropped[0]


def test_a_row_holds_schema_question_sql_and_what_it_gave(shop: Schema) -> None:
    row = only(asked(shop, ("How many customers live in Oslo?", COUNT)))
    assert isinstance(row, Sample), row
    assert row.answer == COUNT
    result = row.attributes["result"]
    assert (result["rows"], result["row_count"]) == ([[10]], 1)
    assert row.attributes["tables"] == ["customers"]
    assert row.attributes["distractors"] == ["products"]
    assert (row.attributes["asked_level"], row.attributes["level"]) == ("easy", "easy")
    assert [turn["role"] for turn in row.turns] == ["system", "user", "assistant"]
    assert row.turns[1]["content"].startswith("CREATE TABLE customers (\n  id INTEGER,")
    assert row.turns[1]["content"].endswith(");\n\nHow many customers live in Oslo?")
    assert row.turns[2]["content"] == COUNT
    assert {verdict.metric: verdict.score for verdict in row.verdicts if verdict.metric.startswith("sql")} == {
        "sql_match": 5.0,
        "sql_clarity": 5.0,
    }
    spider = FORMATS["sql_spider"].render(row)
    assert isinstance(spider, dict)
    assert (spider["db_id"], spider["question"], spider["query"]) == ("shop", row.question, COUNT)
    assert spider["schema"] == row.attributes["schema"]


@pytest.mark.parametrize(
    ("dialect", "sql", "written"),
    [
        ("mysql", "SELECT name FROM customers WHERE name ILIKE 'customer 1' || '%'", "CONCAT("),
        ("tsql", "SELECT name FROM customers ORDER BY id LIMIT 3", "TOP 3"),
        ("mysql", "SELECT name FROM customers ORDER BY city DESC, name", "ORDER BY city DESC, name"),
        ("mysql", "SELECT DISTINCT note FROM items ORDER BY note", "CASE WHEN note IS NULL"),
        ("bigquery", "SELECT CAST(AVG(price) AS VARCHAR) FROM products", "AS STRING"),
        ("snowflake", "SELECT EXTRACT(YEAR FROM joined), COUNT(*) FROM customers GROUP BY 1", "DATE_PART"),
    ],
)
def test_the_row_s_sql_is_in_the_dialect_asked_for_and_the_executed_one_beside_it(
    shop: Schema, dialect: str, sql: str, written: str
) -> None:
    schema = shop.model_copy(update={"distractors": ()})
    row = only(asked(schema, ("What is it that is asked here?", sql), dialect=dialect))
    assert isinstance(row, Sample), row
    assert written in row.answer
    assert row.attributes["executed"]["engine"] == "duckdb"
    assert row.attributes["executed"]["sql"] == sql


@pytest.mark.parametrize(
    ("sql", "reason"),
    [
        ("SELECT COUNT(*) FROM", "sql_syntax"),
        ("SELECT COUNT(*) FROM clients", "unknown_table"),
        ("SELECT COUNT(town) FROM customers", "unknown_column"),
        ("DELETE FROM customers", "not_read_only"),
        ("SELECT 1; SELECT 2", "several_statements"),
        ("SELECT name FROM customers WHERE city = 'Paris'", "empty_result"),
        ("SELECT name FROM customers WHERE id > 5 AND id < 2", "always_empty"),
        ("SELECT name FROM customers ORDER BY RANDOM() LIMIT 1", "unstable_result"),
        ("SELECT COUNT(*) FROM products", "distractor_used"),
        ("SELECT 40 + 2", "no_table"),
        ("SELECT COUNT(*) FROM orders a, orders b, orders c, orders d, orders e", "runaway"),
        ("SELECT * FROM orders a, orders b", "too_many_rows"),
    ],
)
def test_a_statement_that_is_no_good_is_dropped_with_its_reason(shop: Schema, sql: str, reason: str) -> None:
    row = only(asked(shop, ("What is it that is asked here?", sql), query_seconds=0.3, query_rows=1000))
    assert isinstance(row, Dropped)
    assert (row.reason, row.question) == (reason, "What is it that is asked here?")
    assert row.answer == sql


def test_a_table_that_is_not_shown_is_unknown_even_if_the_database_has_it(shop: Schema) -> None:
    part = shop.model_copy(update={"tables": (shop.table("customers"),), "distractors": ()})
    row = only(asked(part, ("How many orders are there?", "SELECT COUNT(*) FROM orders")))
    assert isinstance(row, Dropped)
    assert row.reason == "unknown_table"


def test_the_judge_sees_the_result_and_its_grades_decide(shop: Schema) -> None:
    pair = ("How many customers live in Oslo?", COUNT)
    mismatch = only(asked(shop, pair, judge=GOOD | {"match": 2, "reason": "It counts too many."}))
    unclear = only(asked(shop, pair, judge=GOOD | {"clarity": 3}))
    assert isinstance(mismatch, Dropped)
    assert isinstance(unclear, Dropped)
    assert (mismatch.reason, unclear.reason) == ("sql_mismatch", "sql_unclear")
    assert "It counts too many. (the SQL computes: What is asked.)" in mismatch.detail


@pytest.mark.parametrize(
    ("sql", "kept"),
    [
        ("SELECT SUM(CASE WHEN city = 'Oslo' THEN 1 ELSE 0 END) FROM customers", True),
        ("SELECT COUNT(*) FROM customers WHERE city = 'Bergen' AND vip", False),
    ],
)
def test_the_judge_s_own_sql_must_give_the_same_result_where_that_is_asked_for(
    shop: Schema, sql: str, kept: bool
) -> None:
    row = only(asked(shop, ("How many customers live in Oslo?", sql), gates={"sql_agreement": 1.0}))
    assert isinstance(row, Sample) is kept
    if isinstance(row, Dropped):
        assert row.reason == "another_result"
        assert COUNT in row.detail


@pytest.mark.parametrize("dialect", ["sqlite", "duckdb"])
def test_templates_are_filled_with_real_values_and_all_of_them_run(shop: Schema, dialect: str) -> None:
    worded = {"questions": [f"What is the answer to question {i}?" for i in range(20)]}
    model = Scripted(word__sql=worded, judge__sql=GOOD)
    schema = shop.model_copy(update={"distractors": ()})
    rows: list[Sample | Dropped] = []
    for place in range(2):
        options: dict[str, Any] = {"ways": {"template": 1}, "dialect": dialect, "questions_per_context": 20}
        outcome = made_by("text_to_sql", model, context(schema), place=place, **options)
        rows += [*outcome.kept, *outcome.dropped]
    assert len(rows) == 40
    assert {row.reason for row in rows if isinstance(row, Dropped)} <= {"empty_result", "no_template"}
    kept = [row for row in rows if isinstance(row, Sample)]
    assert len(kept) >= 34
    assert len({row.attributes["template"] for row in kept}) >= 13
    assert {row.attributes["asked_level"] for row in kept} == {"easy", "medium", "hard", "extra"}
    assert model.asked[0][2]["statements"][0].startswith(("SELECT ", "WITH "))


def test_levels_and_ways_come_in_their_shares(shop: Schema) -> None:
    told: list[str] = []

    def write(values: dict[str, Any]) -> dict[str, Any]:
        told.extend(level.split(":")[0] for level in values["levels"])
        return {"questions": [{"question": f"Question {i}, what?", "sql": COUNT} for i in range(values["count"])]}

    model = Scripted(ask__sql=write, word__sql={"questions": ["Which one, please?"] * 4}, judge__sql=GOOD)
    options: dict[str, Any] = {"ways": {"model": 3, "template": 1}, "levels": {"easy": 1, "extra": 1}}
    kinds: list[str] = []
    for place in range(8):
        outcome = made_by("text_to_sql", model, context(shop), place=place, **options)
        kinds += [row.kind for row in outcome.kept] + [row.kind for row in outcome.dropped]
    assert (kinds.count("model"), kinds.count("template")) == (24, 8)
    assert abs(told.count("easy") - told.count("very hard")) <= 8


def test_a_reject_is_written_anew_with_what_the_engine_said_and_is_executed(shop: Schema) -> None:
    bad = only(asked(shop, ("How many customers live in Oslo?", "SELECT COUNT(*) FROM customers WHERE town = 'Oslo'")))
    assert isinstance(bad, Dropped)
    reject = bad.model_copy(
        update={"attributes": bad.attributes | {"repaired_from": "7", "repaired_reason": bad.reason}}
    )
    model = Scripted(repair__sql={"question": bad.question, "sql": COUNT}, judge__sql=GOOD)
    task = TASKS["text_to_sql"]
    work = Work(
        task="text_to_sql",
        context=context(shop),
        options=task.options().model_dump(),
        gates=task.gates,
        language="English",
        seed="0",
        model=model,
        models={},
    )
    row = only(asyncio.run(repair(work, (reject,))))
    assert isinstance(row, Sample), row
    assert (row.answer, row.attributes["repaired_from"]) == (COUNT, "7")
    assert list(row.lineage["prompts"]) == ["ask/sql@1", "repair/sql@1", "judge/sql@1"]
    assert "no such column: town" in model.instructions("repair")[0]


def test_a_query_that_runs_long_holds_up_neither_the_loop_nor_other_databases(shop: Schema) -> None:
    slow = "SELECT COUNT(*) FROM orders a, orders b, orders c, orders d, orders e"

    async def watch() -> int:
        await POOL.run(shop.image, COUNT, "duckdb", Limits())  # it is warm
        running = asyncio.create_task(POOL.run(shop.image, slow, "sqlite", Limits(seconds=1.0)))
        ticks = 0
        while not running.done():
            await asyncio.sleep(0.01)
            ticks += 1
            if ticks == 5:
                other = await POOL.run(shop.image, COUNT, "duckdb", Limits())
                assert other.rows == [[10]]
        with pytest.raises(SqlRefused, match="runaway"):
            running.result()
        return ticks

    assert asyncio.run(watch()) > 5, "the loop went on while the query ran"
    assert asyncio.run(POOL.run(shop.image, COUNT, "sqlite", Limits())).rows == [[10]]


def test_of_many_databases_those_used_last_stay_warm_and_the_others_come_back(shop: Schema) -> None:
    pool = Pool(most=1)

    async def ask(engine: str) -> list[list[Any]]:
        return (await pool.run(shop.image, COUNT, engine, Limits())).rows

    async def in_turn() -> list[list[list[Any]]]:
        return await asyncio.gather(*(ask(engine) for engine in ("sqlite", "duckdb", "sqlite")))

    assert asyncio.run(in_turn()) == [[[10]]] * 3
    assert len(pool._warm) == 1
    pool.close()


def test_files_are_grouped_into_databases_by_folder_and_name() -> None:
    class Named:
        def __init__(self, name: str) -> None:
            self.name = name

    names = [
        "a.csv",
        "b.csv",
        "shop.sql",
        "shop.data.sql",
        "x/schema.sql",
        "x/t.csv",
        "x/y/z.csv",
        "x/db.sqlite",
        "n.pdf",
    ]
    found, left_out = grouped([Named(name) for name in names])  # type: ignore[misc]
    assert {name: [file.name for file in files] for name, files in found.items()} == {
        "main": ["a.csv", "b.csv"],
        "shop": ["shop.data.sql", "shop.sql"],
        "x": ["x/schema.sql", "x/t.csv"],
        "x/y": ["x/y/z.csv"],
        "x/db": ["x/db.sqlite"],
    }
    assert left_out[0].startswith("n.pdf: it is no file of a database")


def test_the_image_is_a_sqlite_file_in_the_store(shop: Schema) -> None:
    with storage.storage().local(shop.image) as path:
        assert Path(settings().data_dir) in path.parents
        connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
        assert connection.execute("SELECT COUNT(*) FROM orders").fetchone() == (100,)
        connection.close()
