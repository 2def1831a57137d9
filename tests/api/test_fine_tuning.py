"""Fine-tuning jobs over HTTP, without a gpu worker: what is accepted, refused, listed and moved from state to state."""

import json
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import func, select, update

from app.db import reading, transaction
from app.models import Dataset, File, Training, TrainingCheckpoint, TrainingEvent
from app.settings import settings
from tests.api import planted
from workers import check, tidy

Json = dict[str, Any]
CHAT = [
    {"messages": [{"role": "user", "content": f"{i}?"}, {"role": "assistant", "content": "Yes."}]} for i in range(20)
]


PAIRS = [{"prompt": f"{i}?", "chosen": "Yes.", "rejected": "No."} for i in range(4)]


@pytest.fixture(autouse=True)
def base_models(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    environment.setattr(settings(), "base_models", {"tiny": str(tmp_path)})


def lines(rows: list[Any]) -> bytes:
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


def upload(client: TestClient, rows: list[Any] = CHAT, purpose: str = "fine-tune") -> str:
    reply = client.post("/v1/files", files={"file": ("rows.jsonl", lines(rows))}, data={"purpose": purpose})
    return str(reply.json()["id"])


def create(client: TestClient, **wanted: Any) -> Json:
    reply = client.post("/v1/fine_tuning/jobs", json={"model": "tiny", **wanted})
    assert reply.status_code == 200, reply.text
    found: Json = reply.json()
    return found


def job(client: TestClient, job_id: str) -> Json:
    found: Json = client.get(f"/v1/fine_tuning/jobs/{job_id}").json()
    return found


def act(client: TestClient, job_id: str, verb: str) -> Any:
    return client.post(f"/v1/fine_tuning/jobs/{job_id}/{verb}", headers={"content-type": "application/json"})


def put(job_id: str, **values: Any) -> None:
    with transaction() as session:
        session.execute(update(Training).where(Training.id == job_id).values(**values))


def test_a_job_has_every_field_resolved_and_is_queued_when_its_rows_are_checked(
    client: TestClient, rings: list[tuple[Any, ...]]
) -> None:
    file, held_out = upload(client), upload(client, CHAT[:3])
    made = create(
        client, training_file=file, validation_file=held_out, suffix="mine", metadata={"team": "red"}, unknown=1,
        method={"type": "supervised", "supervised": {"hyperparameters": {"n_epochs": 3, "batch_size": "auto"}}},
        corpusmith={"variant": "rslora", "variant_options": {"r": 8}, "hyperparameters": {"batch_size": 8}},
    )  # fmt: skip
    assert made["object"] == "fine_tuning.job"
    assert (made["status"], made["organization_id"], made["model"]) == ("validating_files", "default", "tiny")
    assert made["hyperparameters"] == {"n_epochs": 3, "batch_size": 8, "learning_rate_multiplier": 1.0}
    assert made["method"]["supervised"]["hyperparameters"] == made["hyperparameters"]
    assert (made["training_file"], made["validation_file"], made["result_files"]) == (file, held_out, [])
    assert 0 <= made["seed"] < 2**31 and made["metadata"] == {"team": "red"}
    assert made["corpusmith"]["hyperparameters"]["learning_rate"] == 5e-5  # rsLoRA learns at a quarter of the rate
    assert rings[-1] == ("check", made["id"])
    check.run(made["id"])
    assert rings[-1:] == [("train",)]
    checked = job(client, made["id"])
    assert (checked["status"], checked["error"]) == ("queued", None)
    assert checked["corpusmith"]["estimate"].items() >= {"rows": 20, "validation_rows": 3, "steps": 9}.items()
    page = client.get(f"/v1/fine_tuning/jobs/{made['id']}/events", params={"limit": 1}).json()
    assert page["has_more"] and page["data"][0]["message"].startswith("Files validated")
    older = client.get(f"/v1/fine_tuning/jobs/{made['id']}/events", params={"after": page["last_id"]}).json()
    assert [event["message"] for event in older["data"]] == [f"Created fine-tuning job: {made['id']}"]
    assert (older["data"][0]["type"], older["data"][0]["level"]) == ("message", "info")


FOUR_BIT_PISSA = {"corpusmith": {"variant": "pissa", "variant_options": {"base": "nf4"}}}
REFUSED: list[tuple[Json, int, str, str]] = [
    ({"model": "gpt-9"}, 400, "invalid_request", "model"),
    ({"training_file": "file_none"}, 404, "not_found", "training_file"),
    ({"validation_file": "file_none"}, 404, "not_found", "validation_file"),
    ({"training_file": "dst_none"}, 404, "not_found", "training_file"),
    ({"method": {"type": "reinforcement"}}, 400, "invalid_request", "method.type"),
    ({"method": {"type": "magic"}}, 400, "invalid_request", "method.type"),
    ({"method": {"type": "dpo"}, "corpusmith": {"method": "sft"}}, 400, "invalid_request", "corpusmith.method"),
    ({"corpusmith": {"method": "magic"}}, 400, "unknown_catalog_entry", "corpusmith.method"),
    ({"corpusmith": {"variant": "magic"}}, 400, "unknown_catalog_entry", "corpusmith.variant"),
    ({"corpusmith": {"varaint": "lora"}}, 400, "invalid_request", "corpusmith.varaint"),
    ({"corpusmith": {"hyperparameters": {"n_epoch": 1}}}, 400, "invalid_request", "corpusmith.hyperparameters"),
    (FOUR_BIT_PISSA, 400, "refused_combination", "corpusmith.variant"),
    ({"hyperparameters": {"n_epochs": 0}}, 400, "invalid_request", "hyperparameters.n_epochs"),
    ({"suffix": "x" * 65}, 400, "invalid_request", "suffix"),
    ({"metadata": {str(i): "" for i in range(17)}}, 400, "invalid_request", "metadata"),
    ({"integrations": [{"type": "wandb"}]}, 400, "invalid_request", "integrations"),
]  # fmt: skip


def test_what_cannot_be_trained_is_refused_at_once_with_its_field(client: TestClient) -> None:
    file, other = upload(client), upload(client, purpose="evals")
    for wanted, status, code, param in [*REFUSED, ({"training_file": other}, 400, "invalid_request", "training_file")]:
        reply = client.post("/v1/fine_tuning/jobs", json={"model": "tiny", "training_file": file} | wanted)
        error = reply.json()["error"]
        assert (reply.status_code, error["code"], error["param"]) == (status, code, param), wanted
    with reading() as session:
        assert session.scalar(select(func.count()).select_from(Training)) == 0


def test_a_bad_line_ends_the_job_with_its_number(client: TestClient) -> None:
    for rows, file, line in (
        ([*CHAT[:3], {"messages": []}], "training_file", 4),
        ([CHAT[0], {"text": "not chat"}], "validation_file", 2),
        ([], "training_file", None),
    ):
        files = {"training_file": upload(client), file: upload(client, rows)}
        made = create(client, **files)
        check.run(made["id"])
        found = job(client, made["id"])
        assert found["status"] == "failed" and found["finished_at"]
        error = found["error"]
        assert (error["code"], error["param"], error["line"]) == ("invalid_training_file", file, line), error
        assert line is None or f"line {line}" in error["message"]


ONLINE = {"method": "online_dpo", "method_options": {"rounds": 2}}


def test_online_dpo_needs_prompts_and_somebody_who_judges(client: TestClient, environment: pytest.MonkeyPatch) -> None:
    prompts = upload(client, [{"prompt": f"{i}?"} for i in range(20)])
    for file in (prompts, upload(client)):
        made = create(client, training_file=file, corpusmith=ONLINE)
        check.run(made["id"])
        found = job(client, made["id"])
        assert (found["status"], found["error"]) == ("queued", None)
        assert found["corpusmith"]["estimate"]["steps"] == 2 * 2, "of both rounds"
        assert found["corpusmith"]["judge_calls"] is None
    bad = create(client, training_file=upload(client, [{"text": "x"}]), corpusmith=ONLINE)
    check.run(bad["id"])
    assert job(client, bad["id"])["error"]["code"] == "invalid_training_file"

    def refused(options: Json) -> Json:
        asked = {"method": "online_dpo", "method_options": options}
        body = {"model": "tiny", "training_file": prompts, "corpusmith": asked}
        reply = client.post("/v1/fine_tuning/jobs", json=body)
        assert reply.status_code == 400
        error: Json = reply.json()["error"]
        assert error["param"] == "corpusmith.method_options.reward_model", error
        return error

    put(create(client, training_file=upload(client))["id"], status="succeeded", fine_tuned_model="ft:tiny:default::sft")
    scorer = create(client, training_file=upload(client, PAIRS), corpusmith={"method": "reward"})["id"]
    put(scorer, status="succeeded", fine_tuned_model="ft:tiny:default::reward")
    assert "not a model that was trained here" in refused({"reward_model": "ft:none"})["message"]
    assert "not made by method reward" in refused({"reward_model": "ft:tiny:default::sft"})["message"]
    with_scorer = {"method": "online_dpo", "method_options": {"reward_model": "ft:tiny:default::reward"}}
    environment.setattr(settings(), "generator_url", "")
    environment.setattr(settings(), "judge_url", "")
    assert "there is no judge" in refused({})["message"]
    create(client, training_file=prompts, corpusmith=with_scorer)


def test_a_dry_run_and_an_estimate_train_nothing(client: TestClient, rings: list[tuple[Any, ...]]) -> None:
    made = create(client, training_file=upload(client), corpusmith={"dry_run": True})
    check.run(made["id"])
    found = job(client, made["id"])
    assert (found["status"], found["fine_tuned_model"], found["corpusmith"]["steps"]) == ("succeeded", None, 4)
    assert ("train",) not in rings


def test_a_job_that_is_held_waits_for_its_start(client: TestClient, rings: list[tuple[Any, ...]]) -> None:
    made = create(client, training_file=upload(client), corpusmith={"start": False})
    check.run(made["id"])
    assert job(client, made["id"])["status"] == "queued"
    assert ("train",) not in rings
    for _ in range(2):
        started = act(client, made["id"], "start")
        assert (started.status_code, started.json()["corpusmith"]["start"]) == (200, True)
    assert rings.count(("train",)) == 1


def test_each_verb_works_in_its_states_alone_and_says_not_to_try_again(client: TestClient) -> None:
    made = create(client, training_file=upload(client))["id"]
    works = {
        "validating_files": {"cancel": "cancelled", "start": "validating_files"},
        "queued": {"cancel": "cancelled", "pause": "paused", "resume": "queued", "start": "queued"},
        "running": {"cancel": "cancelled", "pause": "paused", "resume": "running", "start": "running"},
        "paused": {"cancel": "cancelled", "pause": "paused", "resume": "queued", "start": "paused"},
        "succeeded": {},
        "failed": {},
        "cancelled": {"cancel": "cancelled"},
    }
    for status, verbs in works.items():
        for verb in ("cancel", "pause", "resume", "start"):
            put(made, status=status, held=False)
            reply = act(client, made, verb)
            if verb in verbs:
                assert (reply.status_code, reply.json()["status"]) == (200, verbs[verb]), (status, verb)
            else:
                assert (reply.status_code, reply.json()["error"]["code"]) == (400, "wrong_state"), (status, verb)
                assert reply.headers["x-should-retry"] == "false"
                assert job(client, made)["status"] == status
    for verb in works["queued"]:
        reply = act(client, "ftjob_none", verb)
        assert (reply.status_code, reply.json()["error"]["param"]) == (404, "fine_tuning_job_id")


def test_a_retry_of_an_sdk_makes_no_second_job(client: TestClient) -> None:
    body = {"model": "tiny", "training_file": upload(client)}
    first = client.post("/v1/fine_tuning/jobs", json=body).json()
    retry = client.post("/v1/fine_tuning/jobs", json=body, headers={"x-stainless-retry-count": "1"}).json()
    assert first == retry
    assert len(client.get("/v1/fine_tuning/jobs").json()["data"]) == 1


def test_jobs_are_listed_by_their_metadata_and_page_by_page(client: TestClient) -> None:
    file = upload(client)
    labels = [{"team": "red", "run's": "1"}, {"team": "red"}, {"team": "blue"}, {}]
    made = [create(client, training_file=file, metadata=label)["id"] for label in labels]

    def listed(**params: Any) -> list[str]:
        return [found["id"] for found in client.get("/v1/fine_tuning/jobs", params=params).json()["data"]]

    assert listed() == made[::-1]
    assert listed(**{"metadata[team]": "red"}) == [made[1], made[0]]
    assert listed(**{"metadata[team]": "red", "metadata[run's]": "1"}) == [made[0]]
    assert listed(**{"metadata[none]": "red"}) == []
    assert listed(after=made[2], limit=1) == [made[1]]


def test_the_rows_of_a_dataset_become_a_file_in_the_right_format(client: TestClient) -> None:
    client.get("/v1/models")  # the tenant is there from now on
    made = planted.corpus("default", {"a.md": "Text."})
    rows = [{"question": f"Q{i}?", "answer": f"A{i}.", "split": "train"} for i in range(5)]
    held_out = [{"question": "Q5?", "answer": "A5.", "split": "validation"}, {"state": "dropped", "reason": "echo"}]
    planted.rows("default", made, rows + held_out)
    created = create(client, training_file=made.dataset_id, validation_file=made.dataset_id)
    assert created["training_file"] == made.dataset_id
    check.run(created["id"])
    found = job(client, created["id"])
    assert (found["status"], found["error"]) == ("queued", None)
    ours = found["corpusmith"]
    train = client.get(f"/v1/files/{ours['train_file_id']}/content").text.splitlines()
    assert [json.loads(line)["messages"][-1]["content"] for line in train] == [f"A{i}." for i in range(5)]
    validation = client.get(f"/v1/files/{ours['validation_file_id']}/content").text.splitlines()
    assert [json.loads(line)["messages"][0]["content"] for line in validation] == ["Q5?"]
    for wanted, code in (
        ({"corpusmith": {"method": "dpo"}}, "invalid_request"),  # chat rows are no pairs
        ({"corpusmith": {"method": "pretrain"}}, "invalid_request"),
    ):
        reply = client.post("/v1/fine_tuning/jobs", json={"model": "tiny", "training_file": made.dataset_id} | wanted)
        assert (reply.status_code, reply.json()["error"]["code"], reply.json()["error"]["param"]) == (
            400,
            code,
            "training_file",
        )
    with transaction() as session:
        session.execute(update(Dataset).values(status="generating"))
    reply = client.post("/v1/fine_tuning/jobs", json={"model": "tiny", "training_file": made.dataset_id})
    assert (reply.status_code, reply.json()["error"]["code"]) == (400, "not_ready")


def test_a_file_that_a_job_reads_stays_until_the_job_has_ended(client: TestClient) -> None:
    file = upload(client)
    made = create(client, training_file=file)["id"]
    client.delete(f"/v1/files/{file}")
    tidy.run()
    check.run(made)
    assert job(client, made)["status"] == "queued"
    act(client, made, "cancel")
    tidy.run()
    with reading() as session:
        assert session.get(File, file) is None


def test_trained_models_are_listed_and_can_be_deleted_others_cannot(client: TestClient) -> None:
    made = create(client, training_file=upload(client))["id"]
    put(made, status="succeeded", fine_tuned_model="ft:tiny:default::abc")
    models = {model["id"]: model for model in client.get("/v1/models").json()["data"]}
    assert models["tiny"]["corpusmith"] == {"served": False, "trainable": True, "job_id": None}
    assert models["fake"]["corpusmith"]["served"] is True
    assert models["ft:tiny:default::abc"]["owned_by"] == "default"
    assert client.get("/v1/models/ft:tiny:default::abc").json() == models["ft:tiny:default::abc"]
    assert create(client, training_file=upload(client), model="ft:tiny:default::abc")["status"] == "validating_files"
    assert client.delete("/v1/models/tiny").status_code == 400
    assert client.delete("/v1/models/ft:tiny:default::abc").json()["deleted"] is True
    for reply in (client.get("/v1/models/ft:tiny:default::abc"), client.delete("/v1/models/none/such")):
        assert (reply.status_code, reply.json()["error"]["param"]) == (404, "model")


def test_nobody_sees_the_jobs_of_another(client: TestClient, tenants: dict[str, dict[str, str]]) -> None:
    client.headers.update(tenants["ours"])
    file = upload(client)
    made = create(client, training_file=file)["id"]
    put(made, status="succeeded", fine_tuned_model="ft:tiny:ours::abc")
    with transaction() as session:
        session.add(
            TrainingCheckpoint(id="ftckpt_1", tenant_id="ours", training_id=made, step=1, folder="/", sha256="0" * 64)
        )
        session.add(TrainingEvent(tenant_id="ours", training_id=made, message="x"))
    client.headers.update(tenants["theirs"])
    assert client.get("/v1/fine_tuning/jobs").json()["data"] == []
    assert "ft:tiny:ours::abc" not in client.get("/v1/models").text
    path = f"/v1/fine_tuning/jobs/{made}"
    for reply in (
        client.get(path),
        client.get(f"{path}/events"),
        client.get(f"{path}/checkpoints"),
        client.get("/v1/fine_tuning/jobs", params={"after": made}),
        client.get("/v1/models/ft:tiny:ours::abc"),
        client.delete("/v1/models/ft:tiny:ours::abc"),
        client.post("/v1/fine_tuning/jobs", json={"model": "tiny", "training_file": file}),
        *(act(client, made, verb) for verb in ("cancel", "pause", "resume", "start")),
    ):
        assert (reply.status_code, reply.json()["error"]["code"]) == (404, "not_found")
    own = upload(client)
    reply = client.post("/v1/fine_tuning/jobs", json={"model": "ft:tiny:ours::abc", "training_file": own})
    assert (reply.status_code, reply.json()["error"]["param"]) == (400, "model")
