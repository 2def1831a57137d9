"""Exports of trained models over HTTP: asked for, packed by a worker's code, downloaded by range, removed."""

import io
import json
import zipfile
from datetime import UTC, datetime
from typing import Any

import pytest
from fastapi.testclient import TestClient
from huggingface_hub import ModelCard
from sqlalchemy import update

from app import ids
from app.db import reading, transaction
from app.exams.records import ExamReport, Gain, General, HeldOutLoss, Interval, Scores
from app.files import blobs
from app.models import Dataset, Exam, ModelExport, Training
from app.settings import settings
from app.storage import storage
from tests.api import planted
from workers import sweep, tidy
from workers.model_exports import run

Json = dict[str, Any]
WEIGHTS = bytes(range(256)) * 40
CONFIG = {"peft_type": "LORA", "r": 8, "base_model_name_or_path": "/secret/place/tiny"}
RESOLVED = {"n_epochs": 2.0, "batch_size": 16, "learning_rate": 0.0002, "max_steps": None}


def trained(tenant: str = "default", *, dataset: str = "file_gone", **changed: Any) -> str:
    """A job that has left a LoRA adapter; its id."""
    contents = {
        "adapter_model.safetensors": WEIGHTS,
        "adapter_config.json": json.dumps(CONFIG).encode(),
        "tokenizer.json": b"{}",
    }
    adapter = {}
    for name, data in contents.items():
        kept = blobs.keep_bytes(data)
        adapter[name] = {"blob": kept.blob, "sha256": kept.sha256, "bytes": kept.size}
    job = ids.new("ftjob")
    given: Json = {
        "id": job, "tenant_id": tenant, "model": "tiny", "method": "sft", "variant": "lora", "seed": 11,
        "training_file": dataset, "status": "succeeded", "fine_tuned_model": f"ft:tiny:{tenant}:ferries:{job[-10:]}",
        "spec": {"method_options": {}, "variant_options": {"r": 8}, "hyperparameters": {}, "resolved": RESOLVED,
                 "device": "cpu"},
        "adapter": adapter, "steps": 12, "trained_tokens": 3456, "metrics": {"train_loss": 1.25},
        "packages": {"torch": "2.13.0", "peft": "0.21.2"}, "finished_at": datetime.now(UTC),
        "estimate": {"rows": 24, "base": {"licence": "apache-2.0"}},
    }  # fmt: skip
    with transaction() as session:
        session.add(Training(**given | changed))
    return job


def interval(value: float, low: float, high: float) -> Interval:
    return Interval(value=value, low=low, high=high)


REPORT = ExamReport(
    metric="f1",
    scores=(
        Scores(candidate="base", group="reworded", questions=40, means={"f1": 0.1, "exact_match": 0.0}),
        Scores(candidate="tuned", group="reworded", questions=40, means={"f1": 0.42, "exact_match": 0.25}),
    ),
    gains=(
        Gain(of="tuned", over="base", group="reworded", metric="f1", questions=40, facts=31,
             difference=interval(0.32, 0.213, 0.431)),
        Gain(of="tuned", over="base", group="unseen", metric="f1", questions=9, facts=9,
             difference=interval(0.01, -0.05, 0.06)),
    ),
    general=(General(candidate="tuned", questions=48, share=0.5625, change=interval(-0.0417, -0.1042, 0.0208)),),
    held_out=(HeldOutLoss(candidate="tuned", loss=1.5, perplexity=4.4817, tokens=99),),
    weak=(), questions={"reworded": 40, "unseen": 9}, device="cpu", precision="float32",
)  # fmt: skip


def examined(job: str) -> None:
    with transaction() as session:
        tenant = session.get_one(Training, job).tenant_id
        report = REPORT.model_dump(mode="json")
        session.add(Exam(id=ids.new("exam"), tenant_id=tenant, training_id=job, status="succeeded", report=report))


@pytest.fixture(autouse=True)
def tenant(client: TestClient) -> None:
    client.get("/v1/models")  # the tenant is there from now on


def ask(client: TestClient, job: str, **wanted: Any) -> Any:
    return client.post(f"/v1/fine_tuning/jobs/{job}/exports", json=wanted)


def packed(client: TestClient, job: str, **wanted: Any) -> Json:
    """The export, once a worker's code has made it."""
    made = ask(client, job, **wanted)
    assert made.status_code == 201, made.text
    assert made.headers["location"] == f"/v1/fine_tuning/exports/{made.json()['id']}"
    run.run(made.json()["id"])
    found: Json = client.get(made.headers["location"]).json()
    assert found["status"] == "succeeded", found
    return found


def test_an_adapter_comes_as_files_and_as_one_archive_that_names_no_place_of_ours(
    client: TestClient, rings: list[tuple[Any, ...]]
) -> None:
    job = trained()
    found = packed(client, job, base_model="Org/Tiny-1B")
    assert ("pack", found["id"]) in rings
    names = {"adapter_model.safetensors", "adapter_config.json", "tokenizer.json", "README.md", "adapter.zip"}
    assert set(found["files"]) == names
    got = {name: client.get(file["url"]).content for name, file in found["files"].items()}
    assert got["adapter_model.safetensors"] == WEIGHTS
    assert json.loads(got["adapter_config.json"]) == CONFIG | {"base_model_name_or_path": "Org/Tiny-1B"}
    with zipfile.ZipFile(io.BytesIO(got["adapter.zip"])) as archive:
        inside = {name.rpartition("/")[2]: archive.read(name) for name in archive.namelist()}
        assert len({name.partition("/")[0] for name in archive.namelist()}) == 1, "one folder"
    assert inside == {name: data for name, data in got.items() if name != "adapter.zip"}
    assert all(b"/secret/place" not in data for data in got.values())


def test_a_broken_download_goes_on_and_what_is_known_is_not_sent_again(client: TestClient) -> None:
    file = packed(client, trained())["files"]["adapter_model.safetensors"]
    rest = client.get(file["url"], headers={"range": "bytes=100-", "if-range": f'"{file["sha256"]}"'})
    assert (rest.status_code, rest.content) == (206, WEIGHTS[100:])
    head = client.head(file["url"])
    assert (head.headers["etag"], int(head.headers["content-length"])) == (f'"{file["sha256"]}"', len(WEIGHTS))
    assert client.get(file["url"], headers={"if-none-match": head.headers["etag"]}).status_code == 304
    assert client.get(file["url"], headers={"range": "bytes=999999-"}).status_code == 416
    assert client.get(f"{file['url']}x").status_code == 404


def test_the_card_is_one_that_a_hub_reads_and_tells_data_recipe_gain_and_cost(client: TestClient) -> None:
    made = planted.corpus("default", {"a.md": "Text."}, {"a.md": "de"})
    planted.rows("default", made, [{"question": "Q?", "answer": "A.", "split": "train"}], language="de")
    job = trained(dataset=made.dataset_id)
    examined(job)
    files = packed(client, job, base_model="Org/Tiny-1B", license="Apache-2.0")["files"]
    text = client.get(files["README.md"]["url"]).text
    card = ModelCard(text)
    data: Any = card.data
    assert (data.base_model, data.library_name, data.license) == ("Org/Tiny-1B", "peft", "apache-2.0")
    assert data.datasets == [made.dataset_id]
    assert {"corpusmith", "sft", "lora"} <= set(data.tags)
    scores = {(found.metric_type, found.metric_value) for found in data.eval_results}
    assert scores == {("f1", 0.42), ("exact_match", 0.25)}
    for told in (
        f'dataset "Planted" (`{made.dataset_id}`), version 1', "task `grounded_qa`", "seed 11", "`r` | 8",
        "`learning_rate` | 0.0002", "| torch | 2.13.0 |", "+32.0 points of 100", "interval +21.3 to +43.1",
        "-4.2 points to the base model (95 % interval -10.4 to +2.1)", "states `apache-2.0`", "perplexity 4.48",
    ):  # fmt: skip
        assert told in text, told
    assert text.count("Not told apart from no gain") == 1, "of the unseen facts only"
    assert files["adapter_model.safetensors"]["sha256"] in text


def test_names_of_others_cannot_open_a_block_in_the_card(client: TestClient) -> None:
    made = planted.corpus("default", {"a.md": "Text."})
    with transaction() as session:
        session.execute(
            update(Dataset)
            .where(Dataset.id == made.dataset_id)
            .values(name="x\n\n# Heading\n<script>alert(1)</script> | `y`")
        )
    found = packed(client, trained(dataset=made.dataset_id))
    text = client.get(found["files"]["README.md"]["url"]).text
    assert "\n# Heading" not in text and "<script>" not in text
    assert "No exam was taken" in text and "the file was deleted" in text


def test_a_job_without_a_model_answers_a_typed_error(client: TestClient) -> None:
    for status in ("validating_files", "queued", "running", "paused", "failed", "cancelled"):
        reply = ask(client, trained(status=status, fine_tuned_model=None))
        assert (reply.status_code, reply.json()["error"]["code"]) == (400, "wrong_state"), status
        assert reply.headers["x-should-retry"] == "false"
    dry = ask(client, trained(fine_tuned_model=None, dry_run=True))
    assert dry.json()["error"]["code"] == "wrong_state"
    whole = ask(client, trained(variant="full"))
    assert (whole.status_code, whole.json()["error"]["code"], whole.json()["error"]["param"]) == (
        400,
        "refused_combination",
        "kind",
    )
    assert ask(client, trained(variant="full"), kind="merged").status_code == 201
    assert ask(client, trained(), kind="gguf").status_code == 400
    waiting = ask(client, trained()).json()
    reply = client.get(f"/v1/fine_tuning/exports/{waiting['id']}/README.md")
    assert (reply.status_code, reply.json()["error"]["code"]) == (400, "not_ready")


def test_the_same_is_made_once_and_after_a_failure_anew(client: TestClient, rings: list[tuple[Any, ...]]) -> None:
    job = trained()
    first = ask(client, job, kind="merged").json()
    assert ("merge", first["id"]) in rings
    assert ask(client, job, kind="merged").json()["id"] == first["id"]
    assert ask(client, job, kind="merged", precision="f16").json()["id"] != first["id"]
    run.run(first["id"])  # no folder of a base model is configured here
    failed = client.get(f"/v1/fine_tuning/exports/{first['id']}").json()
    assert (failed["status"], failed["error"]["code"]) == ("failed", "invalid_base_model")
    again = ask(client, job, kind="merged").json()
    assert again["id"] != first["id"]
    listed = client.get(f"/v1/fine_tuning/jobs/{job}/exports").json()["data"]
    assert (listed[0]["id"], len(listed)) == (again["id"], 3)


def test_the_sweep_rings_again_for_an_export_that_nobody_makes(
    client: TestClient, environment: pytest.MonkeyPatch
) -> None:
    rings: list[tuple[Any, ...]] = []
    environment.setattr(sweep, "send", lambda name, *ids: rings.append((name, *ids)))
    job = trained()
    made = {kind: ask(client, job, kind=kind).json()["id"] for kind in ("adapter", "merged")}
    sweep.run()
    assert {("pack", made["adapter"]), ("merge", made["merged"])} <= set(rings)
    with transaction() as session:  # its worker died as often as it may
        session.execute(update(ModelExport).values(attempt=settings().unit_max_attempts, status="running"))
    run.run(made["adapter"])
    found = client.get(f"/v1/fine_tuning/exports/{made['adapter']}").json()
    assert (found["status"], found["error"]["code"]) == ("failed", "killed")


def test_a_removed_export_takes_its_own_bytes_along_and_not_the_models(client: TestClient) -> None:
    job = trained()
    found = packed(client, job)
    with reading() as session:
        own = [file["blob"] for file in session.get_one(ModelExport, found["id"]).files.values() if file["own"]]
    assert len(own) == 3
    path = f"/v1/fine_tuning/exports/{found['id']}"
    assert client.delete(path).json() == {"id": found["id"], "object": "fine_tuning.job.export", "deleted": True}
    assert client.get(path).status_code == client.get(f"{path}/README.md").status_code == 404
    assert client.get(f"/v1/fine_tuning/jobs/{job}/exports").json()["data"] == []
    tidy.run()
    for blob in own:
        with pytest.raises(Exception, match=blob):
            b"".join(storage().read(blob, 0, 1))
    second = packed(client, job)
    assert client.get(second["files"]["adapter_model.safetensors"]["url"]).content == WEIGHTS
    model = client.get(f"/v1/fine_tuning/jobs/{job}").json()["fine_tuned_model"]
    client.delete(f"/v1/models/{model}")
    assert client.get(f"/v1/fine_tuning/exports/{second['id']}").status_code == 404
    assert ask(client, job).json()["error"]["code"] == "wrong_state"
    tidy.run()
    with reading() as session:
        assert session.get(ModelExport, second["id"]) is None


def test_an_export_that_is_removed_while_it_is_made_leaves_no_bytes(
    client: TestClient, environment: pytest.MonkeyPatch
) -> None:
    made = ask(client, trained()).json()["id"]
    forgotten: list[str] = []
    before = run._adapter

    def removed(export: ModelExport, training: Training) -> Any:
        files = before(export, training)
        client.delete(f"/v1/fine_tuning/exports/{made}")
        tidy.run()
        return files

    environment.setattr(run, "_adapter", removed)
    environment.setattr(type(storage()), "forget", lambda self, blob: forgotten.append(blob))
    run.run(made)
    assert len(forgotten) == 3
    with reading() as session:
        assert session.get(ModelExport, made) is None


def test_nobody_sees_the_exports_of_another(client: TestClient, tenants: dict[str, dict[str, str]]) -> None:
    job = trained("ours")
    client.headers.update(tenants["ours"])
    found = packed(client, job)
    path = f"/v1/fine_tuning/exports/{found['id']}"
    client.headers.update(tenants["theirs"])
    for reply in (
        ask(client, job),
        client.get(f"/v1/fine_tuning/jobs/{job}/exports"),
        client.get(path),
        client.get(f"{path}/README.md"),
        client.head(f"{path}/README.md"),
        client.delete(path),
    ):
        assert reply.status_code == 404
    own = trained("theirs")
    assert client.get(f"/v1/fine_tuning/jobs/{own}/exports", params={"after": found["id"]}).status_code == 404
    client.headers.update(tenants["ours"])
    assert client.get(path).json() == found
