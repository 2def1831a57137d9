"""A model server that is down, dies, is overloaded, or answers nonsense: rows wait, and are not burned."""

import random
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.process import FakeModel
from tests.faults.conftest import SMALL, calls, ferries, seeds
from tests.faults.verify import verify_job
from tests.faults.witness import Service
from tests.service import WINDOW, wait

POISONED = "leaves Harbour 3 at"  # stands in one paragraph


def run(
    tmp_path: Path, script: Mapping[str, Any], paragraphs: int = 12, **wanted: Any
) -> tuple[dict[str, Any], dict[str, int]]:
    """A dataset made with this script of faults, and its verified figures."""
    with FakeModel(script) as model, Service(tmp_path, model_url=model.url) as service:
        dataset = service.dataset(service.corpus({"a.txt": ferries(paragraphs)}), **(SMALL | wanted))
        found = service.finished(dataset)
        return found, verify_job(service, model, dataset, killed_in_flight=0)


@pytest.mark.parametrize("seed", seeds(1))
def test_a_dataset_waits_for_a_model_server_that_is_down_and_says_so(seed: int, tmp_path: Path) -> None:
    model = FakeModel({"seed": seed}, latency_ms=20, slots=16, folder=tmp_path / "model")
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


@pytest.mark.parametrize("seed", seeds(1))
def test_a_model_server_that_dies_in_mid_run_burns_no_row(seed: int, tmp_path: Path) -> None:
    with (
        FakeModel({"seed": seed}, latency_ms=60, slots=16) as model,
        Service(tmp_path, model_url=model.url) as service,
    ):
        dataset = service.dataset(service.corpus({"a.txt": ferries(24)}), **SMALL)
        wait(lambda: calls(service, dataset) > random.Random(seed).uniform(1, 120), 60)
        model.kill()
        time.sleep(2)
        model.start()
        found = service.finished(dataset)
        assert found["status"] == "succeeded"
        assert found["units"]["failed"] == 0
        assert not set(found["dropped"]) & {"upstream_error", "parse_error"}
        verify_job(service, model, dataset, killed_in_flight=WINDOW)


@pytest.mark.parametrize("seed", seeds(1))
def test_one_percent_of_500_and_two_percent_of_broken_json_lose_no_row(seed: int, tmp_path: Path) -> None:
    faults = [{"fault": "http_500", "rate": 0.01}, {"fault": "truncated_json", "rate": 0.02}]
    found, figures = run(tmp_path, {"seed": seed, "faults": faults}, paragraphs=48)
    assert figures["rows"] == 6 * found["units"]["total"]
    assert set(found["dropped"]) <= {"duplicate", "no_gain", "no_agreement"}


@pytest.mark.parametrize("seed", seeds(1))
def test_a_storm_of_429_is_waited_out(seed: int, tmp_path: Path) -> None:
    found, _ = run(tmp_path, {"seed": seed, "faults": [{"fault": "http_429", "rate": 1.0, "for_seconds": 3}]})
    assert found["status"] == "succeeded"
    assert not set(found["dropped"]) & {"upstream_error"}


@pytest.mark.parametrize("seed", seeds(1))
def test_a_poisoned_prompt_costs_its_row_and_no_other(seed: int, tmp_path: Path) -> None:
    with (
        FakeModel({"seed": seed, "faults": [{"fault": "poison", "match": POISONED}]}) as model,
        Service(tmp_path, model_url=model.url) as service,
    ):
        dataset = service.dataset(service.corpus({"a.txt": ferries(12)}), **SMALL)
        found = service.finished(dataset)
        assert found["status"] == "succeeded"
        assert found["dropped"].get("upstream_error", 0) >= 1
        assert found["accepted"] > 30
        verify_job(service, model, dataset, killed_in_flight=0)


@pytest.mark.parametrize("seed", seeds(1))
def test_a_context_that_is_too_long_is_dropped_by_its_name_without_retries(seed: int, tmp_path: Path) -> None:
    found, _ = run(tmp_path, {"seed": seed, "faults": [{"fault": "context_too_long", "match": POISONED}]})
    assert found["dropped"].get("context_length_exceeded", 0) >= 1
    assert found["status"] == "succeeded"


@pytest.mark.parametrize("seed", seeds(1))
def test_truncated_replies_are_never_taken_for_good_ones(seed: int, tmp_path: Path) -> None:
    found, _ = run(tmp_path, {"seed": seed, "faults": [{"fault": "length", "match": POISONED, "sticky": True}]})
    assert found["dropped"].get("truncated", 0) >= 1


@pytest.mark.parametrize("seed", seeds(1))
def test_garbage_of_every_kind_is_dropped_or_asked_again_and_breaks_nothing(seed: int, tmp_path: Path) -> None:
    found, _ = run(tmp_path, {"seed": seed, "faults": [{"fault": "garbage", "rate": 0.3}]}, paragraphs=30)
    assert found["status"] == "succeeded"
    assert found["units"]["failed"] == 0


@pytest.mark.parametrize("seed", seeds(1))
def test_a_model_that_the_server_does_not_have_fails_the_dataset_with_a_typed_error(seed: int, tmp_path: Path) -> None:
    with FakeModel({"seed": seed}, model="another") as model, Service(tmp_path, model_url=model.url) as service:
        dataset = service.dataset(service.corpus({"a.txt": ferries(6)}), **SMALL)
        found = service.finished(dataset)
        assert found["status"] == "failed"
        assert found["error"]["code"] == "model_not_found"


@pytest.mark.parametrize(
    ("fault", "reason"),
    [("invented_quote", "no_source"), ("low_score", "not_faithful"), ("prompt_echo", "copied_prompt")],
)
@pytest.mark.parametrize("seed", seeds(1))
def test_planted_content_faults_are_dropped_for_their_reason(
    seed: int, tmp_path: Path, fault: str, reason: str
) -> None:
    found, _ = run(tmp_path, {"seed": seed, "faults": [{"fault": fault, "rate": 0.3}]})
    assert found["dropped"].get(reason, 0) >= 3, found["dropped"]
