"""Corpora: made, read, and listed page by page."""

from typing import Any

import pytest
from fastapi.testclient import TestClient


def test_a_corpus_is_made_read_and_located(client: TestClient) -> None:
    made = client.post("/v1/corpora", json={"name": "Паромы"})
    assert made.status_code == 201
    corpus = made.json()
    assert made.headers["location"] == f"/v1/corpora/{corpus['id']}"
    assert corpus["object"] == "corpus" and corpus["name"] == "Паромы"
    found = client.get(made.headers["location"]).json()
    assert found == corpus | {"documents": {"pending": 0, "parsed": 0, "failed": 0}}


def test_a_corpus_counts_its_current_documents_by_status(client: TestClient, corpus_id: str) -> None:
    for name, data in (("a.txt", b"1"), ("b.txt", b"2"), ("a.txt", b"3")):
        client.put(f"/v1/corpora/{corpus_id}/documents/{name}", content=data)
    assert client.get(f"/v1/corpora/{corpus_id}").json()["documents"] == {"pending": 2, "parsed": 0, "failed": 0}


def test_45_corpora_come_in_pages_of_ten_newest_first_each_once(client: TestClient) -> None:
    made = [client.post("/v1/corpora", json={"name": f"c{i}"}).json()["id"] for i in range(45)]
    listed: list[str] = []
    sizes = []
    query: dict[str, Any] = {"limit": 10}
    while True:
        page = client.get("/v1/corpora", params=query).json()
        sizes.append(len(page["data"]))
        assert (page["first_id"], page["last_id"]) == (page["data"][0]["id"], page["data"][-1]["id"])
        listed += [corpus["id"] for corpus in page["data"]]
        if sizes == [10]:  # what is made meanwhile moves nothing on the pages that follow
            client.post("/v1/corpora", json={"name": "late"})
        if not page["has_more"]:
            break
        query["after"] = page["last_id"]
    assert sizes == [10, 10, 10, 10, 5]
    assert listed == made[::-1]


def test_an_empty_list_is_a_page_too(client: TestClient) -> None:
    assert client.get("/v1/corpora").json() == {
        "object": "list",
        "data": [],
        "has_more": False,
        "first_id": None,
        "last_id": None,
    }


@pytest.mark.parametrize(
    ("query", "status", "param"),
    [
        ({"limit": "0"}, 422, "limit"),
        ({"limit": "101"}, 422, "limit"),
        ({"limit": "ten"}, 422, "limit"),
        ({"after": "x" * 61}, 422, "after"),
        ({"after": "crp_no"}, 404, None),
    ],
)
def test_a_page_that_cannot_be_is_refused(
    client: TestClient, query: dict[str, str], status: int, param: str | None
) -> None:
    reply = client.get("/v1/corpora", params=query)
    assert (reply.status_code, reply.json()["error"]["param"]) == (status, param)


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"name": ""}, "/name"),
        ({"name": "x" * 201}, "/name"),
        ({"name": 7}, "/name"),
        ({"name": "two\nlines"}, "/name"),
        ({"name": "a\x00b"}, "/name"),
        ({"name": "a", "tenant_id": "theirs"}, "/tenant_id"),
        ({"nmae": "a"}, "/nmae"),
        (["a"], ""),
    ],
)
def test_a_corpus_that_is_asked_for_wrongly_is_refused_with_the_field(
    client: TestClient, body: Any, pointer: str
) -> None:
    reply = client.post("/v1/corpora", json=body)
    assert reply.status_code == 422
    problem = reply.json()
    assert [error["pointer"] for error in problem["errors"]] == [pointer]
    assert problem["error"]["param"] == (pointer.strip("/") or None)
    assert client.get("/v1/corpora").json()["data"] == []


def test_half_of_a_surrogate_pair_is_refused_and_can_be_shown(client: TestClient) -> None:
    headers = {"content-type": "application/json"}
    for body in (b'{"name": "a\\ud800"}', b'{"\\ud800": 1}'):
        reply = client.post("/v1/corpora", content=body, headers=headers)
        assert reply.status_code == 422, reply.text
        assert reply.json()["errors"]


@pytest.mark.parametrize("corpus_id", ["crp_no", "%00", "%F0%9F%9A%A2", "x" * 500, "..%2f..", "%C2%B2"])
def test_an_id_that_is_none_is_not_found_whatever_it_is_made_of(client: TestClient, corpus_id: str) -> None:
    reply = client.get(f"/v1/corpora/{corpus_id}")
    assert reply.status_code in (404, 422)  # PostgreSQL cannot even be asked for a NUL
    assert reply.headers["content-type"] == "application/problem+json"
