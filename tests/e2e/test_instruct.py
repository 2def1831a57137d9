"""Uploaded instructions, without documents, become evolved and answered rows."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.process import FakeModel
from tests.service import Service
from workers.steps.eliminate import rouge_l

SUBJECTS = ("tides", "bridges", "bakeries", "glaciers", "libraries", "violins", "lighthouses", "orchards")
ALPACA = "\n".join(
    json.dumps({"instruction": f"Explain to a class of children how {subject} work and name two of them.",
                "input": "Use the word harbour." if i % 2 else "", "output": f"Well, {subject} are slow but patient."})
    for i, subject in enumerate(SUBJECTS)
) + "\n"  # fmt: skip
SHAREGPT = [
    {"conversations": [{"from": "human", "value": f"Give me a plan for a day of {what} with four steps."},
                       {"from": "gpt", "value": "Sure."}, {"from": "human", "value": "Shorter, please."}]}
    for what in ("sailing", "painting", "gardening")
]  # fmt: skip
MESSAGES = "\n".join(
    json.dumps({"messages": [{"role": "system", "content": "Кратко."}, {"role": "user", "content": asked}]},
               ensure_ascii=False)
    for asked in ("Объясни школьнику, почему зимой лёд на реке не тонет.",
                  "Составь список покупок для ухи на шестерых.",
                  "Напиши вежливое письмо о задержке парома в Норвик.")
)  # fmt: skip
OPEN = {"stop_words": 0, "refusal": 0, "echo": 0, "correctness": 0, "helpfulness": 0, "clarity": 0}


def files() -> dict[str, bytes]:
    lines = ALPACA.splitlines()
    lines.insert(3, '{"instruction": "cut off in the')
    lines.insert(6, '{"title": "no instruction here"}')
    lines.append(lines[0])
    return {
        "alpaca.jsonl": "\n".join(lines).encode(),
        "sharegpt.json": json.dumps(SHAREGPT, indent=1).encode(),
        "messages.jsonl": MESSAGES.encode(),
        "notes.txt": b"A text of some length that is not a file of instructions at all.",
    }


def test_three_formats_and_a_bad_line_become_rows_that_name_their_seed(tmp_path: Path, database_url: str) -> None:
    with FakeModel() as model, Service(tmp_path, model_url=model.url, database_url=database_url) as service:
        corpus = service.corpus(files())
        wanted = {"task": "instruct", "gates": OPEN, "options": {"evolve_rounds": 2, "include_seeds": True}}
        dataset = service.dataset(corpus, **wanted)
        found = service.finished(dataset)
        assert found["status"] == "succeeded", found
        assert found["units"] == {"total": 14, "done": 14, "failed": 0}
        assert said(service, corpus, dataset) == {
            "alpaca.jsonl: line 4: it is not JSON",
            "alpaca.jsonl: line 7: it holds no instruction",
            "alpaca.jsonl: line 11: it repeats an earlier instruction",
            "notes.txt: it is no file of instructions (.jsonl, .ndjson, .json)",
        }
        rows = service.samples(dataset)
        assert {row["kind"] for row in rows} == {"original", "evolved"}
        assert all(row["sources"] == [] for row in rows)
        seeds = {row["question"]: row for row in rows if row["kind"] == "original"}
        assert len(seeds) == 14
        tides = seeds["Explain to a class of children how tides work and name two of them."]
        assert tides["answer"] == "Well, tides are slow but patient.", "the answer that was uploaded"
        assert tides["attributes"]["seed"] == {"document": "alpaca.jsonl", "place": "line 1"}
        bridges = seeds[
            "Explain to a class of children how bridges work and name two of them.\n\nUse the word harbour."
        ]
        assert bridges["attributes"]["seed"]["place"] == "line 2"
        assert seeds["Give me a plan for a day of sailing with four steps."]["attributes"]["seed"]["document"].endswith(
            "json"
        )
        russian = [row for row in rows if row["attributes"].get("seed", {}).get("document") == "messages.jsonl"]
        assert "Объясни школьнику, почему зимой лёд на реке не тонет." in {row["question"] for row in russian}
        known = {row["question"] for row in rows if row["state"] == "accepted"}
        for row in rows:
            if row["kind"] == "evolved":
                assert row["parent_question"] in known | set(seeds)
                if row["state"] == "accepted":
                    assert rouge_l(row["question"], row["parent_question"]) < 0.7
                    assert {verdict["metric"] for verdict in row["verdicts"]} == set(OPEN)
        assert sum(row["kind"] == "evolved" and row["state"] == "accepted" for row in rows) >= 14
        again = service.finished(service.dataset(corpus, **wanted))
        assert again["usage"]["calls"] == 0, "the same request again is replayed from the ledger"
        assert (again["accepted"], again["dropped"]) == (found["accepted"], found["dropped"])


def said(service: Service, corpus: str, dataset: str) -> set[str]:
    """What the service reports about lines it left out: on the document and in the dataset's events."""
    documents = service.ok(service.http.get(f"/v1/corpora/{corpus}/documents"))["data"]
    details = {found["name"]: found["detail"] for found in documents}
    assert details["alpaca.jsonl"] == "Not JSON, and left out: line 4."
    assert details["messages.jsonl"] is None
    events = service.ok(service.http.get(f"/v1/datasets/{dataset}/events"))["data"]
    return {event["message"] for event in events if event["type"] == "planning.left_out"}


def test_growing_gives_new_instructions_and_costs_what_the_catalogue_says(tmp_path: Path) -> None:
    with FakeModel() as model, Service(tmp_path, model_url=model.url) as service:
        corpus = service.corpus({"alpaca.jsonl": ALPACA.encode()})
        options = {"grow": 2, "evolve_rounds": 1, "max_overlap": 1.0, "eliminate": "judge"}
        dataset = service.dataset(corpus, task="instruct", gates=OPEN, options=options)
        found = service.finished(dataset)
        rows = service.samples(dataset)
        grown = [row for row in rows if row["kind"] == "grown"]
        assert len(grown) == 16
        lost = [row for row in grown if row["state"] == "dropped" and row["reason"] != "duplicate"]
        assert {row["reason"] for row in lost} <= {"near_copy"}
        seeds = [json.loads(line)["instruction"] for line in ALPACA.splitlines()]
        taken = [row for row in grown if row not in lost]
        assert taken
        assert all(rouge_l(row["question"], seed) < 0.7 for row in taken for seed in seeds)
        assert set(found["dropped"]) <= {"near_copy", "duplicate"}
        # A seed with two new instructions: 1 to grow, 3 evolutions with their comparisons, 5 answers with their judge.
        assert found["expected_calls"] == 8 * (1 + 3 * 2 + 5 * 2)
        usage = found["usage"]
        assert usage["calls"] + usage["replayed_calls"] == found["expected_calls"] - 6 * len(lost)
        assert model.bill().total == usage["calls"], "what two seeds have grown alike is paid for once"
        assert "unit.failed" not in service.log("llm1")


def test_a_corpus_without_instructions_says_so(tmp_path: Path) -> None:
    with FakeModel() as model, Service(tmp_path, model_url=model.url) as service:
        corpus = service.corpus({"a.jsonl": b'{"title": "Fog"}\n{"title": "Rain"}\n'})
        found = service.finished(service.dataset(corpus, task="instruct"))
        assert found["status"] == "failed"
        assert found["error"]["code"] == "no_usable_content"
        assert found["error"]["message"] == "a.jsonl: lines 1, 2: it holds no instruction"


@pytest.mark.parametrize(
    ("options", "pointer"),
    [
        ({"evolve_rounds": 0}, "/options"),
        ({"evolutions": {"deepen": 0}}, "/options/evolutions"),
        ({"evolutions": {"deepen": 1, "deeper": 2}}, "/options/evolutions/deeper"),
        ({"grow": 11}, "/options/grow"),
    ],
)
def test_options_that_make_nothing_are_refused(options: dict[str, Any], pointer: str, client: Any) -> None:
    corpus = client.post("/v1/corpora", json={}).json()["id"]
    client.put(f"/v1/corpora/{corpus}/documents/a.jsonl", content=b"{}")
    reply = client.post("/v1/datasets", json={"corpus_id": corpus, "task": "instruct", "options": options})
    assert reply.status_code == 422
    assert reply.json()["errors"][0]["pointer"] == pointer
