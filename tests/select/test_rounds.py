"""Which contexts another round goes to, and how much text is covered."""

from app.coverage.intervals import covered as characters
from workers.select.rounds import MOST_ROUNDS, Used, citations, explain, next_contexts


def used(name: str, *, rounds: int = 1, rows: int = 1, covered: float = 0.0) -> Used:
    return Used(name, 0, rounds, rows, 100, covered)


def test_characters_cited_twice_are_covered_once() -> None:
    cited = citations([(1, 0, 10), (1, 5, 20), (1, 40, 50), (2, 0, 100)])
    assert characters(cited[1], 0, 100) == 30
    assert characters(cited[1], 15, 45) == 10
    assert characters(cited[1], 20, 40) == 0
    assert characters(cited.get(3, ()), 0, 100) == 0


def test_as_many_contexts_are_asked_as_the_yield_so_far_makes_likely() -> None:
    contexts = [used(str(i)) for i in range(100)]
    assert len(next_contexts(contexts, missing=10, accepted=20, units=10)) == 6
    assert len(next_contexts(contexts, missing=1, accepted=0, units=10)) == 12, "a yield of nothing counts as a tenth"


def test_a_context_is_asked_four_times_at_most() -> None:
    worn = used("worn", rounds=MOST_ROUNDS)
    assert next_contexts([worn], missing=5, accepted=1, units=4) == []
    assert [c.id for c in next_contexts([worn, used("fresh")], missing=5, accepted=1, units=4)] == ["fresh"]


def test_contexts_asked_twice_in_vain_are_barren() -> None:
    assert used("a", rounds=2, rows=0).barren
    assert not used("a", rounds=1, rows=0).barren
    assert not used("a", rounds=3, rows=1).barren


def test_the_explanation_counts() -> None:
    said = explain([used("a", rounds=0, rows=0), used("b", rounds=2, rows=0), used("c", rounds=3, covered=0.6)])
    assert said == (
        "3 contexts, 1 of them never asked, 1 asked in vain, none more than 3 times; "
        "accepted rows cite 20% of their text"
    )
