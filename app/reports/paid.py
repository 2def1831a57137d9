"""What a dataset has cost: calls and tokens by step from the ledger, and units and rows by round."""

from typing import NamedTuple

from sqlalchemy import func, select

from app.db import reading
from app.models import Call, Context, Sample, Unit


class Step(NamedTuple):
    """Calls of one step that this dataset paid for. Replayed ones stand in the ledger of the dataset that paid."""

    step: str
    calls: int
    prompt_tokens: int
    cached_tokens: int
    completion_tokens: int


class Round(NamedTuple):
    """One round over contexts: its units by their end, and what became of their rows."""

    round: int
    units: int
    done: int
    failed: int
    accepted: int
    dropped: int


def steps(dataset_id: str) -> list[Step]:
    """By step, the one with most tokens first."""
    sums = (func.coalesce(func.sum(column), 0) for column in (Call.prompt_tokens, Call.cached_tokens,
                                                              Call.completion_tokens))  # fmt: skip
    query = select(Call.step, func.count(), *sums).where(Call.dataset_id == dataset_id).group_by(Call.step)
    with reading() as session:
        found = [Step(row[0], *map(int, row[1:])) for row in session.execute(query)]
    return sorted(found, key=lambda step: (-step.prompt_tokens - step.completion_tokens, step.step))


def rounds(dataset_id: str) -> list[Round]:
    """By round, the first one first."""
    units = select(Unit.round, Unit.status, func.count()).where(Unit.dataset_id == dataset_id)
    rows = (
        select(Unit.round, Sample.state, func.count())
        .join(Unit, Unit.id == Sample.unit_id)
        .where(Sample.dataset_id == dataset_id)
    )
    counts: dict[int, dict[str, int]] = {}
    with reading() as session:
        for query in (units.group_by(Unit.round, Unit.status), rows.group_by(Unit.round, Sample.state)):
            for number, word, count in session.execute(query):
                counts.setdefault(number, {})[word] = count
    return [
        Round(
            number,
            sum(found.get(status, 0) for status in ("pending", "running", "done", "failed")),
            *(found.get(word, 0) for word in ("done", "failed", "accepted", "dropped")),
        )
        for number, found in sorted(counts.items())
    ]


def languages(dataset_id: str) -> list[tuple[str, int]]:
    """Accepted rows by the language they were to be written in, most first."""
    query = (
        select(Context.language, func.count())
        .join(Sample, Sample.context_id == Context.id)
        .where(Sample.dataset_id == dataset_id, Sample.state == "accepted")
        .group_by(Context.language)
    )
    with reading() as session:
        found = [(language, count) for language, count in session.execute(query)]
    return sorted(found, key=lambda row: (-row[1], row[0]))
