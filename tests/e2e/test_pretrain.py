"""Pre-training text as a user asks for it: packed without a call, and written about entities with a judge."""

import json
from pathlib import Path

from tests.fakes.process import FakeModel
from tests.faults.conftest import ferries
from tests.service import Service

FOOTER = "Harbour Company, internal paper, page"


def paper(number: int) -> bytes:
    body = ferries(3).decode().replace("Number", f"Number {number}x")
    return "\n".join(f"{line}\n{FOOTER} {i}" for i, line in enumerate(body.split("\n\n"))).encode()


def test_the_corpus_is_packed_for_nothing_and_texts_about_it_are_judged(tmp_path: Path) -> None:
    with FakeModel() as model, Service(tmp_path, model_url=model.url) as service:
        documents = {f"{i}.txt": paper(i) for i in range(4)}
        corpus = service.corpus(documents)
        packed = service.finished(
            service.dataset(corpus, task="pretrain", options={"tokens": 300, "separator": "<|end|>"})
        )
        assert packed["status"] == "succeeded", packed
        assert packed["usage"]["calls"] == packed["expected_calls"] == model.bill().total == 0
        rows = service.samples(packed["id"])
        texts = [row["answer"] for row in rows]
        assert {row["kind"] for row in rows} == {"clean"}
        assert all(FOOTER not in text and len(text) < 4 * 320 for text in texts)
        assert any("<|end|>" in text for text in texts)
        for row in rows:
            for span in row["sources"]:
                assert documents[span["document_name"]].decode()[span["start"] : span["end"]] == span["quote"]
        export = service.exported(packed["id"], format="text")
        lines = service.http.get(f"/v1/exports/{export['id']}/data.jsonl").text.splitlines()
        assert sorted(json.loads(line)["text"] for line in lines) == sorted(texts)

        options = {"tokens": 300, "pack": "within", "shares": {"clean": 1, "pair": 1, "triple": 0.5}}
        written = service.finished(service.dataset(corpus, task="pretrain", options=options))
        assert written["status"] == "succeeded", written
        rows = service.samples(written["id"])
        about = [row for row in rows if row["kind"] != "clean"]
        assert {row["kind"] for row in about} == {"pair", "triple"}
        assert any(row["state"] == "accepted" for row in about), written["dropped"]
        assert 0 < model.bill().total <= written["expected_calls"]
        again = service.finished(service.dataset(corpus, task="pretrain", options=options))
        assert again["usage"]["calls"] == 0
