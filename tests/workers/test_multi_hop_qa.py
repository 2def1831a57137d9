"""Questions of several hops, through their recipe: what it keeps, and what it drops with which reason."""

from collections import Counter
from typing import Any

import pytest
from pydantic import ValidationError

from app import catalog
from app.catalog.tasks.multi_hop_qa import MultiHopQaOptions
from app.domain import Context, Dropped
from tests.workers.scripted import AGREES, FIRST, SECOND, Scripted, context, made_by, stands
from workers.recipes import Outcome

BOTH = ["The ferry Aurora is steered by Captain Lind.", "Captain Lind has held her licence since 1998."]
THIRD = "The lighthouse of Tarnholm was built of red brick in 1871. It has a green lamp."
ASKED = "Since when has the captain of the ferry Aurora held her licence?"
SAID = "The captain of the ferry Aurora, Captain Lind, has held her licence since 1998."
BRIDGE: dict[str, Any] = {"questions_per_context": 1, "hop_types": {"bridge": 1}}
Tried = dict[str, str]  # what the document begins with -> what the judge says from it


def model(quotes: list[str], answer: str = SAID, tried: Tried | None = None, asked: str = ASKED) -> Scripted:
    def alone(values: dict[str, Any]) -> dict[str, Any]:
        return {
            "own_answer": next((own for start, own in (tried or {}).items() if start in values["document"]), "UNKNOWN")
        }

    return Scripted(
        ask__hops=lambda values: {
            "questions": [{"facts": BOTH, "link": "Captain Lind", "question": asked}] * values["count"]
        },
        answer__hops={"hops": [{"quote": quote, "finding": "It is so."} for quote in quotes], "answer": answer},
        judge__grounded=AGREES | {"own_answer": "since 1998"},
        judge__own_answer=alone,
    )


def made(script: Scripted, about: Context, place: int = 0, **options: Any) -> Outcome:
    return made_by("multi_hop_qa", script, about, place=place, **(BRIDGE | options))


def only_drop(outcome: Outcome) -> Dropped:
    assert outcome.kept == []
    assert len(outcome.dropped) == 1
    return outcome.dropped[0]


def test_a_kept_row_names_its_hops_and_where_each_stands() -> None:
    about = context(FIRST, SECOND)
    script = model(BOTH)
    [row] = made(script, about).kept
    assert row.kind == row.attributes["hop_type"] == "bridge"
    assert [hop["quote"] for hop in row.attributes["hops"]] == BOTH == [span.quote for span in row.sources]
    assert all(stands(about, span) for span in row.sources)
    assert sorted(row.lineage["prompts"]) == ["answer/hops@1", "ask/hops@1", "judge/grounded@1", "judge/own_answer@1"]
    tries = [values["document"] for ref, _, values, _ in script.asked if ref == "judge/own_answer@1"]
    assert tries == [SECOND, FIRST], "without the first chunk, and without the second"


@pytest.mark.parametrize(
    ("quotes", "answer", "reason", "why"),
    [
        ([BOTH[0], "It leaves Norvik at 07:40 every weekday."], "Captain Lind, at 07:40.", "not_multi_hop", "1 chunks"),
        ([BOTH[0], "Zebras graze on the quay of Xanadu."], SAID, "no_source", "Zebras"),
        (BOTH, "UNKNOWN", "unanswerable", ""),
        (BOTH, "The captain has held her licence since 1899.", "unsupported_number", ""),
    ],
)
def test_every_hop_must_stand_in_a_chunk_of_its_own(quotes: list[str], answer: str, reason: str, why: str) -> None:
    dropped = only_drop(made(model(quotes, answer), context(FIRST, SECOND)))
    assert dropped.reason == reason
    assert why in dropped.detail


def test_a_hop_that_adds_no_word_is_none() -> None:
    both = ["The ferry Aurora leaves Norvik at 07:40.", "Norvik is a town."]
    about = context(f"{both[0]} It is white.", f"{both[1]} It lies by the sea.")
    script = model(both, "The ferry Aurora leaves Norvik at 07:40.", asked="When does the ferry Aurora leave Norvik?")
    dropped = only_drop(made(script, about))
    assert dropped.reason == "not_multi_hop"
    assert "without those of chunk 2" in dropped.detail


@pytest.mark.parametrize(("start", "number"), [(SECOND[:12], 1), (FIRST[:9], 2)])
def test_an_answer_without_one_of_the_hops_is_a_shortcut(start: str, number: int) -> None:
    dropped = only_drop(made(model(BOTH, tried={start: "since 1998"}), context(FIRST, SECOND)))
    assert dropped.reason == "shortcut"
    assert f"without chunk {number}: since 1998" in dropped.detail


def test_the_likeliest_shortcut_costs_one_call_and_none_is_looked_for_when_it_is_off() -> None:
    likeliest, off = model(BOTH), model(BOTH)
    assert len(made(likeliest, context(FIRST, SECOND), shortcuts="likeliest").kept) == 1
    assert len(made(off, context(FIRST, SECOND), shortcuts="off").kept) == 1
    assert len(likeliest.instructions("judge/own_answer")) == 1
    assert off.instructions("judge/own_answer") == []


def test_three_hops_need_three_chunks() -> None:
    quotes = [*BOTH, "The lighthouse of Tarnholm was built of red brick in 1871."]
    asked = (
        "When was the lighthouse built in which the captain of the ferry Aurora lives, and since when is she licensed?"
    )
    answer = (
        "Captain Lind of the ferry Aurora has been licensed since 1998; the lighthouse of Tarnholm was built in 1871."
    )
    about = context(FIRST, SECOND, THIRD)
    script = model(quotes, answer, asked=asked)
    [row] = made(script, about, hops=3).kept
    assert len(row.sources) == 3
    assert len(script.instructions("judge/own_answer")) == 3
    assert "needs facts from 3 different parts" in script.instructions("ask/hops")[0]
    assert only_drop(made(model(BOTH), about, hops=3)).reason == "not_multi_hop"
    few = model(quotes)
    assert only_drop(made(few, context(FIRST, SECOND), hops=3)).reason == "not_multi_hop"
    assert few.asked == [], "a context of two chunks is not asked for three hops"


def test_hops_across_documents_stand_in_two_of_them() -> None:
    about = context(FIRST, SECOND)
    assert "one document" in only_drop(made(model(BOTH), about, across_documents=True)).detail
    second = about.chunks[1].model_copy(
        update={"document_id": "doc2", "document_name": "b.txt", "start": 0, "end": len(SECOND)}
    )
    two = about.model_copy(update={"chunks": (about.chunks[0], second)})
    assert len(made(model(BOTH), two, across_documents=True).kept) == 1


def test_types_come_in_their_shares() -> None:
    found: Counter[str] = Counter()
    for place in range(40):
        script = model(BOTH)
        made(script, context(FIRST, SECOND), place, hop_types={"bridge": 2, "comparison": 1, "intersection": 1})
        found.update(values["type"] for ref, _, values, _ in script.asked if ref == "ask/hops@1")
    assert sum(found.values()) == 40
    assert all(
        abs(found[name] - wanted) <= 1 for name, wanted in [("bridge", 20), ("comparison", 10), ("intersection", 10)]
    )


@pytest.mark.parametrize(
    "options", [{"hops": 1}, {"hops": {"2": 0}}, {"hops": {"6": 1}}, {"hop_types": {"bridge": 0}}, {"shortcuts": "all"}]
)
def test_options_that_mean_nothing_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        MultiHopQaOptions.model_validate(options)


def test_the_cost_counts_a_try_without_each_hop() -> None:
    task = catalog.TASKS["multi_hop_qa"]
    options = {"questions_per_context": 4, "hop_types": {"bridge": 1}, "hops": {"2": 1, "4": 1}}
    # Two calls to ask; four answers and judges; two tries for each of two rows, four for the other two.
    assert task.calls(options, task.gates, catalog.METRICS.entries) == 2 + 4 + 4 + 2 * 2 + 2 * 4
