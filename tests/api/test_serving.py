"""Adapters belong to the tenant that trained them, and a chat goes to a model that is served."""

from datetime import UTC, datetime
from typing import Any

from app import ids
from app.db import transaction
from app.keys import service as keys
from app.models import Serving, Training

THEIRS = "ft:base:other::abc"


def plant(tenant_id: str, model: str) -> None:
    """A served adapter of this tenant."""
    with transaction() as session:
        keys.tenant(session, tenant_id)
        training = Training(
            id=ids.new("ftjob"), tenant_id=tenant_id, model="fake", method="sft", variant="lora", spec={}, seed=0,
            training_file="file_x", status="succeeded", fine_tuned_model=model,
        )  # fmt: skip
        session.add(training)
        session.flush()
        session.add(
            Serving(
                id=ids.new("srv"), tenant_id=tenant_id, training_id=training.id, model=model, status="served",
                loaded=True, servers=["http://127.0.0.1:9/v1"], finished_at=datetime.now(UTC),
            )
        )  # fmt: skip


def test_another_tenant_s_adapter_is_not_there(client: Any) -> None:
    plant("other", THEIRS)
    asked = {"model": THEIRS, "messages": [{"role": "user", "content": "Hello?"}]}
    reply = client.post("/v1/chat/completions", json=asked)
    assert (reply.status_code, reply.json()["error"]["param"]) == (404, "model")
    corpus = client.post("/v1/corpora", json={}).json()["id"]
    client.put(f"/v1/corpora/{corpus}/documents/a.md", content=b"Some text.")
    for wanted in ({"model": THEIRS}, {"task": "preferences", "options": {"models": [THEIRS]}}):
        reply = client.post("/v1/datasets", json={"corpus_id": corpus, "task": "grounded_qa", **wanted})
        assert reply.status_code == 422, reply.text
        assert "is not served" in reply.text


def test_a_chat_with_the_tenant_s_own_adapter_goes_to_its_server(client: Any) -> None:
    plant("default", "ft:base:default::abc")
    asked = {"model": "ft:base:default::abc", "messages": [{"role": "user", "content": "Hello?"}]}
    reply = client.post("/v1/chat/completions", json=asked)
    assert reply.status_code == 503, "its server is known, and does not answer"
    assert "does not answer" in reply.text


def test_a_chat_needs_a_model_that_is_served(client: Any) -> None:
    assert client.post("/v1/chat/completions", json={"messages": []}).status_code == 400
    assert client.post("/v1/chat/completions", content=b"{").status_code == 400
    missing = client.post("/v1/chat/completions", json={"model": "nobody", "messages": []})
    assert missing.status_code == 404
