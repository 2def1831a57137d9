"""Who may come in: only this machine while there is no key, then only who has one; and nobody sees another's things."""

import re
import sqlite3
from typing import Any

import pytest
from fastapi.testclient import TestClient

from app import ids
from app.datasets import service as datasets
from app.db import transaction
from app.keys import service
from app.main import create_app
from app.models import ApiKey, Corpus, Dataset, Exam, ModelExport, Serving, Training
from app.settings import settings

Headers = dict[str, str]
OPEN = ("/healthz", "/readyz")


def operations() -> list[tuple[str, str]]:
    paths = create_app().openapi()["paths"]
    return [(method.upper(), path) for path, methods in paths.items() for method in methods]


def new_key(tenant_id: str) -> tuple[ApiKey, Headers]:
    with transaction() as session:
        key, secret = service.create(session, "test", tenant_id)
    service._cache.clear()
    return key, {"Authorization": f"Bearer {secret}"}


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.1:8321", "localhost:8321", "[::1]:8321"])
def test_without_any_key_this_machine_comes_in(client: TestClient, host: str) -> None:
    assert client.get("/v1/corpora", headers={"host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:8321",
        "127.0.0.1.evil.example",
        "192.168.0.1",
        "",
        "[",
        "é.example",
        "127.0.0.1:x",
        "a/../127.0.0.1",
        "@",
    ],
)
def test_without_any_key_a_name_that_only_resolves_to_this_machine_stays_out(client: TestClient, host: str) -> None:
    reply = client.get("/v1/corpora", headers={b"host": host.encode("latin-1")})
    assert (reply.status_code, reply.json()["error"]["code"]) == (401, "unauthorized")
    assert reply.headers["www-authenticate"] == "Bearer"


def test_without_any_key_other_machines_stay_out(client: TestClient) -> None:
    far = TestClient(create_app(), base_url="http://127.0.0.1", client=("192.0.2.7", 40000))
    reply = far.get("/v1/corpora", headers={"x-forwarded-for": "127.0.0.1", "forwarded": "for=127.0.0.1"})
    assert reply.status_code == 401
    _, headers = new_key("ours")
    assert far.get("/v1/corpora", headers=headers).status_code == 200


@pytest.mark.parametrize(("method", "path"), operations(), ids=lambda value: str(value))
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_as_soon_as_one_key_exists_every_route_needs_one(client: TestClient, method: str, path: str) -> None:
    new_key("ours")
    for headers in ({}, {"Authorization": "Bearer csk_" + "x" * 43}, {"Authorization": "Basic b3VyczpvdXJz"}):
        reply = client.request(method, re.sub(r"{.*?}", "x", path), headers=headers)
        if path in OPEN:
            assert reply.status_code in (200, 503)
        else:
            assert reply.status_code == 401, reply.text
            assert reply.headers["www-authenticate"] == "Bearer"


def test_a_key_comes_in_until_it_is_revoked(client: TestClient, environment: pytest.MonkeyPatch) -> None:
    new_key("ours")
    key, headers = new_key("ours")
    lower = {"authorization": headers["Authorization"].replace("Bearer", "bearer")}
    assert client.get("/v1/corpora", headers=headers).status_code == 200
    assert client.get("/v1/corpora", headers=lower).status_code == 200
    with transaction() as session:
        service.revoke(session, key.id)
    environment.setattr(service, "CACHE_SECONDS", 0.0)  # in place of waiting for it
    assert client.get("/v1/corpora", headers=headers).status_code == 401


def test_a_key_is_not_taken_from_the_address(client: TestClient) -> None:
    _, headers = new_key("ours")
    secret = headers["Authorization"].split()[1]
    for name in ("key", "api_key", "access_token"):
        assert client.get("/v1/corpora", params={name: secret}).status_code == 401


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_the_database_does_not_contain_the_secret(client: TestClient, capfd: pytest.CaptureFixture[str]) -> None:
    _, headers = new_key("ours")
    secret = headers["Authorization"].split()[1]
    client.get("/v1/corpora", headers=headers)
    client.post("/v1/corpora", json={}, headers=headers)
    client.get("/v1/corpora/crp_no", headers=headers)
    with sqlite3.connect(settings().database_url.removeprefix("sqlite:///")) as database:
        dump = "\n".join(database.iterdump())
    database.close()
    assert "api_keys" in dump and secret[:8] in dump
    assert secret[8:] not in dump
    assert len(secret) >= 40
    captured = capfd.readouterr()
    assert secret[8:] not in captured.out + captured.err


@pytest.fixture
def theirs(client: TestClient, tenants: dict[str, Headers]) -> dict[str, str]:
    """One of everything that another tenant can have, by the name of its path parameter."""
    mine = tenants["theirs"]
    corpus = client.post("/v1/corpora", json={}, headers=mine).json()["id"]
    document = client.put(f"/v1/corpora/{corpus}/documents/a.txt", content=b"x", headers=mine).json()["id"]
    dataset = client.post("/v1/datasets", json={"corpus_id": corpus}, headers=mine).json()["id"]
    with transaction() as session:
        datasets.move(session, session.get_one(Dataset, dataset), "cancelled", "ended")
    export = client.post(f"/v1/datasets/{dataset}/exports", json={}, headers=mine).json()["id"]
    form: dict[str, Any] = {"data": {"purpose": "fine-tune"}, "files": {"file": ("a.jsonl", b"{}")}}
    file = client.post("/v1/files", headers=mine, **form).json()["id"]
    parted = {"bytes": 2, "filename": "a.jsonl", "mime_type": "application/jsonl", "purpose": "fine-tune"}
    upload = client.post("/v1/uploads", json=parted, headers=mine).json()["id"]
    job, model = _trained(client.get(f"/v1/datasets/{dataset}", headers=mine).json()["corpus_id"])
    return {
        "corpus_id": corpus,
        "document_id": document,
        "dataset_id": dataset,
        "other_id": dataset,
        "export_id": export,
        "file_id": file,
        "upload_id": upload,
        "job_id": job,
        "model_export_id": _exported(job),
        "name": model,
        "sample_id": "424242424242",
    }


def _trained(corpus_id: str) -> tuple[str, str]:
    """A job of the corpus's tenant that has made a model, with an exam, and served: its id and the model's name."""
    with transaction() as session:
        tenant = session.get_one(Corpus, corpus_id).tenant_id
        job = ids.new("ftjob")
        model = f"ft:base:{tenant}::{job[-10:]}"
        training = Training(
            id=job, tenant_id=tenant, model="base", method="sft", variant="lora", seed=0, training_file="file_x",
            spec={"method_options": {}, "variant_options": {}, "hyperparameters": {}, "resolved": {}, "device": "cpu"},
            status="succeeded", fine_tuned_model=model,
        )  # fmt: skip
        session.add(training)
        session.flush()
        session.add(Exam(id=ids.new("exam"), tenant_id=tenant, training_id=job))
        session.add(Serving(id=ids.new("srv"), tenant_id=tenant, training_id=job, model=model, status="served"))
    return job, model


def _exported(job_id: str) -> str:
    """An export of the job's model."""
    with transaction() as session:
        tenant = session.get_one(Training, job_id).tenant_id
        export = ModelExport(id=ids.new("mexp"), tenant_id=tenant, training_id=job_id, kind="adapter")
        session.add(export)
        return export.id


BODIES: dict[str, Any] = {  # what makes a request for this operation one that would succeed with one's own ids
    "create_export": {"json": {}},
    "create_model_export": {"json": {}},
    "repair_dataset": {"json": {"reason": "no_source"}},
    "rebuild_dataset": {"json": {}},
    "create_upload_part": {"files": {"data": ("upload", b"{}")}},
    "complete_upload": {"json": {"part_ids": []}},
    "upload_documents": {"files": {"f": ("a.txt", b"x")}},
    "put_document": {"content": b"x"},
}
NAMES = {"put_document": "a.txt", "download_export": "data.jsonl", "head_export": "data.jsonl"} | dict.fromkeys(
    ("download_model_export", "head_model_export"), "README.md"
)


def test_on_every_route_the_id_of_another_tenant_answers_like_one_that_never_was(
    client: TestClient, tenants: dict[str, Headers], theirs: dict[str, str]
) -> None:
    looked_at = 0
    before = client.get("/v1/corpora/" + theirs["corpus_id"], headers=tenants["theirs"]).json()
    for path, methods in create_app().openapi()["paths"].items():
        for method, operation in methods.items():
            names = re.findall(r"{(\w+)}", path)
            if not names:
                continue
            name = NAMES.get(operation["operationId"], "")
            # A new route with a parameter that is not known here fails with a KeyError: add it above.
            foreign = path.format(**{n: name if n == "name" and name else theirs[n] for n in names})
            missing = foreign
            for found in theirs.values():
                kept = found.rfind("_") + 1 or 4
                missing = missing.replace(found, found[:kept] + "0" * (len(found) - kept))
            replies = [
                client.request(method, url, headers=tenants["ours"], **BODIES.get(operation["operationId"], {}))
                for url in (foreign, missing)
            ]
            assert [reply.status_code for reply in replies] == [404, 404], (method, path, replies[0].text)
            bodies = [re.sub(r"_[0-9a-z]{20,}|\d{12}|ft:[^ \"]+", "_ID", reply.text) for reply in replies]
            assert bodies[0] == bodies[1], (method, path)
            looked_at += 1
    assert looked_at >= 40
    assert client.get("/v1/corpora/" + theirs["corpus_id"], headers=tenants["theirs"]).json() == before


def test_lists_show_ones_own_only_and_take_no_cursor_of_another(
    client: TestClient, tenants: dict[str, Headers], theirs: dict[str, str]
) -> None:
    mine = tenants["ours"]
    for path, name in (("/v1/corpora", "corpus_id"), ("/v1/datasets", "dataset_id"), ("/v1/exports", "export_id")):
        assert client.get(path, headers=mine).json()["data"] == []
        assert client.get(path, params={"after": theirs[name]}, headers=mine).status_code == 404
    assert client.get("/v1/datasets", params={"corpus_id": theirs["corpus_id"]}, headers=mine).json()["data"] == []
    assert client.get("/v1/exports", params={"dataset_id": theirs["dataset_id"]}, headers=mine).json()["data"] == []


def test_a_stream_of_events_needs_a_key_as_well(
    client: TestClient, tenants: dict[str, Headers], theirs: dict[str, str]
) -> None:
    path = f"/v1/datasets/{theirs['dataset_id']}/events?stream=true"
    assert client.get(path).status_code == 401
    assert client.get(path, headers=tenants["ours"]).status_code == 404
    with client.stream("GET", path, headers=tenants["theirs"]) as reply:
        assert reply.status_code == 200
