"""Every error is problem+json with an `error` member and a request id, and OpenAI's own client understands it."""

import logging
import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import openai
import pytest
from fastapi.testclient import TestClient
from openai import OpenAI

from app.problems import ProblemBody
from app.settings import settings
from tests.api.conftest import open_api
from tests.conftest import forget_process_state
from tests.service import Service, free_port


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with open_api(tmp_path_factory.mktemp("api")) as service:
        yield service


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/v1/nothing", 404, "not_found"),
        ("GET", "/v1/corpora/crp_no", 404, "not_found"),
        ("DELETE", "/v1/corpora", 405, "method_not_allowed"),
        ("GET", "/v1/corpora?limit=0", 422, "invalid_request"),
        ("POST", "/v1/datasets", 422, "invalid_request"),
        ("PUT", "/v1/corpora/crp_no/documents/a.txt", 404, "not_found"),
        ("GET", "/v1/exports/exp_no/data.jsonl", 404, "not_found"),
        ("GET", "/v1/exports/exp_no/passwd", 422, "invalid_request"),
    ],
)
def test_every_error_is_a_problem_with_an_error_member(
    client: TestClient, method: str, path: str, status: int, code: str
) -> None:
    reply = client.request(method, path)
    assert reply.status_code == status
    assert reply.headers["content-type"] == "application/problem+json"
    problem = ProblemBody.model_validate(reply.json())
    assert problem.status == status
    assert problem.type == f"/problems/{code}"
    assert problem.error.code == code
    assert problem.error.message == problem.detail
    assert problem.instance == path.split("?")[0]
    assert problem.request_id == reply.headers["x-request-id"]


def test_a_method_that_is_not_allowed_names_those_that_are(client: TestClient) -> None:
    assert client.delete("/v1/corpora/crp_a").headers["allow"] == "GET"


def test_a_plain_request_id_is_echoed_and_any_other_replaced(client: TestClient) -> None:
    assert client.get("/healthz", headers={"x-request-id": "my-id_1.2"}).headers["x-request-id"] == "my-id_1.2"
    for bad in ("", "two words", "x" * 101, '{"a":1}', "line\n"):
        found = client.get("/healthz", headers={b"x-request-id": bad.encode()}).headers["x-request-id"]
        assert re.fullmatch(r"req_[0-9a-f]{24}", found)


@pytest.mark.parametrize("body", [b"{", b"", b"\xff\xfe", b'{"name": "a"} x', b"[" * 100_000, b'{"name": NaN}'])
def test_a_body_that_is_not_json_is_refused_and_points_nowhere(client: TestClient, body: bytes) -> None:
    reply = client.post("/v1/corpora", content=body, headers={"content-type": "application/json"})
    assert reply.status_code in (400, 422), reply.text
    assert reply.headers["content-type"] == "application/problem+json"
    assert not re.search(r"/\d", str(reply.json()["errors"]))


@pytest.mark.parametrize("content_type", ["application/json", "Application/JSON; charset=utf-8", "text/plain", None])
def test_a_body_over_the_limit_is_refused_whatever_it_says_it_is(client: TestClient, content_type: str | None) -> None:
    body = b'{"name": "' + b"x" * settings().max_json_bytes + b'"}'
    headers = {"content-type": content_type} if content_type else {}
    announced = client.post("/v1/corpora", content=body, headers=headers)
    streamed = client.post(
        "/v1/corpora", content=(body[i : i + 65536] for i in range(0, len(body), 65536)), headers=headers
    )
    for reply in (announced, streamed):
        assert reply.status_code == 413
        assert reply.json()["error"]["code"] == "too_large"


def test_an_error_on_our_side_is_a_problem_that_tells_nothing_but_its_request_id(client: TestClient) -> None:
    @client.app.get("/broken")  # type: ignore[attr-defined,untyped-decorator]
    def broken() -> None:
        raise RuntimeError("secret")

    logging.disable()
    reply = client.get("/broken", headers={"x-request-id": "asked"})
    logging.disable(logging.NOTSET)
    assert reply.status_code == 500
    assert reply.headers["x-request-id"] == reply.json()["request_id"] == "asked"
    assert reply.json()["error"] == {
        "message": "An error on our side; the request id names it in the log.",
        "type": "server_error",
        "param": None,
        "code": "internal_error",
    }
    assert "secret" not in reply.text


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_database_that_is_away_means_busy_and_not_broken(
    environment: pytest.MonkeyPatch, client: TestClient, tmp_path: Path
) -> None:
    port = free_port()
    environment.setenv("CORPUSMITH_DATABASE_URL", f"postgresql://nobody@127.0.0.1:{port}/none")
    forget_process_state()
    for method, path in (("GET", "/v1/corpora"), ("POST", "/v1/corpora"), ("PUT", "/v1/corpora/crp_a/documents/a.txt")):
        reply = client.request(method, path, json={})
        assert (reply.status_code, reply.json()["error"]["code"]) == (503, "busy"), reply.text
        assert int(reply.headers["retry-after"]) <= 120
        assert str(port) not in reply.text
    ready = client.get("/readyz")
    assert (ready.status_code, ready.json()["parts"]["database"]) == (503, "OperationalError")
    assert client.get("/healthz").status_code == 200


def test_openais_client_reads_code_param_and_request_id(api: Service) -> None:
    client = OpenAI(base_url=f"{api.http.base_url}/v1", api_key="none", max_retries=0)
    with pytest.raises(openai.UnprocessableEntityError) as refused:
        client.post("/datasets", body={"corpus_id": "crp_no", "task": "grounded_q"}, cast_to=httpx.Response)
    assert (refused.value.code, refused.value.param) == ("unknown_catalog_entry", "task")
    assert refused.value.type == "invalid_request_error"
    assert (refused.value.request_id or "").startswith("req_")
    assert "grounded_qa" in refused.value.message
    with pytest.raises(openai.NotFoundError) as missing:
        client.get("/corpora/crp_no", cast_to=httpx.Response)
    assert (missing.value.code, missing.value.param) == ("not_found", "corpus_id")
    client.close()
