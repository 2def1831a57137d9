"""Preference pairs by a judge that favours what stands first and what is long: what comes out shows neither."""

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from app.settings import settings
from tests.e2e.test_instruct import ALPACA
from tests.fakes.process import FakeModel
from tests.service import Service

SAMPLES = Path(__file__).parents[2] / "app" / "samples"
DOCUMENTS = ("history.md", "handbook.pdf")
SAMPLED = {"temperatures": [0.2, 0.5, 0.8, 1.0]}
WANTED = {"task": "preferences", "chunking": {"splitter": "recursive", "size": 600}}
Json = dict[str, Any]


def documents() -> dict[str, bytes]:
    return {name: (SAMPLES / name).read_bytes() for name in DOCUMENTS}


def lines(service: Service, dataset: str, form: str) -> list[Json]:
    export = service.exported(dataset, format=form)
    assert export["status"] == "succeeded", export
    reply = service.http.get(f"/v1/exports/{export['id']}/data.jsonl")
    return [json.loads(line) for line in reply.text.splitlines()]


def gap(rows: list[Json]) -> float:
    """Between the mean lengths of both sides, by the shorter one; counted directly."""
    chosen = sum(len(row["answer"]) for row in rows)
    rejected = sum(len(row["attributes"]["rejected"]) for row in rows)
    return abs(chosen - rejected) / min(chosen, rejected)


def test_a_judge_with_planted_biases_gives_pairs_that_neither_flip_nor_lean(tmp_path: Path, database_url: str) -> None:
    biased = {"habits": {"varied": True, "position": 1, "length": 2}}
    with (
        FakeModel(biased) as model,
        Service(tmp_path, model_url=model.url, database_url=database_url, lease_seconds=20) as service,
    ):
        dataset = service.dataset(service.corpus(documents()), options=SAMPLED | {"perturbed": 0.5}, **WANTED)
        found = service.finished(dataset)
        assert found["status"] == "succeeded", found
        assert model.bill().total == found["usage"]["calls"] <= found["expected_calls"]
        rows = service.samples(dataset)
        kept = [row for row in rows if row["state"] == "accepted"]
        assert len(kept) >= 5
        assert gap(kept) <= 0.05
        assert gap([*kept, *(row for row in rows if row["reason"] == "length_bias")]) > 0.2, "the bias was there"
        assert found["dropped"]["order_flip"] >= 5, "and so was the other"
        for row in kept:
            scores = {one["text"]: one["scores"] for one in row["attributes"]["candidates"]}
            better, worse = scores[row["answer"]], scores[row["attributes"]["rejected"]]
            assert all(one - other >= 1 for one, other in zip(better, worse, strict=True))
        told = service.ok(service.http.get(f"/v1/datasets/{dataset}/report"))["preferences"]
        assert told["length_gap"] == round(gap(kept), 4)
        assert told["dropped"]["order_flip"] == found["dropped"]["order_flip"]
        assert 0.02 < told["flip_rate"] == round(told["flipped"] / told["compared"], 4) < 0.7
        assert sum(bar["dropped"] for bar in told["margins"] if bar["low"] < 0) == found["dropped"]["order_flip"]
        assert "in the less favourable order" in service.http.get(f"/v1/datasets/{dataset}/report.html").text
        assert len(lines(service, dataset, "dpo")) == len(kept)
        assert "unit.failed" not in service.log("llm1")


def test_every_pair_of_a_ranking_conversations_and_uploaded_prompts(tmp_path: Path) -> None:
    with FakeModel({"habits": {"varied": True}}) as model, Service(tmp_path, model_url=model.url) as service:
        corpus = service.corpus(documents())
        every = service.dataset(corpus, options=SAMPLED | {"pairs": "all"}, rows=20, **WANTED)
        talks = service.dataset(corpus, options=SAMPLED | {"turns": 3, "shared_turns": 1}, rows=6, **WANTED)
        uploaded = service.corpus({"prompts.jsonl": ALPACA.encode()})
        instructions = SAMPLED | {"prompts_from": "uploaded"}
        alone = service.dataset(uploaded, task="preferences", options=instructions, gates={"chosen_faithfulness": 0})
        assert service.finished(every)["accepted"] == 20
        lists = lines(service, every, "ultrafeedback")
        asked = {row["question"] for row in service.samples(every, state="accepted")}
        assert {row["instruction"] for row in lists} == asked
        assert len(lists) == len(asked) < 20, "a ranking is written once, however many pairs it gives"
        labels: dict[str, set[bool]] = {}
        for line in lines(service, every, "kto"):
            key = json.dumps([line["prompt"], line["completion"]])
            labels.setdefault(key, set()).add(line["label"])
        assert {len(both) for both in labels.values()} == {1}

        bundled = service.exported(every, format="dpo", bundle={"license": "CC-BY-4.0"})
        packed = service.http.get(bundled["files"]["bundle.zip"]["url"]).content
        with zipfile.ZipFile(io.BytesIO(packed)) as files:
            card = next(files.read(name).decode() for name in files.namelist() if name.endswith("README.md"))
        assert "some of those are wrong on purpose" in card

        found = service.finished(talks)
        assert found["accepted"] == 6, found
        for line in lines(service, talks, "dpo"):
            assert [turn["role"] for turn in line["prompt"]] == ["user", "assistant", "user"]
            assert [turn["role"] for turn in line["chosen"]] == ["assistant", "user", "assistant"]
            assert line["chosen"] != line["rejected"]
        refused = service.http.post(f"/v1/datasets/{talks}/exports", json={"format": "openai_preference"})
        assert refused.status_code == 422
        assert "trajectories" in refused.json()["detail"]

        found = service.finished(alone)
        assert found["status"] == "succeeded", found
        row = service.samples(alone, state="accepted")[0]
        assert row["kind"] == "uploaded"
        assert row["sources"] == []
        assert {one["model"] for one in row["attributes"]["candidates"]} == {"fake", "uploaded"}
        assert not service.log("llm1").count("unit.failed")


@pytest.mark.parametrize(
    ("options", "pointer"),
    [
        ({"turns": 2, "shared_turns": 2}, "/options"),
        ({"prompts_from": "uploaded", "perturbed": 0.5}, "/options"),
        ({"roles": [], "models": []}, "/options"),
        ({"roles": ["trainee"]}, "/options"),
        ({"answers": 1}, "/options/answers"),
        ({"styles": {"plain": 0}}, "/options/styles"),
    ],
)
def test_options_that_compare_nothing_are_refused(options: Json, pointer: str, client: Any) -> None:
    corpus = client.post("/v1/corpora", json={}).json()["id"]
    client.put(f"/v1/corpora/{corpus}/documents/a.txt", content=b"The ferry leaves at nine.")
    reply = client.post("/v1/datasets", json={"corpus_id": corpus, "task": "preferences", "options": options})
    assert reply.status_code == 422, reply.text
    assert reply.json()["errors"][0]["pointer"] == pointer


def test_a_model_that_the_server_does_not_have_is_refused_at_once(client: Any, environment: pytest.MonkeyPatch) -> None:
    with FakeModel(model="fake") as model:
        environment.setenv("CORPUSMITH_GENERATOR_URL", model.url)
        settings.cache_clear()
        corpus = client.post("/v1/corpora", json={}).json()["id"]
        client.put(f"/v1/corpora/{corpus}/documents/a.txt", content=b"The ferry leaves at nine.")
        wanted = {"corpus_id": corpus, "task": "preferences", "options": {"models": ["fake", "my-adapter"]}}
        reply = client.post("/v1/datasets", json=wanted)
        assert reply.status_code == 422
        assert reply.json()["errors"][0]["pointer"] == "/options/models/1"
