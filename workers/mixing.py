"""Mix datasets: rows of each in an order drawn by seed and content, in turn by weight, none twice, splits respected.

A mix makes no calls and leaves no units to work on: it is done when it is planned. Killed half-way, it begins anew and
comes to the same rows.
"""

import hashlib
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import delete, insert, select

from app import catalog, ids
from app.catalog.tasks.mix import MixOptions
from app.datasets import service as datasets
from app.datasets import versions
from app.datasets.schemas import Selection
from app.db import reading, slices, transaction
from app.models import Context, Dataset, Sample, Unit
from app.queue import ring
from workers import lease
from workers.planning import Stopped
from workers.select import against, duplicates, held_out, testsets
from workers.select.candidates import Alike
from workers.select.contamination import TestSet
from workers.select.words import words

AT_ONCE = 200
_COPIED = (
    *("kind", "evolution", "parent_question", "question", "answer", "attributes", "sources", "verdicts"),
    *("findings", "lineage", "identity", "content", "context_id"),
)


@dataclass(slots=True)
class Taken:
    """A row that is taken: where from, whether it must stay held out, and how often it was taken before."""

    row: int
    dataset_id: str
    held_out: bool
    copy: int = 0


@dataclass(slots=True)
class Part:
    """One source of a mix: its rows in order, how many are wanted of it, and what became of those looked at."""

    dataset_id: str
    weight: float
    alike: Alike | None
    order: list[tuple[bytes, int, bool]]
    wanted: int = 0
    at: int = 0
    taken: list[Taken] = field(default_factory=list)
    repeated: int = 0
    duplicates: int = 0
    contaminated: int = 0

    def told(self) -> dict[str, Any]:
        """As `parts` of the dataset has it."""
        names = ("dataset_id", "weight", "wanted", "repeated", "duplicates", "contaminated")
        found: dict[str, Any] = {name: getattr(self, name) for name in names}
        return found | {"rows": len(self.order), "taken": len(self.taken) + self.repeated, "missing": self.missing}

    @property
    def missing(self) -> int:
        return self.wanted - len(self.taken) - self.repeated


def run(dataset_id: str, owner: str, attempt: int, lost: threading.Event) -> None:
    """Take the rows and end the dataset. Raises Stopped when it is cancelled or the lease is lost."""

    def alive() -> None:
        if lost.is_set():
            raise Stopped
        with reading() as session:
            if session.get_one(Dataset, dataset_id).status != "validating":
                raise Stopped

    with reading() as session:
        dataset = session.get_one(Dataset, dataset_id)
    options = MixOptions.model_validate(dataset.spec["options"])
    selection = Selection.model_validate(dataset.spec["selection"])
    parts = [_part(source.dataset_id, source.weight, dataset.spec["seed"]) for source in options.sources]
    quotas(parts, dataset.spec["rows"], options.repeat)
    alive()
    tests, unread = testsets.load(selection.decontaminate, selection.decontaminate_words, alive)
    known = against.load(selection, None, alive)
    chosen = _choose(parts, known, tests, alive)
    mine = {one.row for one in chosen}
    # Those that are not taken count too: whoever measures by a source's validation must not have trained on the like.
    others = [Taken(row, part.dataset_id, True) for part in parts for _, row, held in part.order if held]
    moved = held_out.spread([*chosen, *(one for one in others if one.row not in mine)], alive)
    chosen += repeats(parts, options.repeat)
    _clear(dataset_id)
    for at in range(0, len(chosen), AT_ONCE):
        _copy(dataset, owner, attempt, at // AT_ONCE, chosen[at : at + AT_ONCE])
    _end(dataset_id, owner, attempt, parts, {"rows": len(chosen), "moved_to_validation": moved, "unread_tests": unread})


def _part(dataset_id: str, weight: float, seed: int) -> Part:
    with reading() as session:
        source = session.get_one(Dataset, dataset_id)
    versions.complete(source)
    query = select(Sample.id, Sample.identity, Sample.content, Sample.split)
    with reading() as session:
        rows = session.execute(query.where(Sample.dataset_id == dataset_id, Sample.state == "accepted")).all()
    order = sorted(
        (hashlib.sha256(f"{seed}|{row.identity}|{row.content}".encode()).digest(), row.id, row.split == "validation")
        for row in rows
    )
    return Part(dataset_id, weight, catalog.TASKS[source.task].alike, order)


def quotas(parts: Sequence[Part], rows: int | None, repeat: int) -> None:
    """How many of each: shares of `rows` by weight (largest remainders), or as many as no source runs out of."""
    total = sum(part.weight for part in parts)
    if rows is None:
        rows = int(min(repeat * len(part.order) * total / part.weight for part in parts))
    exact = [rows * part.weight / total for part in parts]
    for part, share in zip(parts, exact, strict=True):
        part.wanted = int(share)
    left = rows - sum(part.wanted for part in parts)
    by_remainder = sorted(range(len(parts)), key=lambda i: (int(exact[i]) - exact[i], i))
    for i in by_remainder[:left]:
        parts[i].wanted += 1


def _choose(
    parts: Sequence[Part], known: duplicates.Known, tests: TestSet | None, alive: Callable[[], None]
) -> list[Taken]:
    """Rows in turn, of the part that is furthest behind its share; one that repeats an earlier one is passed over.

    Where it does and is held out in its own dataset, the earlier one is held out from now on.
    """
    streams = [_rows(part) for part in parts]
    by_row: dict[int, Taken] = {}
    open_parts = {i for i, part in enumerate(parts) if part.wanted}
    while open_parts:
        i = min(open_parts, key=lambda one: ((len(parts[one].taken) + 0.5) / parts[one].wanted, one))
        part = parts[i]
        found = next(streams[i], None)
        if found is None:
            open_parts.discard(i)
            continue
        row, held = found
        if part.at % AT_ONCE == 1:
            alive()
        question, answer = words(row.question), words(row.answer)
        if tests and (tests.holds(question) or tests.holds(answer)):
            part.contaminated += 1
            continue
        told = words(against.told(row.question, row.answer, row.attributes, part.alike))
        [copy] = known.seen.repeats([(row.id, told)])
        if copy:
            part.duplicates += 1
            if held and copy[0] in by_row:
                by_row[copy[0]].held_out = True
            continue
        taken = by_row[row.id] = Taken(row.id, part.dataset_id, held)
        part.taken.append(taken)
        if len(part.taken) == part.wanted:
            open_parts.discard(i)
    return list(by_row.values())


def _rows(part: Part) -> Iterator[tuple[Any, bool]]:
    """The part's rows in its order, some hundred at a time, each with whether it is held out there."""
    for some in slices(part.order, AT_ONCE):
        columns = (Sample.id, Sample.question, Sample.answer, Sample.attributes)
        with reading() as session:
            rows = {
                row.id: row for row in session.execute(select(*columns).where(Sample.id.in_([r for _, r, _ in some])))
            }
        for _, row, held in some:
            part.at += 1
            yield rows[row], held


def repeats(parts: Sequence[Part], repeat: int) -> list[Taken]:
    """More of the rows of parts that have too few, each up to `repeat` times in all; never of rows held out."""
    found = []
    for part in parts:
        for copy in range(1, repeat):
            for taken in part.taken:
                if part.missing > 0 and not taken.held_out:
                    found.append(Taken(taken.row, taken.dataset_id, False, copy))
                    part.repeated += 1
    return found


def _clear(dataset_id: str) -> None:
    """What an earlier attempt had copied goes."""
    with transaction() as session:
        for table in (Sample, Unit, Context):
            session.execute(delete(table).where(table.dataset_id == dataset_id))


def _copy(dataset: Dataset, owner: str, attempt: int, number: int, taken: Sequence[Taken]) -> None:
    """These rows as one unit that is done."""
    with reading() as session:
        rows = {row.id: row for row in session.scalars(select(Sample).where(Sample.id.in_([one.row for one in taken])))}
    own = {"tenant_id": dataset.tenant_id, "dataset_id": dataset.id}
    context = {"id": ids.new("ctx"), "position": number, "chunk_ids": [], "quality": 1.0, "language": ""}
    unit = {"id": ids.new("unt"), "context_id": context["id"], "position": number, "place": number, "status": "done"}
    copies = []
    for key, one in enumerate(taken):
        row = rows[one.row]
        values = {name: getattr(row, name) for name in _COPIED}
        origin = {"dataset_id": one.dataset_id, "sample_id": str(one.row)} | ({"copy": one.copy} if one.copy else {})
        values["attributes"] = row.attributes | {"mixed_from": origin}
        split = "validation" if one.held_out else "train"
        copies.append(own | values | {"unit_id": unit["id"], "key": key, "state": "accepted", "split": split})
    with transaction() as session:
        if not lease.still_mine(session, Dataset, dataset.id, owner, attempt):
            raise Stopped
        if session.get_one(Dataset, dataset.id, with_for_update=True).status != "validating":
            raise Stopped
        session.execute(insert(Context), [own | context])
        session.execute(insert(Unit), [own | unit])
        session.execute(insert(Sample), copies)


def _end(dataset_id: str, owner: str, attempt: int, parts: Sequence[Part], counts: dict[str, Any]) -> None:
    with transaction() as session:
        if not lease.still_mine(session, Dataset, dataset_id, owner, attempt):
            raise Stopped
        dataset = session.get_one(Dataset, dataset_id, with_for_update=True)
        if dataset.status != "validating":
            raise Stopped
        dataset.owner, dataset.attempt, dataset.waiting = None, 0, None
        dataset.accepted = counts["rows"]
        dataset.units_total = dataset.units_done = -(-counts["rows"] // AT_ONCE)
        dataset.parts = [part.told() for part in parts]
        dataset.started_at = datetime.now(UTC)
        if any(part.missing for part in parts):
            dataset.shortfall = why_short(parts)
        if not counts["rows"]:
            datasets.fail(session, dataset, "no_rows", dataset.shortfall or "no row could be taken")
            return
        datasets.move(session, dataset, "succeeded", f"{counts['rows']} rows mixed", parts=dataset.parts, **counts)
        ring(session, "report", dataset_id)


def why_short(parts: Sequence[Part]) -> str:
    """A sentence with the numbers of each part that had too few rows."""
    short = "; ".join(
        f"{part.dataset_id} had {len(part.order)} rows of which {part.duplicates} repeat others' and "
        f"{part.contaminated} a test set, {part.missing} of {part.wanted} are missing"
        for part in parts
        if part.missing
    )
    wanted = sum(part.wanted for part in parts)
    return f"{wanted - sum(part.missing for part in parts)} of {wanted} rows: {short}"
