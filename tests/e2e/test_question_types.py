"""Every type of question as a user asks for it: over HTTP, with real processes, and with rows whose sources stand."""

import hashlib
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from app.db import make_engine
from app.models import Call
from tests.fakes.process import FakeModel
from tests.faults.conftest import ferries
from tests.faults.verify import verify_job
from tests.service import Service

SMALL = {"chunking": {"splitter": "recursive", "size": 400}}
TEXT = ferries(10)
KINDS = {"multi_hop": "original", "single_hop": "original"}
Made = tuple[Service, FakeModel, str]


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Made]:
    with FakeModel() as model, Service(tmp_path_factory.mktemp("types"), model_url=model.url) as found:
        yield found, model, found.corpus({"a.txt": TEXT})


def rows_of(service: Service, dataset: str, **filters: str) -> list[dict[str, Any]]:
    made = service.finished(dataset)
    assert made["status"] == "succeeded", made
    return service.samples(dataset, **filters)


def check_sources(rows: list[dict[str, Any]]) -> int:
    """Every span is exactly that piece of the stored text; how many there are."""
    spans = [span for row in rows for span in row["sources"]]
    text = TEXT.decode()
    for span in spans:
        assert text[span["start"] : span["end"]] == span["quote"]
        assert hashlib.sha256(span["quote"].encode()).hexdigest() == span["sha256"]
    return len(spans)


def forget_one_ask_call_of_each_unit(service: Service, dataset: str) -> int:
    """As if the worker had died when it had some of a unit's first replies, but not all. How many are gone."""
    engine = make_engine(service.settings().database_url)
    with Session(engine) as session, session.begin():
        asked = select(Call.unit_id, Call.call_key).where(Call.dataset_id == dataset, Call.step == "ask")
        lost = {unit: key for unit, key in session.execute(asked.order_by(Call.call_key))}
        session.execute(delete(Call).where(Call.dataset_id == dataset, Call.call_key.in_(lost.values())))
    engine.dispose()
    return len(lost)


@pytest.mark.parametrize("kind", ["single_hop", "multi_hop", "unanswerable", "multiple_choice", "true_false", "cloze"])
def test_a_dataset_of_one_type(service: Made, kind: str) -> None:
    found, _, corpus = service
    wanted: dict[str, Any] = {"options": {"question_types": {kind: 1}, "evolve_rounds": 0}} | SMALL
    if kind == "multi_hop":
        wanted["grouping"] = {"chunks_per_context": 2, "min_similarity": 0.1, "max_similarity": 1.0}
    dataset = found.dataset(corpus, **wanted)
    rows = rows_of(found, dataset, state="accepted")
    made = found.get(dataset)
    assert len(rows) >= 10, made["dropped"]
    assert {row["kind"] for row in rows} == {KINDS.get(kind, kind)}
    assert {row["attributes"]["question_type"] for row in rows} == {kind}
    spans = check_sources(rows)
    if kind == "unanswerable":
        assert spans == 0
        assert all("do not know" in row["answer"] for row in rows)
    else:
        assert all(row["sources"] for row in rows)
    if kind == "multi_hop":
        assert all(len(row["sources"]) >= 2 for row in rows)
    if kind == "multiple_choice":
        assert {row["attributes"]["key"] for row in rows} == set("ABCD")
        assert all(f"\n{row['answer']}" in row["question"] for row in rows)
    if kind == "true_false":
        labels = Counter(row["attributes"]["label"] for row in rows)
        assert min(labels[True], labels[False]) >= len(rows) // 4, labels
    if kind == "cloze":
        assert made["usage"]["calls"] == made["expected_calls"] == 0
        assert all(row["sources"][0]["quote"] == row["question"].partition(": ")[2].replace("_____", row["answer"])
                   for row in rows)  # fmt: skip


def test_all_types_together_come_in_their_shares_with_an_exact_bill(tmp_path: Any, database_url: str) -> None:
    with FakeModel() as model, Service(tmp_path, model_url=model.url, database_url=database_url) as found:
        corpus = found.corpus({"a.txt": ferries(40)})
        types = {"single_hop": 4, "unanswerable": 2, "multiple_choice": 2, "true_false": 1, "cloze": 1}
        options = {"question_types": types, "questions_per_context": 5, "evolve_rounds": 0}
        dataset = found.dataset(corpus, options=options, **SMALL)
        rows = rows_of(found, dataset)
        made = found.get(dataset)
        asked = Counter(row["attributes"]["question_type"] for row in rows)
        units = made["units"]["total"]
        assert sum(asked.values()) == 5 * units
        for name, weight in types.items():
            assert abs(asked[name] - weight / 10 * 5 * units) <= 3, asked
        verify_job(found, model, dataset, killed_in_flight=0)
        again = found.finished(found.dataset(corpus, options=options, **SMALL))
        assert again["usage"]["calls"] == 0, "several first calls in a unit are replayed like one"
        assert again["usage"]["replayed_calls"] == made["usage"]["calls"] + made["usage"]["replayed_calls"]
        lost = forget_one_ask_call_of_each_unit(found, dataset)
        assert lost > 10
        third = found.finished(found.dataset(corpus, options=options, **SMALL))
        assert third["usage"]["calls"] == lost, "a crash between a unit's first calls costs only those that were lost"


def test_the_user_s_own_questions_are_each_answered_once_from_the_context_that_fits(service: Made) -> None:
    found, _, corpus = service
    own = [f"Who is the captain of ferry Number {i}?" for i in range(10)]
    options = {"seed_questions": own, "questions_per_context": 1, "evolve_rounds": 0}
    rows = rows_of(found, found.dataset(corpus, options=options, rows=5, **SMALL))
    seeded = [row for row in rows if row["attributes"].get("seed_question")]
    assert Counter(row["question"] for row in seeded) == Counter(own), "though five rows would need fewer contexts"
    for row in seeded:
        number = row["question"].rstrip("?").rsplit(" ", 1)[1]
        assert all(f"Number {number} " in span["quote"] or f"Person {number}." in span["quote"]
                   for span in row["sources"]), row  # fmt: skip


def test_multi_hop_over_contexts_of_one_chunk_is_refused_at_once(service: Made) -> None:
    found, _, corpus = service
    wanted = {"corpus_id": corpus, "options": {"question_types": {"multi_hop": 1}}}
    reply = found.http.post("/v1/datasets", json=wanted)
    assert reply.status_code == 422
    assert reply.json()["errors"][0]["pointer"] == "/grouping/chunks_per_context"
