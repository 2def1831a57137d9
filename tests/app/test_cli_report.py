"""`corpusmith report`, `coverage` and `verify`, against a service with rows of which all is known."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from app.cli import app
from app.db import transaction
from app.models import Document
from app.settings import settings
from tests.api import planted
from tests.api.planted import Planted, span, verdict
from tests.service import Service

TEXT = "# Fares\n\nA ticket costs nine euros. Children pay half.\n\n# Rules\n\nNo smoking on the car deck.\n"


@pytest.fixture
def database_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'corpusmith.db'}"


@pytest.fixture
def service(rings: Any, tmp_path: Path, database_url: str) -> Iterator[Service]:
    """The API as a process of its own, on the database and the blobs that this process plants into."""
    found = Service(
        tmp_path, model_url="http://127.0.0.1:9/v1", database_url=database_url, storage_url=settings().storage_url
    )
    try:
        found.start("api")
        yield found
    finally:
        found.kill()
        found.http.close()


@pytest.fixture
def fares(service: Service) -> Planted:
    found = planted.corpus("default", {"fares.md": TEXT})
    source = span(found, "fares.md", "A ticket costs nine euros.")
    bad = {"state": "dropped", "reason": "not_faithful", "detail": "grades \x1b[31m 2",
           "verdicts": [verdict("faithfulness", 2, False)]}  # fmt: skip
    planted.rows("default", found, [{"sources": [source], "verdicts": [verdict("faithfulness", 5, True)]}, bad])
    planted.calls("default", found.dataset_id, "ask", [(100, 50, 20)])
    return found


def run(service: Service, *words: str) -> Result:
    return CliRunner().invoke(app, [*words, "--url", str(service.http.base_url)])


def test_a_report_is_shown_and_given_as_json(service: Service, fares: Planted) -> None:
    shown = run(service, "report", fares.dataset_id)
    assert shown.exit_code == 0, shown.output
    for words in ("1 rows accepted, 1 dropped", "not_faithful", "faithfulness", "ask", "120"):
        assert words in shown.stdout
    assert "\x1b[31m" not in shown.stdout
    found = json.loads(run(service, "report", fares.dataset_id, "--json").stdout)
    assert (found["accepted"], found["drops"][0]["reason"]) == (1, "not_faithful")


def test_the_page_is_saved(service: Service, fares: Planted, tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    assert run(service, "report", fares.dataset_id, "--html", str(file)).exit_code == 0
    assert file.read_text().startswith("<!DOCTYPE html>") and "not_faithful" in file.read_text()
    nowhere = run(service, "report", fares.dataset_id, "--html", str(tmp_path / "no" / "report.html"))
    assert nowhere.exit_code == 1 and "not_written" in nowhere.output


def test_coverage_lists_what_is_cited_least_first(service: Service, fares: Planted) -> None:
    shown = run(service, "coverage", fares.corpus_id)
    assert shown.exit_code == 0, shown.output
    assert shown.stdout.index("Rules") < shown.stdout.index("Fares")
    assert "1 of 2 sections in 1 documents have no row" in shown.stdout
    found = json.loads(run(service, "coverage", fares.corpus_id, "--dataset", fares.dataset_id, "--json").stdout)
    assert [section["path"] for section in found["data"][0]["sections"]] == ["Rules", "Fares"]
    assert found["totals"]["rows"] == 1


def test_verify_exits_0_while_all_sources_are_found_and_then_1(service: Service, fares: Planted) -> None:
    good = run(service, "verify", fares.dataset_id)
    assert good.exit_code == 0 and "1 of 1 sources of 1 rows" in good.stdout
    with transaction() as session:
        session.get_one(Document, fares.documents["fares.md"]).text_sha256 = None
    bad = run(service, "verify", fares.dataset_id)
    assert bad.exit_code == 1 and "text_missing" in bad.stdout


def test_what_is_not_there_is_refused(service: Service) -> None:
    for words in (("report", "dst_x"), ("coverage", "crp_x"), ("verify", "dst_x")):
        found = run(service, *words)
        assert found.exit_code == 4 and "not_found" in found.output
