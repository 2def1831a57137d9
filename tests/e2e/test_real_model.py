"""The whole path with a real language model: `corpusmith up` as a user starts it, real documents, real replies."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import datasets
import httpx
import psutil
import pytest

from app import catalog
from app.samples import paths
from app.stack import running
from tests.nursery import ROOT
from tests.service import Service, wait

OPEN = dict.fromkeys(catalog.TASKS["grounded_qa"].gates, 0)


@pytest.mark.model
@pytest.mark.timeout(900)
def test_documents_become_rows_of_a_real_model_and_ctrl_c_stops_everything(tmp_path: Path) -> None:
    env = {k: v for k, v in os.environ.items() if not k.startswith("CORPUSMITH_")} | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "app.cli", "up", "--data-dir", str(tmp_path / "data"), "--port", "0"]
    log = (tmp_path / "up.log").open("wb")
    up = subprocess.Popen([*command, "--model", "smollm2-135m", "--eager"], env=env, cwd=ROOT, stdout=log, stderr=log)
    try:
        wait(lambda: (found := running.find(tmp_path / "data")) is not None and "url" in found, 60)
        found = running.find(tmp_path / "data")
        assert found is not None
        http = httpx.Client(base_url=found["url"], timeout=30, trust_env=False)
        wait(lambda: _ready(http), 600)
        corpus = Service.ok(http.post("/v1/corpora", json={"name": "real"}))["id"]
        for document in paths()[:3]:
            Service.ok(http.put(f"/v1/corpora/{corpus}/documents/{document.name}", content=document.read_bytes()))
        wanted = {
            "corpus_id": corpus,
            "rows": 4,
            "options": {"questions_per_context": 2, "evolve_rounds": 0},
            "gates": OPEN,
            "chunking": {"splitter": "tokens", "size": 200},
        }
        dataset = Service.ok(http.post("/v1/datasets", json=wanted))["id"]
        path = f"/v1/datasets/{dataset}"
        wait(lambda: Service.ok(http.get(path))["status"] in ("succeeded", "failed"), 600, lambda: http.get(path).text)
        made = Service.ok(http.get(path))
        assert made["status"] == "succeeded", made
        assert 1 <= made["accepted"] <= 4
        export = Service.ok(http.post(f"{path}/exports", json={"format": "messages"}))["id"]
        wait(lambda: Service.ok(http.get(f"/v1/exports/{export}"))["status"] == "succeeded", 60)
        (tmp_path / "rows.jsonl").write_bytes(http.get(f"/v1/exports/{export}/data.jsonl").content)
        rows = datasets.load_dataset("json", data_files=str(tmp_path / "rows.jsonl"), cache_dir=str(tmp_path / "cache"))
        assert len(rows["train"]) == made["accepted"]
        assert all(json.loads(line)["messages"] for line in (tmp_path / "rows.jsonl").read_text().splitlines())
        http.close()
    finally:
        children = psutil.Process(up.pid).children(recursive=True)
        up.send_signal(signal.SIGINT)
        up.wait(60)
        log.close()
    assert [child for child in children if child.is_running() and child.status() != psutil.STATUS_ZOMBIE] == []


def _ready(http: httpx.Client) -> bool:
    try:
        return http.get("/readyz").status_code == 200
    except httpx.TransportError:
        return False
