"""A POST happens once: by its key, or by what an SDK says about its retries."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import func, select, update

from app.db import reading, transaction
from app.idempotency import SDK_RETRY_WINDOW
from app.models import Corpus, IdempotencyKey


def count() -> int:
    with reading() as session:
        return session.scalar(select(func.count()).select_from(Corpus)) or 0


def grow_older(age: timedelta) -> None:
    with transaction() as session:
        session.execute(update(IdempotencyKey).values(created_at=datetime.now(UTC) - age))


def test_the_same_key_and_body_give_the_same_corpus_and_one_row(client: TestClient) -> None:
    headers = {"Idempotency-Key": "k1"}
    first, second = (client.post("/v1/corpora", json={"name": "a"}, headers=headers) for _ in range(2))
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json() == second.json()
    assert first.headers["location"] == second.headers["location"]
    assert count() == 1


def test_a_body_that_says_the_same_in_other_words_is_the_same(client: TestClient) -> None:
    headers = {"Idempotency-Key": "k1", "content-type": "application/json"}
    for body in ("{}", '{ "name" : "corpus" }'):
        assert client.post("/v1/corpora", content=body, headers=headers).status_code == 201
    assert count() == 1


def test_the_same_key_with_another_body_is_refused(client: TestClient) -> None:
    headers = {"Idempotency-Key": "k1"}
    client.post("/v1/corpora", json={"name": "a"}, headers=headers)
    reply = client.post("/v1/corpora", json={"name": "b"}, headers=headers)
    assert (reply.status_code, reply.json()["error"]["code"]) == (422, "idempotency_key_reused")
    assert count() == 1


def test_no_key_means_a_new_corpus_each_time(client: TestClient) -> None:
    assert len({client.post("/v1/corpora", json={}).json()["id"] for _ in range(3)}) == 3


def test_a_key_belongs_to_its_tenant_and_route(client: TestClient, tenants: dict[str, dict[str, str]]) -> None:
    made = [
        client.post("/v1/corpora", json={}, headers={"Idempotency-Key": "k"} | tenants[name]).json()["id"]
        for name in ("ours", "theirs", "ours")
    ]
    assert made[0] == made[2] != made[1]


def test_a_request_that_was_refused_can_be_sent_again_under_its_key(client: TestClient) -> None:
    headers = {"Idempotency-Key": "k"}
    assert client.post("/v1/corpora", json={"name": ""}, headers=headers).status_code == 422
    assert client.post("/v1/corpora", json={"name": "a"}, headers=headers).status_code == 201
    wanted = {"corpus_id": "crp_no"}
    for _ in range(2):
        assert client.post("/v1/datasets", json=wanted, headers=headers).status_code == 404


@pytest.mark.parametrize("key", ["", "x" * 256])
def test_a_key_of_no_or_too_many_characters_is_refused(client: TestClient, key: str) -> None:
    reply = client.post("/v1/corpora", json={}, headers={"Idempotency-Key": key})
    assert (reply.status_code, reply.json()["error"]["param"]) == (422, "Idempotency-Key")


def test_a_retry_of_an_sdk_that_sends_no_key_is_found_by_its_body(client: TestClient) -> None:
    first = client.post("/v1/corpora", json={"name": "a"}, headers={"x-stainless-retry-count": "0"})
    retry = client.post("/v1/corpora", json={"name": "a"}, headers={"x-stainless-retry-count": "1"})
    other = client.post("/v1/corpora", json={"name": "b"}, headers={"x-stainless-retry-count": "1"})
    assert first.json() == retry.json()
    assert other.json()["id"] != first.json()["id"]
    assert count() == 2


def test_an_sdk_may_ask_for_the_same_again_on_purpose(client: TestClient) -> None:
    headers = {"x-stainless-retry-count": "0"}
    assert len({client.post("/v1/corpora", json={}, headers=headers).json()["id"] for _ in range(2)}) == 2


def test_a_retry_long_after_is_a_new_request(client: TestClient) -> None:
    first = client.post("/v1/corpora", json={}).json()
    grow_older(SDK_RETRY_WINDOW + timedelta(seconds=1))
    assert client.post("/v1/corpora", json={}, headers={"x-stainless-retry-count": "1"}).json()["id"] != first["id"]


def test_a_key_is_free_again_after_its_time(client: TestClient) -> None:
    headers = {"Idempotency-Key": "k"}
    first = client.post("/v1/corpora", json={"name": "a"}, headers=headers).json()
    grow_older(IdempotencyKey.KEPT + timedelta(seconds=1))
    again = client.post("/v1/corpora", json={"name": "b"}, headers=headers)
    assert again.status_code == 201 and again.json()["id"] != first["id"]
    assert client.post("/v1/corpora", json={"name": "b"}, headers=headers).json() == again.json()


def test_requests_at_the_same_time_under_one_key_make_one_corpus(client: TestClient) -> None:
    headers = {"Idempotency-Key": "k"}
    with ThreadPoolExecutor(12) as pool:
        posts = [pool.submit(client.post, "/v1/corpora", json={}, headers=headers) for _ in range(24)]
        replies = [post.result() for post in posts]
    assert {reply.status_code for reply in replies} <= {201, 409}
    assert len({reply.json()["id"] for reply in replies if reply.status_code == 201}) == 1
    for reply in replies:
        if reply.status_code == 409:
            assert reply.headers["retry-after"] == "1"
            assert reply.json()["error"]["code"] == "idempotency_key_in_flight"
    assert count() == 1
