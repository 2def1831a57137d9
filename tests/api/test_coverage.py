"""What share of the documents the rows cite, counted again character by character; sources; verification."""

import itertools
import random
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient

from app import storage
from app.coverage import intervals, sections
from app.coverage.sentences import widen
from app.db import transaction
from app.models import Dataset, Document
from tests.api import planted
from tests.api.planted import Planted, span
from workers.parse.headings import find

Json = dict[str, Any]

FERRIES = """Before all headings.

# Ferries

The Aurora leaves at seven. She carries forty cars. Bicycles travel free!

## Prices

A ticket costs nine euros. Children pay half.

## Safety

Life jackets are under the seats. The crew shows how they are worn.
"""
RULES = "One rule only. It is short.\n\nAnother paragraph stands here."


@pytest.fixture
def ferries(client: TestClient) -> Planted:
    """Four rows: two on one sentence of Ferries, one over two sections, one in another document."""
    client.get("/v1/corpora")  # makes the tenant
    found = planted.corpus("default", {"ferries.md": FERRIES, "rules.md": RULES})
    planted.rows(
        "default",
        found,
        [
            {"sources": [span(found, "ferries.md", "leaves at seven")]},
            {"sources": [span(found, "ferries.md", "leaves at seven"), span(found, "ferries.md", "Aurora")]},
            {"sources": [span(found, "ferries.md", "Children pay half."), span(found, "ferries.md", "Life jackets")]},
            {"sources": [span(found, "rules.md", "It is short.")]},
            {"state": "dropped", "reason": "not_faithful", "sources": [span(found, "rules.md", "Another paragraph")]},
        ],
    )
    return found


def coverage(client: TestClient, found: Planted, **params: Any) -> Json:
    reply = client.get(f"/v1/corpora/{found.corpus_id}/coverage", params=params)
    assert reply.status_code == 200, reply.text
    body: Json = reply.json()
    return body


def by_hand(found: Planted, name: str, unit: str, quotes: list[str]) -> dict[str, tuple[int, int]]:
    """Section -> (characters, cited), by a mark on each character."""
    text = found.texts[name]
    marked = [False] * len(text)
    for quote in quotes:
        start = text.index(quote)
        end = start + len(quote)
        if unit == "sentence":
            while start > 0 and text[start - 2 : start] not in (". ", "! ", "\n\n"):
                start -= 1
            while text[end - 1] not in ".!":
                end += 1
        marked[start:end] = [True] * (end - start)
    if unit == "sentence":
        for i in range(1, len(text) - 1):
            marked[i] = marked[i] or (text[i] == " " and marked[i - 1] and marked[i + 1])
    counts = {}
    layout = {"headings": [[h.level, h.title, h.start] for h in find(text)]}
    for section in sections.of(text, layout):
        counts[section.path] = (section.end - section.start, sum(marked[section.start : section.end]))
    return counts


FERRY_QUOTES = ["leaves at seven", "Aurora", "Children pay half.", "Life jackets"]


@pytest.mark.parametrize("unit", ["span", "sentence"])
def test_sections_are_counted_as_by_hand(client: TestClient, ferries: Planted, unit: str) -> None:
    body = coverage(client, ferries, unit=unit)
    documents = {document["name"]: document for document in body["data"]}
    for name, quotes in (("ferries.md", FERRY_QUOTES), ("rules.md", ["It is short."])):
        wanted = by_hand(ferries, name, unit, quotes)
        counted = {s["path"]: (s["characters"], s["cited"]) for s in documents[name]["sections"]}
        assert counted == wanted
        assert documents[name]["characters"] == sum(characters for characters, _ in wanted.values())
        assert documents[name]["cited"] == sum(cited for _, cited in wanted.values())
    assert sum(cited for _, cited in by_hand(ferries, "ferries.md", unit, FERRY_QUOTES).values()) > 30
    assert body["totals"]["cited"] == sum(document["cited"] for document in body["data"])
    assert body["totals"]["share"] == round(body["totals"]["cited"] / body["totals"]["characters"], 4)


def test_sections_are_what_stands_under_each_heading(client: TestClient, ferries: Planted) -> None:
    (document,) = [d for d in coverage(client, ferries)["data"] if d["name"] == "ferries.md"]
    texts = {s["path"]: FERRIES[s["start"] : s["end"]] for s in document["sections"]}
    assert texts == {
        "": "Before all headings.",
        "Ferries": "The Aurora leaves at seven. She carries forty cars. Bicycles travel free!",
        "Ferries > Prices": "A ticket costs nine euros. Children pay half.",
        "Ferries > Safety": "Life jackets are under the seats. The crew shows how they are worn.",
    }
    rows = {s["path"]: s["rows"] for s in document["sections"]}
    assert rows == {"": 0, "Ferries": 2, "Ferries > Prices": 1, "Ferries > Safety": 1}
    assert document["rows"] == 3 and document["sections_uncited"] == 1


def test_a_source_counts_for_the_sentence_it_stands_in(client: TestClient, ferries: Planted) -> None:
    (document,) = [d for d in coverage(client, ferries)["data"] if d["name"] == "ferries.md"]
    cited = {s["path"]: s["cited"] for s in document["sections"]}
    assert cited["Ferries"] == len("The Aurora leaves at seven.")
    assert cited["Ferries > Safety"] == len("Life jackets are under the seats.")


def test_least_puts_what_is_cited_least_first(client: TestClient, ferries: Planted) -> None:
    body = coverage(client, ferries, order="least")
    shares = [document["share"] for document in body["data"]]
    assert shares == sorted(shares) and shares[0] < shares[1]
    for document in body["data"]:
        of_sections = [section["share"] for section in document["sections"]]
        assert of_sections == sorted(of_sections)
    assert next(s["path"] for d in body["data"] if d["name"] == "ferries.md" for s in d["sections"]) == ""


@pytest.mark.parametrize("order", ["newest", "least"])
def test_documents_come_page_by_page_and_each_once(client: TestClient, order: str) -> None:
    client.get("/v1/corpora")
    found = planted.corpus("default", {f"{i}.md": f"Sentence {i}. " * (i + 1) for i in range(7)})
    planted.rows("default", found, [{"sources": [span(found, f"{i}.md", f"Sentence {i}.")]} for i in range(0, 7, 2)])
    whole = [document["id"] for document in coverage(client, found, order=order, limit=100)["data"]]
    seen: list[str] = []
    after: Json = {}
    while True:
        page = coverage(client, found, order=order, limit=3, **after)
        seen += [document["id"] for document in page["data"]]
        assert page["first_id"] == page["data"][0]["id"]
        if not page["has_more"]:
            break
        after = {"after": page["last_id"]}
    assert seen == whole and sorted(seen) == sorted(found.documents.values())


def test_evenness_is_that_of_the_definition(client: TestClient, ferries: Planted) -> None:
    """Gini by its definition: half the mean difference between any two characters' density, over the mean density."""
    body = coverage(client, ferries)
    parts = [(s["rows"] / s["characters"], s["characters"]) for d in body["data"] for s in d["sections"]]
    total = sum(size for _, size in parts)
    mean = sum(density * size for density, size in parts) / total
    difference = sum(abs(a - b) * n * m for a, n in parts for b, m in parts) / total**2
    assert body["totals"]["gini"] == pytest.approx(difference / (2 * mean), abs=1e-4)


def test_a_corpus_without_rows_is_covered_by_nothing(client: TestClient) -> None:
    client.get("/v1/corpora")
    found = planted.corpus("default", {"a.md": RULES})
    totals = coverage(client, found)["totals"]
    assert (totals["share"], totals["rows"], totals["gini"]) == (0.0, 0, None)
    empty = client.post("/v1/corpora", json={"name": "empty"}).json()["id"]
    body = client.get(f"/v1/corpora/{empty}/coverage").json()
    assert (body["data"], body["has_more"], body["first_id"]) == ([], False, None)


def test_without_a_dataset_all_that_succeeded_count(client: TestClient, ferries: Planted) -> None:
    first = ferries.dataset_id
    with transaction() as session:
        ferries.dataset_id = planted.dataset(session, "default", ferries.corpus_id)
        failed = planted.dataset(session, "default", ferries.corpus_id, status="failed")
    planted.rows("default", ferries, [{"sources": [span(ferries, "rules.md", "Another paragraph")]}])
    both = coverage(client, ferries)
    assert both["datasets"] == [first, ferries.dataset_id]
    assert (both["totals"]["rows"], both["totals"]["spans"]) == (5, 7)
    assert coverage(client, ferries, dataset=first)["totals"]["rows"] == 4
    assert coverage(client, ferries, dataset=failed)["totals"]["rows"] == 0


def test_sources_in_a_replaced_document_are_counted_apart(client: TestClient, ferries: Planted) -> None:
    with transaction() as session:
        session.get_one(Document, ferries.documents["rules.md"]).replaced = True
    totals = coverage(client, ferries)["totals"]
    assert (totals["documents"], totals["spans"], totals["spans_elsewhere"]) == (1, 6, 1)


def test_a_row_shows_its_sources_with_the_text_around_them(client: TestClient, ferries: Planted) -> None:
    path = f"/v1/datasets/{ferries.dataset_id}/samples/{ferries.samples[2]}/sources"
    first, second = client.get(path, params={"around": 10}).json()["data"]
    assert (first["before"], first["quote"], first["after"]) == ("ne euros. ", "Children pay half.", "\n\n## Safet")
    assert (first["section"], second["section"]) == ("Ferries > Prices", "Ferries > Safety")
    assert first["located"] and first["problem"] is None
    for source in client.get(path).json()["data"]:
        start, end = source["start"], source["end"]
        assert source["before"] == FERRIES[max(0, start - 200) : start]
        assert source["after"] == FERRIES[end : end + 200]
    assert client.get(path, params={"around": 2001}).status_code == 422


def test_a_source_whose_text_changed_is_not_called_located(client: TestClient, ferries: Planted) -> None:
    good = span(ferries, "rules.md", "It is short.")
    bad = [
        good | {"sha256": "0" * 64},
        good | {"end": 10_000},
        good | {"document_id": "doc_gone"},
    ]
    (row,) = planted.rows("default", ferries, [{"sources": [good, *bad]}])
    sources = client.get(f"/v1/datasets/{ferries.dataset_id}/samples/{row}/sources").json()["data"]
    assert [source["located"] for source in sources] == [True, False, False, False]
    assert all(source["problem"] and not source["before"] for source in sources[1:])
    found = client.get(f"/v1/datasets/{ferries.dataset_id}/verification").json()
    assert (found["rows"], found["spans"], found["located"], found["not_located"]) == (5, 10, 7, 3)
    assert sorted(example["problem"] for example in found["examples"]) == [
        "document_missing", "other_text", "out_of_range"
    ]  # fmt: skip
    assert {example["sample_id"] for example in found["examples"]} == {str(row)}
    assert coverage(client, ferries)["totals"]["spans_not_located"] == 2


def test_a_blob_that_is_gone_is_found_out(client: TestClient, ferries: Planted) -> None:
    sha256 = storage.keep_bytes(RULES.encode())
    store = storage.storage()
    assert isinstance(store, storage.Folder)
    store.path(sha256).unlink()
    found = client.get(f"/v1/datasets/{ferries.dataset_id}/verification").json()
    assert (found["spans"], found["located"]) == (6, 5)
    assert found["examples"][0]["problem"] == "text_missing"
    assert coverage(client, ferries)["totals"]["documents_unreadable"] == 1


def test_all_sources_of_good_rows_are_located(client: TestClient, ferries: Planted) -> None:
    found = client.get(f"/v1/datasets/{ferries.dataset_id}/verification").json()
    assert found["located"] == found["spans"] == 6
    assert (found["share"], found["rows"], found["documents"], found["examples"]) == (1.0, 4, 2, [])


def test_strangers_and_wrong_ids_get_404(client: TestClient, tenants: dict[str, dict[str, str]]) -> None:
    found = planted.corpus("ours", {"rules.md": RULES})
    (row,) = planted.rows("ours", found, [{"sources": [span(found, "rules.md", "It is short.")]}])
    paths = [
        f"/v1/corpora/{found.corpus_id}/coverage",
        f"/v1/datasets/{found.dataset_id}/samples/{row}/sources",
        f"/v1/datasets/{found.dataset_id}/verification",
    ]
    for path in paths:
        assert client.get(path, headers=tenants["ours"]).status_code == 200, path
        assert client.get(path, headers=tenants["theirs"]).status_code == 404, path
    other = planted.corpus("ours", {"x.md": RULES})
    wrong = [
        (paths[0], {"dataset": other.dataset_id}),
        (paths[0], {"after": "doc_x"}),
        (paths[1].replace(found.dataset_id, other.dataset_id), {}),
        (paths[1].replace(f"/{row}/", "/9999/"), {}),
        (paths[1].replace(f"/{row}/", "/x/"), {}),
    ]
    for path, params in wrong:
        assert client.get(path, params=params, headers=tenants["ours"]).status_code == 404, (path, params)


def test_live_datasets_are_measured_too(client: TestClient, ferries: Planted) -> None:
    with transaction() as session:
        session.get_one(Dataset, ferries.dataset_id).status = "generating"
    assert coverage(client, ferries, dataset=ferries.dataset_id)["totals"]["rows"] == 4
    assert coverage(client, ferries)["totals"]["rows"] == 0


def spans(random: random.Random, length: int, count: int) -> Iterator[tuple[int, int]]:
    for _ in range(count):
        start = random.randrange(length)
        yield start, random.randrange(start, length + 1)


@pytest.mark.parametrize("seed", range(30))
def test_unions_and_covered_characters_are_those_of_sets(seed: int) -> None:
    draw = random.Random(seed)
    given = list(spans(draw, 200, draw.randrange(12)))
    characters = {i for start, end in given for i in range(start, end)}
    union = intervals.union(given)
    assert all(end < start for (_, end), (start, _) in itertools.pairwise(union))
    assert {i for start, end in union for i in range(start, end)} == characters
    for start, end in spans(draw, 200, 20):
        assert intervals.covered(union, start, end) == len(characters & set(range(start, end)))


def test_evenness_of_nothing_of_all_and_of_one() -> None:
    assert intervals.gini([], []) is None
    assert intervals.gini([0, 0], [5, 5]) is None
    assert intervals.gini([2, 4, 6], [100, 200, 300]) == pytest.approx(0)
    assert intervals.gini([0] * 99 + [7], [10] * 100) == pytest.approx(0.99)


@pytest.mark.parametrize(
    ("text", "quote", "sentence"),
    [
        ("One. Two is here! Three?", "is", "Two is here!"),
        ("He said: “Go. Now.” Then he went.", "Now", "Now.”"),
        ("Pi is 3.14 or so. Next.", "14", "Pi is 3.14 or so."),
        ("- first item\n- second item\n- third", "second", "- second item"),
        ("A wrapped\nline goes on. Next.", "wrapped", "A wrapped\nline goes on."),
        ("# Head\n\nBody without an end", "Body", "Body without an end"),
        ("第一句。第二句很长。第三句。", "很长", "第二句很长。"),
        ("Паром уходит. Он большой.", "больш", "Он большой."),
        ("| a | b |\n| c | d |\n", "c", "| c | d |"),
        ("One. Two. Three.", "One. Two", "One. Two."),
    ],
)
def test_a_span_is_widened_to_its_sentences(text: str, quote: str, sentence: str) -> None:
    start = text.index(quote)
    first, last = widen(text, start, start + len(quote))
    assert text[first:last] == sentence


def test_a_span_in_endless_text_is_not_widened_without_end() -> None:
    text = "word " * 10_000
    start, end = widen(text, 20_000, 20_010)
    assert (start, end) == (20_000, 20_010)


def test_pages_are_the_sections_of_a_document_without_headings() -> None:
    text = "first page\fsecond page"
    found = sections.of(text, {"headings": [], "pages": [[1, 0, 11], [2, 11, 22]]})
    assert [(s.path, text[s.start : s.end]) for s in found] == [("page 1", "first page"), ("page 2", "second page")]


def test_an_underlined_heading_is_no_text_of_its_section() -> None:
    text = "Title\n=====\n\nBody.\n\nSub\n---\nMore.\n"
    layout = {"headings": [[h.level, h.title, h.start] for h in find(text)]}
    found = {s.path: text[s.start : s.end] for s in sections.of(text, layout)}
    assert found == {"Title": "Body.", "Title > Sub": "More."}
