"""A model server that is down, dies, is overloaded, or answers nonsense: rows wait, and are not burned."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.process import FakeModel
from tests.faults.conftest import ferries
from tests.faults.verify import verify_job
from tests.service import Service, wait

SMALL = {"chunking": {"splitter": "recursive", "size": 400}}


def run(
    tmp_path: Path, script: Mapping[str, Any], paragraphs: int = 12, **wanted: Any
) -> tuple[dict[str, Any], dict[str, int]]:
    """A dataset made with this script of faults, and its verified figures."""
    with FakeModel(script) as model, Service(tmp_path, model_url=model.url) as service:
        dataset = service.dataset(service.corpus({"a.txt": ferries(paragraphs)}), **(SMALL | wanted))
        found = service.finished(dataset)
        return found, verify_job(service, model, dataset, killed_in_flight=0)


def test_a_dataset_waits_for_a_model_server_that_is_down_and_says_so(tmp_path: Path) -> None:
    model = FakeModel(latency_ms=20, slots=16, folder=tmp_path / "model")
    with model:
        pass  # started once, for its port
    with Service(tmp_path, model_url=model.url) as service:
        dataset = service.dataset(service.corpus({"a.txt": ferries(12)}), **SMALL)
        wait(lambda: "waiting_for_model" in (service.get(dataset)["waiting"] or ""), 30)
        assert service.get(dataset)["status"] == "generating"
        with model:
            found = service.finished(dataset)
            assert found["status"] == "succeeded"
            assert found["waiting"] is None
            assert found["units"]["failed"] == 0
            verify_job(service, model, dataset, killed_in_flight=0)


def test_a_model_server_that_dies_in_mid_run_burns_no_row(tmp_path: Path) -> None:
    with (
        FakeModel(latency_ms=60, slots=16) as model,
        Service(tmp_path, model_url=model.url) as service,
    ):
        dataset = service.dataset(service.corpus({"a.txt": ferries(24)}), **SMALL)
        wait(lambda: service.get(dataset)["usage"]["calls"] > 60, 60)
        model.kill()
        time.sleep(2)
        model.start()
        found = service.finished(dataset)
        assert found["status"] == "succeeded"
        assert found["units"]["failed"] == 0
        assert not set(found["dropped"]) & {"upstream_error", "parse_error"}
        verify_job(service, model, dataset, killed_in_flight=64)


def test_one_percent_of_500_and_two_percent_of_broken_json_lose_no_row(tmp_path: Path) -> None:
    faults = [{"fault": "http_500", "rate": 0.01}, {"fault": "truncated_json", "rate": 0.02}]
    found, figures = run(tmp_path, {"seed": 5, "faults": faults}, paragraphs=48)
    assert figures["rows"] == 6 * found["units"]["total"]
    assert set(found["dropped"]) <= {"duplicate", "no_gain", "no_agreement"}


def test_a_storm_of_429_is_waited_out(tmp_path: Path) -> None:
    found, _ = run(tmp_path, {"faults": [{"fault": "http_429", "rate": 1.0, "for_seconds": 3}]})
    assert found["status"] == "succeeded"
    assert not set(found["dropped"]) & {"upstream_error"}


def test_a_poisoned_prompt_costs_its_row_and_no_other(tmp_path: Path) -> None:
    script = {"faults": [{"fault": "poison", "match": "Number 3 is called", "step": "answer"}]}
    with (
        FakeModel({"faults": [{"fault": "poison", "match": "leaves Harbour 3 at"}]}) as model,
        Service(tmp_path, model_url=model.url) as service,
    ):
        del script
        dataset = service.dataset(service.corpus({"a.txt": ferries(12)}), **SMALL)
        found = service.finished(dataset)
        assert found["status"] == "succeeded"
        assert found["dropped"].get("upstream_error", 0) >= 1
        assert found["accepted"] > 30
        verify_job(service, model, dataset, killed_in_flight=0)


def test_a_context_that_is_too_long_is_dropped_by_its_name_without_retries(tmp_path: Path) -> None:
    found, _ = run(tmp_path, {"faults": [{"fault": "context_too_long", "match": "leaves Harbour 3 at"}]})
    assert found["dropped"].get("context_length_exceeded", 0) >= 1
    assert found["status"] == "succeeded"


def test_truncated_replies_are_never_taken_for_good_ones(tmp_path: Path) -> None:
    found, _ = run(tmp_path, {"faults": [{"fault": "length", "match": "leaves Harbour 3 at", "sticky": True}]})
    assert found["dropped"].get("truncated", 0) >= 1


def test_garbage_of_every_kind_is_dropped_or_asked_again_and_breaks_nothing(tmp_path: Path) -> None:
    found, _ = run(tmp_path, {"seed": 3, "faults": [{"fault": "garbage", "rate": 0.3}]}, paragraphs=30)
    assert found["status"] == "succeeded"
    assert found["units"]["failed"] == 0


def test_a_model_that_the_server_does_not_have_fails_the_dataset_with_a_typed_error(tmp_path: Path) -> None:
    with FakeModel(model="another") as model, Service(tmp_path, model_url=model.url) as service:
        dataset = service.dataset(service.corpus({"a.txt": ferries(6)}), **SMALL)
        found = service.finished(dataset)
        assert found["status"] == "failed"
        assert found["error"]["code"] == "model_not_found"


@pytest.mark.parametrize(
    ("fault", "reason"),
    [("invented_quote", "no_source"), ("low_score", "not_faithful"), ("prompt_echo", "copied_prompt")],
)
def test_planted_content_faults_are_dropped_for_their_reason(tmp_path: Path, fault: str, reason: str) -> None:
    found, _ = run(tmp_path, {"seed": 1, "faults": [{"fault": fault, "rate": 0.3}]})
    assert found["dropped"].get(reason, 0) >= 3, found["dropped"]
