"""How many rows of each task a real model gives: python -m benchmarks.real_yield --out yield [--calls 15 --at-once 14]

Needs a service that runs (`corpusmith up`) with the model that is to be measured. A few contexts of the sample
documents, a small shop's database and a graph of films; one dataset a task, one after the other or several at once.
Writes all rows of each, kept and dropped, to the folder, and prints a line a task: rows kept of rows made, and what the
others were dropped for.
"""

import argparse
import json
import random
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx

from app import samples

Json = dict[str, Any]
FINAL = ("succeeded", "failed", "cancelled")
POLL_SECONDS = 3.0
CITIES = ("Oslo", "Bergen", "Trondheim", "Stavanger", "Tromso")
NAMES = ("Anna", "Bo", "Clara", "David", "Eva", "Finn", "Greta", "Hans", "Ida", "Jon", "Kari", "Lars", "Mona", "Nils")
SURNAMES = ("Berg", "Dahl", "Lund", "Moen", "Haug", "Lie", "Vik", "Strand")
PRODUCTS = {
    "shoes": ("Hiking boots", "Trail runners", "Rubber boots"),
    "clothing": ("Rain jacket", "Wool sweater"),
    "camping": ("Sleeping bag", "Gas stove", "Headlamp"),
    "water": ("Paddle", "Dry bag", "Life vest"),
}
FILMS = ("Fjord", "Night Train", "Northern Light", "Ice Road", "Salt and Snow", "The Last Ferry", "Blue Hour")
SEEDS = (
    "Write a polite reminder to a customer whose bill is two weeks overdue.",
    "Explain what a mortgage is to a ten-year-old.",
    "Write a Python function that returns the second largest number of a list.",
    "Give two arguments for and two against working from home.",
    "Sort these words by length, shortest first: harbour, sea, lighthouse, boat.",
)
LABELS = {"timetable": "when ferries leave and arrive", "fares": "what tickets cost and who pays less",
          "history": "how the company became what it is", "safety": "what to do so that nobody is hurt",
          "service": "lost property, bookings, complaints and other help"}  # fmt: skip


def text(description: str = "") -> Json:
    return {"type": "string"} | ({"description": description} if description else {})


def tool(name: str, description: str, /, **fields: Json) -> Json:
    parameters = {"type": "object", "properties": fields, "required": list(fields)}
    return {"name": name, "description": description, "parameters": parameters}


TOOLS = [
    tool("find_departures", "Departures of a ferry line on one day.", from_harbour=text(), to_harbour=text(),
         date=text("YYYY-MM-DD")),
    tool("get_fare", "Price of a ticket for one passenger or vehicle.", from_harbour=text(), to_harbour=text(),
         kind={"type": "string", "enum": ["adult", "child", "bicycle", "car"]}),
    tool("book_seats", "Book seats on a departure.", departure_id=text(), name=text(),
         seats={"type": "integer", "minimum": 1, "maximum": 9}),
    tool("weather", "Weather forecast for a harbour on one day.", harbour=text(), date=text("YYYY-MM-DD")),
    tool("cancel_booking", "Cancel a booking by its number.", booking_number=text()),
]  # fmt: skip
SHIP = {
    "type": "object",
    "properties": {
        "ship": text("name of a ship"),
        "crossing_minutes": {"type": "integer", "description": "how long it takes from harbour to harbour"},
        "price": {"type": "number", "description": "a price in crowns"},
    },
}
RELATED = {"tokens": 256, "pack": "within", "shares": {"pair": 2, "triple": 1}}
STYLES = {"paragraph": 2, "bullets": 1, "one_line": 1, "executive": 1, "extractive": 1}


def plan() -> dict[str, Json]:
    """Task (and what is special about it) -> request, with the name of a corpus in place of its id."""

    def of(corpus: str | None, rows: int, calls: int, chunk: int = 900, **options: Any) -> Json:
        size = {"chunking": {"size": chunk}} if corpus == "documents" else {}
        return {"corpus_id": corpus, "rows": rows, "budget": {"max_calls": calls}, "options": options} | size

    return {
        "grounded_qa": of("documents", 6, 30, questions_per_context=2, evolve_rounds=0),
        "multi_hop_qa": of("documents", 6, 60, chunk=600),
        "conversation": of("documents", 4, 60),
        "reasoning": of("documents", 6, 50),
        "tool_calls": of(None, 8, 60, tools=TOOLS),
        "summarise": of("documents", 8, 30, chunk=3000, styles=STYLES),
        "classify": of("documents", 10, 40, labels=LABELS, generate=1),
        "paraphrase": of("documents", 12, 45, variants=3),
        "extract": of("documents", 5, 20, json_schema=SHIP),
        "pretrain": of("documents", 12, 40) | {"options": RELATED, "chunking": {}},
        "preferences": of("documents", 6, 60),
        "instruct": of("seeds", 10, 50, include_seeds=True, grow=1, evolve_rounds=1),
        "text_to_sql": of("shop", 10, 40),
        "text_to_cypher": of("films", 10, 50),
    }


def shop(chance: random.Random) -> str:
    """A dump of customers, products, orders and their items."""
    lines = [
        "CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT NOT NULL, city TEXT NOT NULL, joined DATE);",
        "CREATE TABLE products (id INTEGER PRIMARY KEY, title TEXT NOT NULL, category TEXT NOT NULL, "
        "price DECIMAL(8,2), stock INTEGER);",
        "CREATE TABLE orders (id INTEGER PRIMARY KEY, customer_id INTEGER REFERENCES customers(id), "
        "ordered_on DATE, status TEXT);",
        "CREATE TABLE order_items (order_id INTEGER REFERENCES orders(id), product_id INTEGER REFERENCES products(id), "
        "quantity INTEGER, PRIMARY KEY (order_id, product_id));",
    ]

    def day(first: int) -> str:
        return f"{chance.randint(first, 2024)}-{chance.randint(1, 12):02}-{chance.randint(1, 28):02}"

    people = chance.sample([f"{name} {surname}" for name in NAMES for surname in SURNAMES], 40)
    for i, name in enumerate(people, 1):
        lines.append(f"INSERT INTO customers VALUES ({i}, '{name}', '{chance.choice(CITIES)}', '{day(2018)}');")
    goods = [(title, category) for category, titles in PRODUCTS.items() for title in titles]
    for i, (title, category) in enumerate(goods, 1):
        price, stock = f"{chance.randint(9, 399)}.{chance.choice(('00', '50', '90'))}", chance.randint(0, 120)
        lines.append(f"INSERT INTO products VALUES ({i}, '{title}', '{category}', {price}, {stock});")
    for i in range(1, 121):
        status = chance.choice(("shipped", "shipped", "open", "returned"))
        lines.append(f"INSERT INTO orders VALUES ({i}, {chance.randint(1, 34)}, '{day(2022)}', '{status}');")
        for product in chance.sample(range(1, len(goods) + 1), chance.randint(1, 4)):
            lines.append(f"INSERT INTO order_items VALUES ({i}, {product}, {chance.randint(1, 5)});")
    return "\n".join(lines)


def films(chance: random.Random) -> str:
    """A graph of people, films and studios."""
    people = [f"{name} {chance.choice(SURNAMES)}" for name in NAMES]
    nodes = [{"id": f"p{i}", "labels": ["Person"], "properties": {"name": name, "born": chance.randint(1945, 1995)}}
             for i, name in enumerate(people)]  # fmt: skip
    edges = []
    for i, title in enumerate(FILMS):
        about = {"title": title, "year": chance.randint(2004, 2023), "minutes": chance.randint(82, 158)}
        nodes.append({"id": f"m{i}", "labels": ["Movie"], "properties": about})
        for person in chance.sample(range(len(people)), 4):
            role = {"role": chance.choice(("lead", "support"))}
            edges.append({"source": f"p{person}", "target": f"m{i}", "type": "ACTED_IN", "properties": role})
        edges.append({"source": f"p{chance.randrange(len(people))}", "target": f"m{i}", "type": "DIRECTED"})
        edges.append({"source": f"s{i % 2}", "target": f"m{i}", "type": "PRODUCED"})
    for i, (name, city) in enumerate((("Aurora Film", "Oslo"), ("Polar Studio", "Tromso"))):
        nodes.append({"id": f"s{i}", "labels": ["Studio"], "properties": {"name": name, "city": city}})
    return json.dumps({"nodes": nodes, "edges": edges})


def corpora(http: httpx.Client) -> dict[str, str]:
    """Name -> id of what the datasets are made of, uploaded."""
    documents = {path.name: path.read_bytes() for path in samples.paths()}
    lines = "".join(json.dumps({"instruction": seed, "input": "", "output": ""}) + "\n" for seed in SEEDS)
    chance = random.Random(7)
    files = {"documents": documents, "seeds": {"seeds.jsonl": lines.encode()},
             "shop": {"shop.sql": shop(chance).encode()}, "films": {"films.json": films(chance).encode()}}  # fmt: skip
    found = {}
    for name, given in files.items():
        found[name] = asked(http, "POST", "/v1/corpora", json={"name": name})["id"]
        for file, data in given.items():
            asked(http, "PUT", f"/v1/corpora/{found[name]}/documents/{file}", content=data)
    return found


def asked(http: httpx.Client, method: str, path: str, **given: Any) -> Json:
    reply = http.request(method, path, **given)
    if reply.is_error:
        raise SystemExit(f"{method} {path}: {reply.status_code} {reply.text[:500]}")
    found: Json = reply.json()
    return found


def rows_of(http: httpx.Client, dataset: str) -> list[Json]:
    """All rows, kept and dropped."""
    found: list[Json] = []
    for state in ("accepted", "dropped"):
        more = True
        after: dict[str, str] = {}
        while more:
            query = {"state": state, "limit": 100, **after}
            page = asked(http, "GET", f"/v1/datasets/{dataset}/samples", params=query)
            found += page["data"]
            more, after = page["has_more"], {"after": page["last_id"]}
    return found


def measured(http: httpx.Client, task: str, wanted: Json, folder: Path) -> str:
    """One dataset to its end: a line of a table."""
    dataset = asked(http, "POST", "/v1/datasets", json={"task": task, "name": f"yield {task}", **wanted})
    began = time.monotonic()
    while dataset["status"] not in FINAL:
        time.sleep(POLL_SECONDS)
        dataset = asked(http, "GET", f"/v1/datasets/{dataset['id']}")
    rows = rows_of(http, dataset["id"])
    (folder / f"{task}.json").write_text(json.dumps({"dataset": dataset, "rows": rows}, ensure_ascii=False, indent=1))
    kept = sum(row["state"] == "accepted" for row in rows)
    reasons = Counter(row["reason"] for row in rows if row["state"] != "accepted")
    told = ", ".join(f"`{reason}` {count}" for reason, count in reasons.most_common(4))
    seconds, calls = time.monotonic() - began, dataset["usage"]["calls"]
    cells = (f"`{task}`", dataset["model"], len(rows), kept, told, calls, round(seconds), dataset["status"])
    return f"| {' | '.join(map(str, cells))} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", default="http://127.0.0.1:8321")
    parser.add_argument("--out", type=Path, default=Path("yield"))
    parser.add_argument("--task", action="append", choices=sorted(plan()), help="only these")
    parser.add_argument("--calls", type=int, help="at most so many a task")
    parser.add_argument("--at-once", type=int, default=1, help="datasets")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    with httpx.Client(base_url=options.url, timeout=120) as http, ThreadPoolExecutor(options.at_once) as pool:
        ids = corpora(http)
        print(f"| task | model | rows made | kept | dropped most | calls | seconds | ended |\n{'|---' * 8}|")  # noqa: T201
        wanted = {
            task: {name: value for name, value in given(body, ids, options.calls).items() if value is not None}
            for task, body in plan().items()
            if not options.task or task in options.task
        }
        for line in pool.map(lambda task: measured(http, task, wanted[task], options.out), wanted):
            print(line, flush=True)  # noqa: T201


def given(body: Json, ids: dict[str, str], calls: int | None) -> Json:
    """The request, with the corpus by its id, and no more than so many calls."""
    most = min(body["budget"]["max_calls"], calls or body["budget"]["max_calls"])
    return body | {"corpus_id": ids[body["corpus_id"]] if body["corpus_id"] else None, "budget": {"max_calls": most}}


if __name__ == "__main__":
    main()
