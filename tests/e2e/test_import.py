"""Rows from elsewhere are read, measured, compared with datasets that are there, and none is lost on the way."""

import json
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from app import catalog
from app.cli import app
from tests.api.conftest import SUBJECTS
from tests.fakes.process import FakeModel
from tests.service import Service

TAIL = " Say it as the harbour office of Norvik would say it to a visitor."


def chat(number: int) -> dict[str, Any]:
    """A record in one of four shapes, of its own words."""
    words = SUBJECTS[number % 7].split()
    at = 5 * (number // 7)
    asked = "What is known about " + " ".join(words[at : at + 8]) + "?"
    said = " ".join(words[at + 8 : at + 24]) + f" and {number} more."
    shapes: list[dict[str, Any]] = [
        {"messages": [{"role": "user", "content": asked}, {"role": "assistant", "content": said}]},
        {"instruction": asked, "input": "", "output": said},
        {"conversations": [{"from": "human", "value": asked}, {"from": "gpt", "value": said}]},
        {"prompt": asked, "completion": said},
    ]
    return shapes[number % 4]


def lines(records: list[Any]) -> bytes:
    return "\n".join(one if isinstance(one, str) else json.dumps(one) for one in records).encode()


def test_rows_are_imported_with_their_lines_and_compared_with_other_datasets(tmp_path: Path, database_url: str) -> None:
    with FakeModel() as model, Service(tmp_path, model_url=model.url, database_url=database_url) as service:
        records: list[Any] = [chat(number) for number in range(21)]
        refusing = {"prompt": "When does the ferry to Tarnholm leave on Sundays?",
                    "completion": "I'm sorry, but as an AI language model I cannot help with that."}  # fmt: skip
        bad = ['{"prompt": "cut off in the', {"title": "no row"}, {"messages": [{"role": "user", "content": "Hm?"}]}]
        corpus = service.corpus({"rows.jsonl": lines([*records[:10], *bad, *records[10:], refusing, records[3]])})
        wanted = {"task": "import_rows", "gates": {"refusal": 1, "length": 60}, "validation_share": 0.2}
        first = service.finished(service.dataset(corpus, **wanted))
        assert (first["status"], first["accepted"]) == ("succeeded", 21)
        assert first["dropped"] == {"unreadable_row": 3, "refused": 1, "duplicate": 1}
        assert model.bill().total == 0, "gates that read the row alone are free"
        lost = service.samples(first["id"], reason="unreadable_row")
        assert {row["detail"] for row in lost} == {
            "rows.jsonl, line 11: it is not JSON",
            "rows.jsonl, line 12: it has no answer",
            "rows.jsonl, line 13: it does not end with an answer",
        }
        assert {row["attributes"]["uploaded"] for row in lost} == {one if isinstance(one, str) else json.dumps(one)
                                                                  for one in bad}  # fmt: skip
        kept = service.samples(first["id"], state="accepted")
        assert {row["split"] for row in kept} == {"train", "validation"}
        places = {row["attributes"]["record"]["place"] for row in kept}
        assert places == {f"line {n}" for n in [*range(1, 11), *range(14, 25)]}
        export = service.exported(first["id"], format="alpaca")
        assert export["rows"] == 21

        more = service.corpus({"more.json": json.dumps([chat(number) for number in range(14, 35)]).encode()})
        second = service.finished(
            service.dataset(
                more,
                task="import_rows",
                rows=500,
                gates={"correctness": 1, "helpfulness": 1},
                selection={"deduplicate_against": [first["id"]]},
            )
        )
        assert second["accepted"] == 14
        assert second["dropped"] == {"duplicate": 7}
        repeated = service.samples(second["id"], reason="duplicate")
        assert all(f"of dataset {first['id']}" in row["detail"] for row in repeated)
        assert model.bill().total == second["expected_calls"] == 21, "the judge is asked once a row"
        assert "14 of 500 rows" in second["shortfall"]
        mixed_and_compared_by_the_command_line(service, first["id"], second["id"])


def mixed_and_compared_by_the_command_line(service: Service, first: str, second: str) -> None:
    """Two rows of the one for each of the other, twice; both mixes are the same."""

    def command(*words: str) -> Any:
        done = CliRunner().invoke(app, [*words, "--url", str(service.http.base_url), "--json"])
        assert done.exit_code == 0, done.output
        return json.loads(done.stdout)

    mix = command("mix", f"{first}=2", second, "--rows", "24", "--seed", "3")
    assert [(part["dataset_id"], part["taken"]) for part in mix["parts"]] == [(first, 16), (second, 8)]
    again = command("rebuild", mix["id"], "--name", "again")
    assert (again["rebuilt_from"], again["accepted"]) == (mix["id"], 24)
    counts = {"added": 0, "removed": 0, "changed": 0, "kept": 24}
    assert command("diff", mix["id"], again["id"])["counts"] == counts
    gone = command("diff", first, mix["id"], "--change", "removed", "--limit", "100")
    assert len(gone["rows"]) == gone["counts"]["removed"] == 5


def test_preference_pairs_are_imported_and_exported_as_such(tmp_path: Path) -> None:
    with FakeModel() as model, Service(tmp_path, model_url=model.url) as service:
        pairs = [
            {"prompt": one["prompt"], "chosen": one["completion"], "rejected": "Nobody knows."}
            for one in (chat(number) for number in range(3, 28, 4))
        ]
        corpus = service.corpus({"pairs.jsonl": lines(pairs)})
        wanted = {"options": {"records": "preference"}, "selection": {"max_length_gap": 10}}
        found = service.finished(service.dataset(corpus, task="import_rows", **wanted))
        assert found["accepted"] == len(pairs)
        export = service.exported(found["id"], format="dpo")
        rows = [json.loads(line) for line in service.http.get(export["files"]["data.jsonl"]["url"]).text.splitlines()]
        assert {row["rejected"][0]["content"] for row in rows} == {"Nobody knows."}
        refused = service.http.post(f"/v1/datasets/{found['id']}/exports", json={"format": "text"})
        assert refused.status_code == 422


def test_what_an_import_cannot_have_is_refused(client: Any) -> None:
    corpus = client.post("/v1/corpora", json={}).json()["id"]
    client.put(f"/v1/corpora/{corpus}/documents/a.jsonl", content=b"{}")

    def pointer(**wanted: Any) -> str:
        reply = client.post("/v1/datasets", json={"corpus_id": corpus, "task": "import_rows"} | wanted)
        assert reply.status_code in (404, 422), reply.text
        found = reply.json()
        return str(found["errors"][0]["pointer"] if found["errors"] else found["error"]["param"])

    assert pointer(gates={"faithfulness": 4}) == "/gates/faithfulness"
    assert pointer(options={"records": "poems"}) == "/options/records"
    assert pointer(selection={"deduplicate_against": ["dst_nobody"]}) == "selection.deduplicate_against.0"
    made = client.post("/v1/datasets", json={"corpus_id": corpus, "task": "import_rows"}).json()["id"]
    assert pointer(selection={"deduplicate_against": [made]}) == "/selection/deduplicate_against/0"
    assert set(catalog.TASKS["import_rows"].measured_by or ()) <= set(catalog.METRICS)
