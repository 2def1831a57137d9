"""`corpusmith push` against a stand-in hub, and what was pushed read back by `huggingface_hub` and `datasets`."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.api.conftest import Made
from tests.fakes.hub import TOKEN, Hub
from tests.nursery import ROOT

REPO = "harbour/ferries"
READ = """
import json, sys
from datasets import load_dataset
from huggingface_hub import DatasetCard, hf_hub_download

rows = load_dataset(sys.argv[1])
manifest = json.loads(open(hf_hub_download(sys.argv[1], "provenance/manifest.json", repo_type="dataset")).read())
print(json.dumps({"rows": {name: list(split) for name, split in rows.items()}, "manifest": manifest,
                  "license": DatasetCard.load(sys.argv[1], repo_type="dataset").data.license}))
"""


@pytest.fixture(scope="module")
def hub() -> Iterator[Hub]:
    with Hub() as found:
        yield found


def run(hub: Hub, folder: Path, *command: str, token: str = TOKEN) -> subprocess.CompletedProcess[str]:
    """A Python process that knows the hub and its token from the environment, as a user's would."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("HF_", "CORPUSMITH_"))}
    env = clean | {"HF_ENDPOINT": hub.url, "HF_HOME": str(folder / "hf"), "NO_PROXY": "127.0.0.1"}
    env |= {"PYTHONPATH": str(ROOT)}
    env |= {"HF_TOKEN": token} if token else {}
    return subprocess.run([sys.executable, *command], capture_output=True, text=True, env=env, timeout=240, check=False)


def push(made: Made, hub: Hub, folder: Path, *options: str, **given: Any) -> subprocess.CompletedProcess[str]:
    where = ("--url", str(made.service.http.base_url))
    return run(hub, folder, "-m", "app.cli", "push", made.dataset_id, *where, *options, **given)


def test_what_was_pushed_is_what_readers_of_the_hub_get(made: Made, hub: Hub, tmp_path: Path) -> None:
    done = push(made, hub, tmp_path, REPO, "--license", "CC-BY-4.0", "--title", "Ferries of Norvik", "--json")
    assert done.returncode == 0, done.stderr
    told, repo = json.loads(done.stdout), hub.repos[REPO]
    assert (told["commit"], told["url"]) == (repo.sha, f"{hub.url}/datasets/{REPO}/commit/{repo.sha}")
    assert repo.private, "nothing is public unless asked for"
    assert len(repo.commits) == 2, "one commit holds all files"
    assert set(told["files"]) == set(repo.files) - {".gitattributes"}
    assert repo.lfs == {"data/train.parquet", "data/validation.parquet"}
    assert TOKEN not in done.stdout + done.stderr
    read = run(hub, tmp_path, "-c", READ, REPO)
    assert read.returncode == 0, read.stderr[-3000:]
    found = json.loads(read.stdout.splitlines()[-1])
    assert found["license"] == "cc-by-4.0"
    export = made.service.exported(made.dataset_id)
    for split in ("train", "validation"):
        text = made.service.http.get(export["files"][f"{split}.jsonl"]["url"]).text
        assert found["rows"][split] == [json.loads(line) for line in text.splitlines()]
    assert found["manifest"]["dataset"]["id"] == made.dataset_id


def test_a_second_push_replaces_what_is_no_more_and_sends_nothing_twice(made: Made, hub: Hub, tmp_path: Path) -> None:
    other = "harbour/again"
    assert push(made, hub, tmp_path, other, "--public").returncode == 0
    repo, objects = hub.repos[other], set(hub.objects)
    assert not repo.private
    assert push(made, hub, tmp_path, other).returncode == 0
    assert set(hub.objects) == objects
    done = push(made, hub, tmp_path, other, "--format", "alpaca", "--container", "jsonl", "--trainer", "axolotl")
    assert done.returncode == 0, done.stderr
    assert {path for path in repo.files if path.startswith(("data/", "trainers/"))} == {
        "data/train.jsonl",
        "data/validation.jsonl",
        "trainers/axolotl/train.yaml",
    }


def test_what_the_hub_or_the_service_refuses_is_said_without_the_token(made: Made, hub: Hub, tmp_path: Path) -> None:
    for token, options, code, said in (
        ("", (REPO,), 2, "HF_TOKEN"),
        ("hf_wrong_secret", (REPO,), 1, "401"),
        (TOKEN, ("a/b/c",), 2, "no name of a repository"),
        (TOKEN, (REPO, "--format", "dpo"), 4, "cannot hold"),
        (TOKEN, (REPO, "--endpoint", "http://127.0.0.1:9"), 1, "was not reached"),
    ):
        done = push(made, hub, tmp_path, *options, token=token)
        assert (done.returncode, said in done.stderr) == (code, True), done.stderr
        assert not token or token not in done.stdout + done.stderr
