"""A job with an exam: questions kept out of training, answered before and after, told with intervals, and shown."""

import json
from pathlib import Path
from typing import Any

import httpx

from app.db import reading
from app.files import blobs
from app.models import Exam, File, Training
from app.settings import settings
from tests.api import planted
from tests.exam.test_hold_out import WORDINGS, row
from tests.training import tiny
from tests.trainings.conftest import quick, sdk, told, training_service, until
from workers import check


def asked(firm: int) -> dict[str, Any]:
    """A row about a firm that no other row is a near copy of."""
    question, answer = (text.format(i=firm) for text in WORDINGS[firm % 3])
    return {"messages": [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]}


def test_an_exam_is_taken_after_training_and_says_what_was_gained(tmp_path: Path, base: Path) -> None:
    rows = tiny.written(tmp_path / "rows.jsonl", tiny.chat_rows(16))
    held = tiny.written(tmp_path / "held.jsonl", [asked(firm) for firm in range(3)])
    exam = {"questions": 5, "general": 4, "max_new_tokens": 8}
    with training_service(tmp_path, base) as service:
        client = sdk(service)
        train, validation = (client.files.create(file=path, purpose="fine-tune").id for path in (rows, held))
        extra = quick(batch_size=8)
        extra["corpusmith"]["exam"] = exam
        job = client.fine_tuning.jobs.create(
            model="tiny", training_file=train, validation_file=validation, seed=3, extra_body=extra,
            method={"type": "supervised", "supervised": {"hyperparameters": {"n_epochs": 1}}},
        )  # fmt: skip
        path = f"/v1/fine_tuning/jobs/{job.id}/exam"
        until(client, job.id, "succeeded", seconds=240)
        found = service.ok(service.http.get(path))
        assert found["status"] == "succeeded", found
        report = found["report"]
        assert report["questions"] == {"unseen": 3}
        assert [(score["candidate"], score["questions"]) for score in report["scores"]] == [
            ("base", 3), ("tuned", 3),
        ]  # fmt: skip
        assert {(gain["of"], gain["over"]) for gain in report["gains"]} == {("tuned", "base")}
        for gain in report["gains"]:
            assert gain["difference"]["low"] <= gain["difference"]["value"] <= gain["difference"]["high"]
        assert [general["questions"] for general in report["general"]] == [4, 4]
        losses = {measured["candidate"]: measured["loss"] for measured in report["held_out"]}
        assert set(losses) == {"base", "tuned"}
        assert losses["tuned"] != losses["base"], "the adapter was really put on the model"
        assert any(line.startswith("The exam was taken: f1") for line in told(client, job.id))
        page = service.http.get(f"{path}.html")
        assert page.status_code == 200
        assert "What it still does not know" in page.text
        assert "default-src 'none'" in page.headers["content-security-policy"]
        without = client.fine_tuning.jobs.create(model="tiny", training_file=train, extra_body=quick(max_steps=1))
        assert service.http.get(f"/v1/fine_tuning/jobs/{without.id}/exam").status_code == 404
        refused(service.http, train)


def refused(http: httpx.Client, file: str) -> None:
    """Exams that could have no questions are refused when they are asked for."""
    for ours, why in (
        ({"exam": {}}, "its questions come from a dataset"),
        ({"exam": {}, "method": "pretrain"}, "does not teach answers"),
        ({"exam": {"share": 0.9}}, "less than or equal to 0.5"),
    ):
        reply = http.post("/v1/fine_tuning/jobs", json={"model": "tiny", "training_file": file, "corpusmith": ours})
        assert reply.status_code in (400, 422), reply.text
        assert why in reply.text
        assert "exam" in reply.json()["error"]["param"]


def test_rows_of_a_dataset_that_are_asked_are_not_trained_on(client: Any, environment: Any, base: Path) -> None:
    environment.setenv("CORPUSMITH_BASE_MODELS", json.dumps({"tiny": str(base)}))
    settings.cache_clear()
    dataset, rows = planted_facts()
    wanted = {"exam": {"questions": 4, "share": 0.3}}
    reply = client.post(
        "/v1/fine_tuning/jobs", json={"model": "tiny", "training_file": dataset, "seed": 1, "corpusmith": wanted}
    )
    assert reply.status_code in (200, 201), reply.text
    job = reply.json()["id"]
    check.run(job)
    with reading() as session:
        training = session.get_one(Training, job)
        assert training.status == "queued", training.error
        file = session.get_one(File, training.train_file_id)
        exam = session.query(Exam).one()
    lines = b"".join(blobs.read(file.blob, file.size)).splitlines()
    trained = {json.loads(line)["messages"][0]["content"] for line in lines}
    questions = {question["question"]: question["group"] for question in exam.questions}
    assert sorted(questions.values()) == ["reworded"] * 4 + ["unseen"] * 2
    kept_out = {question for question, group in questions.items() if group == "reworded"}
    assert trained == {row for row, split in rows.items() if split == "train"} - kept_out
    assert not trained & set(questions)
    assert all(question["sources"] for question in exam.questions)


def planted_facts() -> tuple[str, dict[str, str]]:
    """A dataset of six facts in three wordings that are trained on, and two that are held out; question -> split."""
    found = planted.corpus("default", {"a.md": "x" * 5000})
    rows = [
        (row(fact, wording, trained=True).question, "train" if fact < 6 else "validation")
        for fact in range(8)
        for wording in range(3 if fact < 6 else 1)
    ]
    planted.rows(
        "default",
        found,
        [
            {
                "question": question.question,
                "answer": question.answer,
                "split": split,
                "sources": [span.model_dump() for span in question.sources],
            }
            for question, split in rows
        ],
    )
    return found.dataset_id, {question.question: split for question, split in rows}
