"""Planning that asks models about chunks: grades, losses, order, budget, cancel, a server that is away."""

import threading
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import func, select

from app.db import reading
from app.llm import loss
from app.models import Call, Chunk, Context, Dataset, Event, Unit
from tests.conftest import forget_process_state
from tests.fakes.logprobs import prompt_logprobs
from tests.fakes.process import FakeModel
from workers import intake, plan, planning

CHUNKING = {"splitter": "recursive", "size": 400}
POOR = {"seed": 1, "faults": [{"fault": "low_score", "match": "PORRIDGE"}]}


def text(document: int, count: int = 4) -> str:
    """Paragraphs of about 300 characters, one chunk each."""
    return "\n\n".join(
        f"The ferry Number {document}x{i} leaves Harbour {i * 7 + document} at noon every day of the week. A ticket "
        f"for it costs {i + 3} euros and fifty cents in {['spring', 'summer', 'autumn', 'winter'][i % 4]}. The captain "
        f"of this ferry is called Person {document * 10 + i}, and it was built in {1900 + i} at the yard of Town {i}."
        for i in range(count)
    )


class Planner:
    """A corpus in this process's database, and the model server that planning asks."""

    def __init__(self, client: TestClient, environment: pytest.MonkeyPatch) -> None:
        self.client, self.environment = client, environment

    def use(self, model: FakeModel) -> None:
        self.environment.setenv("CORPUSMITH_GENERATOR_URL", model.url)
        self.environment.setenv("CORPUSMITH_MODEL_PROBE_SECONDS", "0.2")
        forget_process_state()

    def dataset(self, documents: dict[str, str], grouping: dict[str, Any], **wanted: Any) -> str:
        corpus = self.client.post("/v1/corpora", json={"name": "c"}).json()["id"]
        for name, content in documents.items():
            self.client.put(f"/v1/corpora/{corpus}/documents/{name}", content=content.encode()).raise_for_status()
        intake.run()
        body = {"corpus_id": corpus, "chunking": CHUNKING, "grouping": grouping} | wanted
        reply = self.client.post("/v1/datasets", json=body)
        assert reply.status_code == 201, reply.text
        return str(reply.json()["id"])

    def get(self, dataset: str) -> dict[str, Any]:
        found: dict[str, Any] = self.client.get(f"/v1/datasets/{dataset}").json()
        return found


@pytest.fixture
def planner(client: TestClient, environment: pytest.MonkeyPatch) -> Planner:
    return Planner(client, environment)


def planned(dataset: str) -> list[str]:
    """The text of each context's first chunk, in order."""
    with reading() as session:
        rows = session.scalars(select(Context).where(Context.dataset_id == dataset).order_by(Context.position)).all()
        return [session.get_one(Chunk, row.chunk_ids[0]).text for row in rows]


def told(dataset: str) -> dict[str, Any]:
    with reading() as session:
        query = select(Event.data).where(Event.dataset_id == dataset, Event.type == "status.generating")
        return dict(session.scalars(query).one())


def ledger(dataset: str) -> tuple[int, int]:
    """Calls in the ledger, and calls that the dataset counts."""
    with reading() as session:
        rows = session.scalar(select(func.count()).where(Call.dataset_id == dataset, Call.unit_id == planning.UNIT))
        return rows or 0, session.get_one(Dataset, dataset).calls


def test_chunks_that_the_judge_grades_low_begin_no_context_and_are_counted(planner: Planner) -> None:
    with FakeModel(POOR) as model:
        planner.use(model)
        spoilt = text(1).replace("noon", "PORRIDGE", 1)
        dataset = planner.dataset({"a.txt": spoilt, "b.txt": text(2)}, {"quality": "judge"})
        plan.run(dataset)
        assert len(planned(dataset)) == 7
        assert not any("PORRIDGE" in found for found in planned(dataset))
        assert told(dataset)["below_quality"] == 1
        assert ledger(dataset) == (8, 8)
        assert planner.get(dataset)["expected_calls"] == 8 + 16 * 7
        assert planner.get(dataset)["status"] == "generating"


def test_a_corpus_that_the_judge_finds_poor_keeps_its_best_chunk(planner: Planner) -> None:
    with FakeModel({"seed": 1, "faults": [{"fault": "low_score"}]}) as model:
        planner.use(model)
        dataset = planner.dataset({"a.txt": text(1, 1)}, {"quality": "judge"})
        plan.run(dataset)
        assert len(planned(dataset)) == 1


def test_contexts_begin_with_what_the_trainee_knows_least(planner: Planner) -> None:
    with FakeModel() as model:
        planner.use(model)
        dataset = planner.dataset({"a.txt": text(1), "b.txt": text(2)}, {"order": "by_loss"})
        plan.run(dataset)
        found = planned(dataset)
        losses = [loss.mean({"choices": [{"prompt_logprobs": prompt_logprobs(one)}]}, one) for one in found]
        bands = [one // 0.25 for one in losses]
        assert bands == sorted(bands, reverse=True)
        assert len(set(bands)) > 1
        assert ledger(dataset) == (8, 8)


def test_a_second_dataset_of_the_same_chunks_pays_nothing_to_weigh_them(planner: Planner) -> None:
    with FakeModel() as model:
        planner.use(model)
        options = {"quality": "judge", "order": "by_loss"}
        first = planner.dataset({"a.txt": text(1)}, options)
        plan.run(first)
        body = {name: planner.get(first)[name] for name in ("corpus_id",)} | {"chunking": CHUNKING, "grouping": options}
        second = planner.client.post("/v1/datasets", json=body).json()["id"]
        plan.run(second)
        assert planned(second) == planned(first)
        assert model.bill().total == 8
        assert ledger(second) == (0, 0)
        assert planner.get(second)["usage"]["replayed_calls"] == 8


def test_only_as_many_chunks_are_weighed_as_the_rows_need(planner: Planner) -> None:
    with FakeModel() as model:
        planner.use(model)
        dataset = planner.dataset({"a.txt": text(1, 20)}, {"quality": "judge"}, rows=6)
        plan.run(dataset)
        assert ledger(dataset) == (8, 8)  # two contexts are begun for six rows, four chunks weighed for each
        other = planner.dataset({"a.txt": text(1, 20)}, {"quality": "judge", "max_weighed_chunks": 3}, rows=6)
        plan.run(other)
        assert len(planned(other)) == 3


def test_planning_spends_a_quarter_of_the_budget_at_most(planner: Planner) -> None:
    with FakeModel() as model:
        planner.use(model)
        documents = {"a.txt": text(1, 20)}
        by_calls = planner.dataset(documents, {"quality": "judge"}, budget={"max_calls": 20})
        plan.run(by_calls)
        assert ledger(by_calls) == (5, 5)
        by_tokens = planner.dataset({"b.txt": text(2, 20)}, {"quality": "judge"}, budget={"max_tokens_total": 12_000})
        plan.run(by_tokens)
        usage = planner.get(by_tokens)["usage"]
        assert 0 < usage["prompt_tokens"] + usage["completion_tokens"] <= 3000
        assert told(by_tokens)["unweighed"] > 0


def test_a_server_without_log_probabilities_fails_the_dataset_at_once(planner: Planner) -> None:
    with FakeModel(prompt_logprobs=False) as model:
        planner.use(model)
        dataset = planner.dataset({"a.txt": text(1)}, {"order": "by_loss"})
        plan.run(dataset)
        assert planner.get(dataset)["status"] == "failed"
        assert planner.get(dataset)["error"]["code"] == "no_logprobs"


def test_a_server_that_is_away_is_waited_for_and_the_worker_is_given_back(
    planner: Planner, rings: list[tuple[Any, ...]]
) -> None:
    with FakeModel() as model:
        planner.use(model)
        dataset = planner.dataset({"a.txt": text(1)}, {"quality": "judge"})
        model.stop()
        rings.clear()
        for _ in range(8):  # more often than attempts are allowed
            plan.run(dataset)
            found = planner.get(dataset)
            assert found["status"] == "validating"
            assert found["waiting"].startswith("waiting_for_model: ")
        assert ("plan", dataset) not in rings
        model.start()
        plan.run(dataset)
        assert planner.get(dataset)["status"] == "generating"
        assert planner.get(dataset)["waiting"] is None
        assert ledger(dataset) == (4, 4)


def test_long_weighing_goes_on_in_slices_without_asking_twice(
    planner: Planner, rings: list[tuple[Any, ...]], environment: pytest.MonkeyPatch
) -> None:
    with FakeModel(latency_ms=100, slots=2) as model:
        planner.use(model)
        environment.setenv("CORPUSMITH_WINDOW_START", "2")
        environment.setenv("CORPUSMITH_WINDOW_MAX", "2")
        forget_process_state()
        environment.setattr(planning, "SLICE_SECONDS", 0.3)
        dataset = planner.dataset({"a.txt": text(1, 16)}, {"quality": "judge"})
        rings.clear()
        plan.run(dataset)
        assert planner.get(dataset)["status"] == "validating"
        assert ("plan", dataset) in rings
        assert 0 < ledger(dataset)[0] < 16
        planning._remembered.clear()  # another process takes over
        while planner.get(dataset)["status"] == "validating":
            plan.run(dataset)
        assert ledger(dataset) == (16, 16)
        assert model.bill().repeated == 0


def test_a_cancel_is_heard_while_chunks_are_weighed(planner: Planner) -> None:
    with FakeModel({"seed": 1, "faults": [{"fault": "hang"}]}) as model:
        planner.use(model)
        dataset = planner.dataset({"a.txt": text(1)}, {"quality": "judge"})
        cancel = threading.Timer(0.5, lambda: planner.client.post(f"/v1/datasets/{dataset}/cancel"))
        cancel.start()
        plan.run(dataset)  # would hang for ever
        cancel.join()
        assert planner.get(dataset)["status"] == "cancelled"
        with reading() as session:
            assert session.get_one(Dataset, dataset).owner is None
            assert session.scalar(select(func.count()).where(Unit.dataset_id == dataset)) == 0
