"""Several rounds of evolution on a model that fails at some of them: what fails returns its parent."""

from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.test_main_job import ONE_CONTEXT_A_PARAGRAPH, OPEN
from tests.fakes.process import FakeModel
from tests.faults.conftest import ferries
from tests.service import Service

STEPS = "two steps of reasoning"  # words of the prompt of the operator reasoning_steps
FAILING: list[tuple[dict[str, Any], str]] = [
    ({"fault": "copied_question", "match": STEPS}, "no_gain"),
    ({"fault": "prompt_echo", "match": STEPS}, "copied_prompt"),
    ({"fault": "refusal", "match": STEPS}, "refused"),
]


@pytest.mark.parametrize(("fault", "reason"), FAILING, ids=[reason for _, reason in FAILING])
def test_a_failed_evolution_returns_its_parent_to_the_pool(tmp_path: Path, fault: dict[str, Any], reason: str) -> None:
    """One operator fails always and is drawn first; the next round draws the other one for the same parent."""
    with FakeModel({"faults": [fault]}) as model, Service(tmp_path, model_url=model.url) as service:
        corpus = service.corpus({"a.txt": ferries(3)})
        options = {"evolve_rounds": 2, "evolutions": {"reasoning_steps": 1000, "deepen": 0.001}}
        wanted = {"options": options, "gates": OPEN, **ONE_CONTEXT_A_PARAGRAPH}
        dataset = service.dataset(corpus, **wanted)
        found = service.finished(dataset)
        assert found["dropped"] == {reason: 9}
        failed, evolved, originals = three_kinds(service, dataset)
        assert {row["evolution"] for row in failed} == {"reasoning_steps"}
        assert {row["evolution"] for row in evolved} == {"deepen"}
        parents = sorted(row["parent_question"] for row in failed)
        assert parents == sorted(row["question"] for row in originals), "each original failed once"
        assert parents == sorted(row["parent_question"] for row in evolved), "and was evolved again"
        assert all({v["metric"] for v in row["verdicts"]} == set(OPEN) for row in evolved), "every gate measured it"
        again = service.finished(service.dataset(corpus, **wanted))
        assert again["usage"]["calls"] == 0, "a second run draws the same operators"


def three_kinds(service: Service, dataset: str) -> tuple[list[Any], list[Any], list[Any]]:
    rows = service.samples(dataset)
    failed = [row for row in rows if row["state"] == "dropped"]
    evolved = [row for row in rows if row["state"] == "accepted" and row["kind"] == "evolved"]
    return failed, evolved, [row for row in rows if row["kind"] == "original"]


def test_when_every_operator_has_failed_on_a_parent_it_rests(tmp_path: Path) -> None:
    script = {"faults": [{"fault": "copied_question", "match": STEPS}]}
    with FakeModel(script) as model, Service(tmp_path, model_url=model.url) as service:
        options = {"evolve_rounds": 4, "evolutions": ["reasoning_steps"]}
        wanted = {"options": options, "gates": OPEN, **ONE_CONTEXT_A_PARAGRAPH}
        dataset = service.dataset(service.corpus({"a.txt": ferries(2)}), **wanted)
        assert service.finished(dataset)["dropped"] == {"no_gain": 6}
        assert model.bill().total == 2 * (1 + 3 + 3 + 3), "asked, answered, judged, and evolved once each"


def test_a_row_that_the_gates_drop_is_evolved_no_further(tmp_path: Path) -> None:
    """The judge finds every evolved question unanswerable: originals are evolved twice, evolved ones never."""
    script = {"faults": [{"fault": "low_score", "match": "Question: Under which"},
                         {"fault": "low_score", "match": "Question: Whoever deals"}]}  # fmt: skip
    with FakeModel(script) as model, Service(tmp_path, model_url=model.url) as service:
        wanted = {"options": {"evolve_rounds": 2}, "gates": OPEN | {"answerability": 4}, **ONE_CONTEXT_A_PARAGRAPH}
        dataset = service.dataset(service.corpus({"a.txt": ferries(2)}), **wanted)
        assert service.finished(dataset)["dropped"].get("not_answerable", 0) >= 6
        rows = service.samples(dataset)
        originals = {row["question"] for row in rows if row["kind"] == "original"}
        operators = defaultdict(list)
        for row in rows:
            if row["kind"] == "evolved":
                operators[row["parent_question"]].append(row["evolution"])
        assert set(operators) == originals
        assert all(len(set(names)) == len(names) == 2 for names in operators.values()), "two different operators each"


def test_the_judge_of_gain_is_asked_only_when_wanted_and_costs_one_call(tmp_path: Path) -> None:
    with FakeModel() as model, Service(tmp_path, model_url=model.url) as service:
        corpus = service.corpus({"a.txt": ferries(2)})
        wanted = {"gates": OPEN, **ONE_CONTEXT_A_PARAGRAPH}
        service.finished(service.dataset(corpus, **wanted))
        assert model.bill().total == 2 * 16
        found = service.finished(service.dataset(corpus, options={"eliminate": "judge"}, **wanted))
        assert found["expected_calls"] == 2 * 19
        assert model.bill().total == 2 * 16 + 2 * 3, "the rest is replayed"
