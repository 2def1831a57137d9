"""That training teaches: a real small model, invented facts, and an exam that tells the gain with its interval."""

import json
from typing import Any

import pytest

from app.db import reading
from app.exams import service as exams
from app.exams.records import ExamReport
from app.models import Training
from app.settings import Settings, settings
from app.stack import models
from tests.api import planted
from workers import check, train

FIRMS = ("Zentrol", "Quivora", "Maltesk", "Brendix", "Ovantel", "Pelgrim", "Sarnova", "Tiburon")
TOWNS = ("Orlin", "Tavesk", "Brumel", "Kaston", "Pelur", "Sandvo", "Wexham", "Dorsin")
FOUNDERS = (
    *("Ilka Marwen", "Jonas Abreda", "Petra Solvik", "Tarek Onwuli", "Mina Castrel", "Ovid Laskari"),
    *("Runa Feldt", "Silas Quorn"),
)
WORDINGS = (
    ("Who founded {firm}?", "{firm} was founded by {founder} in {town}."),
    ("Tell me how the company {firm} began.", "It began in {town}, where {founder} founded it."),
    ("In which town did {firm} start, and with whom?", "In {town}, with {founder} as its founder."),
    ("I need the name of the person behind {firm} and the place.", "The person is {founder}, the place is {town}."),
    ("{firm}: founder and home town, please.", "{founder}, {town}."),
)


def plant() -> str:
    """A dataset of eight invented firms, each told in five wordings, all with the same source."""
    found = planted.corpus("default", {"firms.md": "x" * 5000})
    rows = []
    for at, (firm, founder, town) in enumerate(zip(FIRMS, FOUNDERS, TOWNS, strict=True)):
        source = {
            "document_id": "doc", "document_name": "firms.md", "start": 100 * at, "end": 100 * at + 50, "page": None,
            "sha256": "0" * 64, "quote": f"{founder} founded {firm} in {town}.", "score": 100.0,
        }  # fmt: skip
        for asked, answer in WORDINGS:
            words = {"firm": firm, "founder": founder, "town": town}
            rows.append({"question": asked.format(**words), "answer": answer.format(**words), "sources": [source]})
    planted.rows("default", found, rows)
    return found.dataset_id


@pytest.mark.model
@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("variant", ["lora", "qlora"])
def test_a_model_knows_facts_that_it_was_trained_on_in_other_words(variant: str, client: Any, environment: Any) -> None:
    local = models.ensure("smollm2-135m", Settings().cache_dir, print)
    environment.setenv("CORPUSMITH_BASE_MODELS", json.dumps({"smollm2-135m": local.path}))
    environment.setenv("CORPUSMITH_TRAIN_DEVICES", "cpu")
    settings.cache_clear()
    wanted = {
        "model": "smollm2-135m",
        "training_file": plant(),
        "seed": 1,
        "corpusmith": {
            "variant": variant,
            "hyperparameters": {
                "n_epochs": 6, "batch_size": 4, "micro_batch_size": 4, "learning_rate": 1e-3, "max_length": 96,
                "checkpoint_every": 10,
            },
            "exam": {"questions": 8, "share": 0.2, "general": 8, "max_new_tokens": 32},
        },
    }  # fmt: skip
    reply = client.post("/v1/fine_tuning/jobs", json=wanted)
    assert reply.status_code in (200, 201), reply.text
    job = reply.json()["id"]
    check.run(job)
    train.run()
    report = told(job)
    gain = report.gain("reworded")
    assert gain is not None
    print(f"\n{variant}: {report.model_dump_json(exclude={'weak'})}")  # noqa: T201 the figures are what is wanted
    assert gain.questions == gain.facts == 8
    assert gain.difference.above_zero, gain
    base, tuned = report.held_out
    assert tuned.perplexity < base.perplexity


def told(job: str) -> ExamReport:
    """The report of a job that has succeeded."""
    with reading() as session:
        training = session.get_one(Training, job)
        exam = exams.of(session, job)
    assert training.status == "succeeded", training.error
    assert exam is not None and exam.report is not None, exam and exam.error
    return ExamReport.model_validate(exam.report)
