"""Documents that no parser survives: each fails with its reason, and the dataset is made of the others."""

import random
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.process import FakeModel
from tests.faults.conftest import SMALL, ferries, seeds
from tests.faults.verify import verify_job
from tests.faults.witness import Service
from tests.service import wait
from tests.workers import documents

REASONS = {"corrupt", "encrypted", "empty", "parse_oom", "parse_timeout", "parse_crash"}


def poison() -> dict[str, bytes]:
    """Documents by name. Made when they are needed: the first one is large before it is packed."""
    return {
        "expands.docx": documents.zipped({"[Content_Types].xml": "<Types/>", "word/document.xml": b" " * 300_000_000}),
        "cut-off.pdf": documents.pdf(f"Title\n{documents.PROSE}")[:700],
        "locked.pdf": documents.pdf("Title\nText", user_password="secret"),
        "noise.pdf": b"%PDF-1.7\n" + random.Random(0).randbytes(20_000),
        "noise.docx": b"PK\x03\x04" + random.Random(1).randbytes(20_000),
        "nothing.txt": b"   \n",
    }


@pytest.mark.parametrize("seed", seeds(1))
def test_poisonous_documents_fail_by_name_and_the_rest_becomes_rows(seed: int, tmp_path: Path) -> None:
    limits: dict[str, Any] = {"parse_cpu_seconds": 3, "parse_wall_seconds": 6, "parse_memory_bytes": 400_000_000}
    good = {f"good-{i}.txt": ferries(4 + i) for i in range(4)}
    bad = poison()
    mixed = list((bad | good).items())
    random.Random(seed).shuffle(mixed)
    with FakeModel({"seed": seed}) as model, Service(tmp_path, model_url=model.url, **limits) as service:
        corpus = service.corpus(dict(mixed))

        def counts() -> dict[str, int]:
            found: dict[str, int] = service.ok(service.http.get(f"/v1/corpora/{corpus}"))["documents"]
            return found

        wait(lambda: counts()["parsed"] + counts()["failed"] == len(mixed), 60, lambda: str(counts()))
        listed = service.ok(service.http.get(f"/v1/corpora/{corpus}/documents", params={"status": "failed"}))["data"]
        assert {document["name"] for document in listed} == set(bad)
        assert {document["reason"] for document in listed} <= REASONS
        dataset = service.dataset(corpus, **SMALL, options={"evolve_rounds": 0})
        found = service.finished(dataset)
        assert found["status"] == "succeeded", found
        verify_job(service, model, dataset, killed_in_flight=0)
