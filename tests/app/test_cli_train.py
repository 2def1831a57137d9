"""`corpusmith train`, `trainings` and what follows a job, against a real API; no worker runs, so nothing is trained."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.api.conftest import open_api
from tests.app.test_cli import base, run
from tests.service import Service

ROW = {"messages": [{"role": "user", "content": "A?"}, {"role": "assistant", "content": "B."}]}


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with open_api(tmp_path_factory.mktemp("service"), base_models='{"tiny": "/models/tiny"}') as found:
        yield found


@pytest.fixture
def rows(tmp_path: Path) -> str:
    path = tmp_path / "rows.jsonl"
    path.write_text(f"{json.dumps(ROW)}\n" * 3)
    return str(path)


def test_a_local_file_is_uploaded_and_trained_on_with_all_that_was_given(service: Service, rows: str) -> None:
    given = ["--variant", "qlora", "--set", "n_epochs=3", "--option", "beta=0.2", "--method", "dpo", "--suffix", "x"]
    made = run(base(service), "train", rows, "--model", "tiny", "--seed", "5", "--no-watch", "--json", *given)
    assert made.exit_code == 0, made.output
    job = json.loads(made.stdout)
    assert (job["model"], job["seed"], job["method"]["type"]) == ("tiny", 5, "dpo")
    ours = job["corpusmith"]
    assert (ours["method"], ours["variant"], ours["method_options"]) == ("dpo", "qlora", {"beta": 0.2})
    assert ours["hyperparameters"]["n_epochs"] == 3
    content = service.http.get(f"/v1/files/{job['training_file']}/content").text
    assert content == Path(rows).read_text()
    listed = run(base(service), "trainings", "--json")
    assert [found["id"] for found in json.loads(listed.stdout)] == [job["id"]]
    cancelled = run(base(service), "cancel", job["id"])
    assert (cancelled.exit_code, cancelled.stdout.strip()) == (0, f"{job['id']} cancelled: no steps")
    watched = run(base(service), "watch", job["id"])
    assert watched.exit_code == 5
    assert "Fine-tuning job was cancelled" in watched.output


def test_what_cannot_be_trained_is_refused_with_an_exit_code_of_its_own(service: Service, rows: str) -> None:
    unknown = run(base(service), "train", rows, "--model", "gpt-9", "--json")
    assert (unknown.exit_code, json.loads(unknown.stdout)["error"]["param"]) == (4, "model")
    missing = run(base(service), "train", "nowhere.jsonl", "--model", "tiny")
    assert missing.exit_code == 2
