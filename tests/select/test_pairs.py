"""Preference rows in the selection: pairs of one ranking are no copies, lengths are levelled and stay so."""

from typing import Any

import pytest
from sqlalchemy import insert, select

from app.db import reading, transaction
from app.models import Context, Corpus, Dataset, Sample, Tenant, Unit
from app.models.tenants import DEFAULT_TENANT
from tests.select.test_recovery import assert_counters_are_true
from tests.select.texts import Writer
from workers import finish
from workers.select import lengths, paraphrases
from workers.select.candidates import Row
from workers.select.rounds import MOST_ROUNDS

CONTEXTS, EACH = 60, 3
Lengths = list[tuple[int, int]]


def pairs_dataset(*, longer: int = 8, rounds: int = 1, **spec: Any) -> str:
    """A dataset that is selecting: in each context three pairs of one ranking, chosen answers longer by some words."""
    writer, own = Writer(3), {"tenant_id": DEFAULT_TENANT, "dataset_id": "dst_p"}
    whole = {"model": "fake", "options": {}, "validation_share": 0.1, "seed": 0, "rows": None} | spec
    done = {"accepted": CONTEXTS * EACH, "units_total": CONTEXTS * rounds, "units_done": CONTEXTS * rounds}
    with transaction() as session:
        if session.get(Tenant, DEFAULT_TENANT) is None:
            session.add(Tenant(id=DEFAULT_TENANT))
            session.flush()
        session.add(Corpus(id="crp_p", name="c", tenant_id=DEFAULT_TENANT))
        session.flush()
        made = {"id": "dst_p", "corpus_id": "crp_p", "name": "d", "task": "preferences", "status": "selecting"}
        session.add(Dataset(**made, tenant_id=DEFAULT_TENANT, **done, spec=whole))
        session.flush()
        for at in range(CONTEXTS):
            context = {"id": f"ctx_{at}", "position": at, "chunk_ids": [f"chk_{at}"], "quality": 1.0, "language": "en"}
            session.execute(insert(Context), [own | context])
            units = [
                {
                    "id": f"unt_{at}_{n}",
                    "context_id": f"ctx_{at}",
                    "position": at + 1000 * n,
                    "round": n,
                    "status": "done",
                }
                for n in range(rounds)
            ]
            session.execute(insert(Unit), [own | unit for unit in units])
            question, better = writer.question(), " ".join(writer.words(20 + longer * (at % 4 > 0)))
            rejected = [" ".join(writer.words(20)) for _ in range(EACH)]
            rows = [
                own | {"unit_id": f"unt_{at}_0", "context_id": f"ctx_{at}", "key": key, "state": "accepted",
                       "kind": "ranked", "question": question, "answer": better, "sources": [],
                       "attributes": {"rejected": rejected[key], "margin": 1.0}}
                for key in range(EACH)
            ]  # fmt: skip
            session.execute(insert(Sample), rows)
    return "dst_p"


def dataset_of() -> Dataset:
    with reading() as session:
        return session.get_one(Dataset, "dst_p")


def kept() -> list[Sample]:
    with reading() as session:
        return list(session.scalars(select(Sample).where(Sample.state == "accepted").order_by(Sample.id)))


def sizes(rows: list[Sample]) -> Lengths:
    return [(len(row.answer), len(row.attributes["rejected"])) for row in rows]


def test_pairs_of_one_ranking_stay_and_chosen_answers_end_as_long_as_rejected_ones(rings: list[Any]) -> None:
    pairs_dataset()
    assert lengths.gap(sizes(kept())) > 0.2
    finish.run("dst_p")
    dataset, rows = dataset_of(), kept()
    assert dataset.status == "succeeded"
    assert set(dataset.dropped) == {"length_bias"}
    assert lengths.gap(sizes(rows)) <= 0.05
    assert len({row.question for row in rows}) < len(rows), "rankings still give several pairs"
    assert_counters_are_true("dst_p")


def test_the_same_pair_twice_is_a_copy(rings: list[Any]) -> None:
    pairs_dataset(longer=0)
    with transaction() as session:
        first, second = session.scalars(select(Sample).order_by(Sample.id).limit(2)).all()
        second.attributes = first.attributes
    finish.run("dst_p")
    assert dataset_of().dropped["duplicate"] == 1


def test_rows_beyond_those_wanted_are_spared_so_that_lengths_stay_even(rings: list[Any]) -> None:
    pairs_dataset(rows=50)
    finish.run("dst_p")
    assert dataset_of().accepted == 50
    assert lengths.gap(sizes(kept())) <= 0.05
    assert_counters_are_true("dst_p")


def test_pairs_that_lean_stay_as_long_as_another_round_may_outweigh_them(rings: list[Any]) -> None:
    pairs_dataset(rows=CONTEXTS * EACH)
    finish.run("dst_p")
    dataset = dataset_of()
    assert (dataset.status, dataset.accepted, dataset.dropped) == ("generating", CONTEXTS * EACH, {})


def test_after_the_last_round_they_go(rings: list[Any]) -> None:
    pairs_dataset(rows=CONTEXTS * EACH, rounds=MOST_ROUNDS)
    finish.run("dst_p")
    dataset = dataset_of()
    assert dataset.status == "succeeded"
    assert dataset.dropped["length_bias"] == CONTEXTS * EACH - dataset.accepted > 0
    assert "length_bias" in (dataset.shortfall or "")


@pytest.mark.parametrize("most", [0.05, 10.0])
def test_conversations_count_from_where_they_part(rings: list[Any], most: float) -> None:
    pairs_dataset(longer=0, selection={"max_length_gap": most})
    told = [
        {"role": "user", "content": "?"},
        {"role": "assistant", "content": "s" * 999},
        {"role": "user", "content": "?"},
    ]
    with transaction() as session:
        for row in session.scalars(select(Sample)):
            way = [{"role": "assistant", "content": row.answer * 2}]
            row.attributes = row.attributes | {
                "messages": [*told, *way],
                "prompt_turns": 3,
                "rejected_turns": [{"role": "assistant", "content": row.attributes["rejected"]}],
            }
    finish.run("dst_p")
    dataset = dataset_of()
    assert (dataset.status, dataset.accepted) == (("failed", 0) if most < 1 else ("succeeded", CONTEXTS * EACH))


def test_pairs_of_one_ranking_are_compared_with_others_by_the_first_of_them() -> None:
    def row(context: int, prompt: bytes, lengths: tuple[int, int] | None) -> Row:
        return Row(0, context, "ranked", 0, (), b"", (), lengths=lengths, prompt=prompt)

    rows = [row(0, b"a", (9, 9)), row(0, b"a", (9, 8)), row(0, b"b", (9, 9)), row(1, b"a", (9, 9)), row(0, b"a", None)]
    assert paraphrases.spokesmen(rows) == [0, 0, 2, 3, 4]
