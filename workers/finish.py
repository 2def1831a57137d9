"""When all units have ended: select the rows that stay, split them, or plan another round."""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from threading import Event
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import catalog
from app.datasets import service as datasets
from app.datasets.schemas import Selection
from app.db import reading, transaction
from app.models import Context, Dataset
from app.queue import ring
from app.settings import settings
from workers import lease
from workers.select import best, candidates, lengths, paraphrases, record, rounds, spare, split, testsets
from workers.select.against import load as load_others
from workers.select.candidates import Drop, Row, Scan
from workers.select.record import Lease, Stopped, fenced

LISTEN_SECONDS = 0.7  # a cancel is heard within this


def run(dataset_id: str) -> None:
    """Select, under a lease; nothing happens unless the dataset is selecting."""
    owner = lease.new_owner()
    with transaction() as session:
        dataset = session.get(Dataset, dataset_id)
        if dataset is None or dataset.status != "selecting":
            return
        attempt = lease.take(session, Dataset, dataset_id, owner)
        if attempt is None:
            return
        if attempt > settings().unit_max_attempts:
            datasets.fail(session, dataset, "selection_failed", f"it ended without a result {attempt - 1} times")
            return
    held = Lease(dataset_id, owner, attempt)
    with lease.heartbeat(Dataset, dataset_id, owner) as lost:
        try:
            _select(held, dataset, _listener(dataset_id, lost))
        except paraphrases.NoEmbedder as error:
            with fenced(held) as (session, dataset):
                datasets.fail(session, dataset, "selection_failed", str(error), "selection.semantic")
        except Stopped:
            with transaction() as session:
                lease.release(session, Dataset, dataset_id, owner, attempt)


def _listener(dataset_id: str, lost: Event) -> Callable[[], None]:
    """To be called now and then: raises Stopped when the dataset is not selecting any more or the lease is lost."""
    heard = time.monotonic()

    def alive() -> None:
        nonlocal heard
        if lost.is_set():
            raise Stopped
        if time.monotonic() - heard > LISTEN_SECONDS:
            with reading() as session:
                status = session.scalar(select(Dataset.status).where(Dataset.id == dataset_id))
            if status != "selecting":
                raise Stopped
            heard = time.monotonic()

    return alive


def _select(held: Lease, dataset: Dataset, alive: Callable[[], None]) -> None:
    """The stages, in order; each has dropped its rows before the next begins."""
    selection = Selection.model_validate(dataset.spec.get("selection", {}))
    wanted: int | None = dataset.spec.get("rows")
    known = load_others(selection, catalog.TASKS[dataset.task].alike, alive)
    tests, unread = testsets.load(selection.decontaminate, selection.decontaminate_words, alive)
    scan = candidates.scan(held.dataset_id, selection, tests, alive, catalog.TASKS[dataset.task].alike, known)
    record.screened(held, scan.masked, scan.found, candidates.policies(selection))
    record.drop(held, scan.drops)
    before = len(scan.rows) + len(scan.drops)
    _leave(held, scan, paraphrases.repeated(dataset.tenant_id, scan.rows, selection, alive))
    _leave(held, scan, _crowded(scan.rows, selection.max_per_document))
    _leave(held, scan, _unbalanced(scan.rows, selection.balance, wanted))
    leaning = _leaning(scan.rows, selection.max_length_gap)
    missing = max(0, wanted - len(scan.rows) + len(leaning)) if wanted else 0
    if not missing:
        _leave(held, scan, leaning)
        if selection.strategy == "deita":
            _leave(held, scan, best.surplus(dataset.tenant_id, scan.rows, wanted, alive))
        else:
            _leave(held, scan, _surplus(scan.rows, wanted, selection.max_length_gap))
        leaning = _leaning(scan.rows, selection.max_length_gap)  # the surplus may have been a counterweight
        missing = max(0, wanted - len(scan.rows) + len(leaning)) if wanted else 0
    used = []
    if missing:
        alive()
        with reading() as session:
            used = rounds.usage(session, held.dataset_id, scan)
        if _another_round(held, missing, used):
            return  # pairs that lean stay until the last round: those to come may outweigh them
    _leave(held, scan, leaning)
    train, validation = _split(held.dataset_id, dataset.spec, scan, alive)
    record.split(held, train, validation)
    with fenced(held) as (session, dataset):
        counts = {"candidates": before, "train": len(train), "validation": len(validation), "unread_tests": unread}
        _warn(session, dataset, unread, len({row.context for row in scan.rows}), len(validation))
        _finish(session, dataset, scan.rows, used, counts)


def _leave(held: Lease, scan: Scan, drops: list[Drop]) -> None:
    if drops:
        record.drop(held, drops)
        gone = {drop.row for drop in drops}
        stay = [at for at, row in enumerate(scan.rows) if row.id not in gone]
        scan.rows, scan.hashes = [scan.rows[at] for at in stay], [scan.hashes[at] for at in stay]


def _crowded(rows: Sequence[Row], most: int | None) -> list[Drop]:
    if most is None:
        return []
    found = spare.over([row.document for row in rows], [row.context for row in rows], most)
    return [Drop(rows[at].id, "document_cap", f"its document has {most} rows without it") for at in found]


def _unbalanced(rows: Sequence[Row], by: str, wanted: int | None) -> list[Drop]:
    if by == "none":
        return []
    groups = [{"kind": row.kind, "document": row.document, "label": row.label}[by] for row in rows]
    level = spare.level(groups, wanted)
    if level is None:
        return []
    found = spare.over(groups, [row.context for row in rows], level)
    return [Drop(rows[at].id, "unbalanced", f"its {by} has {level} rows without it") for at in found]


def _leaning(rows: Sequence[Row], most: float) -> list[Drop]:
    """Pairs that go so that chosen answers are as long as rejected ones."""
    pairs = _lengths(rows)
    before = lengths.gap(pairs)
    return [
        Drop(rows[at].id, "length_bias", f"{pairs[at][0]} characters chosen, {pairs[at][1]} rejected; gap {before:.1%}")
        for at in lengths.biased(pairs, most)
    ]


def _lengths(rows: Sequence[Row]) -> list[lengths.Lengths]:
    """Of a dataset of pairs; of others nothing."""
    found = [row.lengths for row in rows if row.lengths]
    return found if len(found) == len(rows) else []


def _surplus(rows: Sequence[Row], wanted: int | None, gap: float) -> list[Drop]:
    if not wanted:
        return []
    contexts, count, pairs = [row.context for row in rows], len(rows) - wanted, _lengths(rows)
    found = lengths.surplus(contexts, pairs, count, gap) if pairs else spare.surplus(contexts, count)
    return [Drop(rows[at].id, "surplus", f"{wanted} rows were wanted") for at in found]


def _another_round(held: Lease, missing: int, used: Sequence[rounds.Used]) -> bool:
    """Plan units for the least covered contexts, if the budget and the number of rounds allow it."""
    with fenced(held) as (session, dataset):
        if _budget_spent(dataset):
            return False
        chosen = rounds.next_contexts(
            used, missing, dataset.accepted, dataset.units_done, catalog.TASKS[dataset.task].rounds
        )
        if not chosen:
            return False
        rounds.plan(session, dataset, chosen)
        dataset.owner, dataset.attempt = None, 0  # the next round's selection is other work
        message = f"{missing} rows short: {len(chosen)} more units planned"
        datasets.move(session, dataset, "generating", message, missing=missing)
        ring(session, "drain")
        return True


def _budget_spent(dataset: Dataset) -> bool:
    budget = dataset.spec.get("budget") or {}
    tokens = dataset.prompt_tokens + dataset.completion_tokens
    return bool(
        dataset.dropped.get("budget_spent")
        or (budget.get("max_calls") and dataset.calls >= budget["max_calls"])
        or (budget.get("max_tokens_total") and tokens >= budget["max_tokens_total"])
    )


def _split(dataset_id: str, spec: dict[str, Any], scan: Scan, alive: Callable[[], None]) -> tuple[list[int], list[int]]:
    chunks: list[list[str]] = [[] for _ in scan.contexts]
    with reading() as session:
        for context_id, chunk_ids in session.execute(
            select(Context.id, Context.chunk_ids).where(Context.dataset_id == dataset_id)
        ):
            if context_id in scan.contexts:
                chunks[scan.contexts[context_id]] = chunk_ids
    share, seed = spec["validation_share"], spec["seed"]
    return split.validation(scan.rows, scan.hashes, chunks, share=share, seed=seed, alive=alive)


def _warn(session: Session, dataset: Dataset, unread: list[str], contexts: int, validation: int) -> None:
    if unread:
        message = f"{len(unread)} documents of the test sets could not be read: {', '.join(unread[:5])}"
        datasets.record(session, dataset, "selection.unread_tests", message, level="warn")
    if not validation and int(contexts * dataset.spec["validation_share"]):
        message = "no rows are held out: the contexts are so much alike that no cluster of them fits into the share"
        datasets.record(session, dataset, "selection.no_validation", message, level="warn")


def _finish(
    session: Session, dataset: Dataset, rows: Sequence[Row], used: Sequence[rounds.Used], counts: dict[str, Any]
) -> None:
    wanted: int | None = dataset.spec.get("rows")
    dataset.owner, dataset.attempt = None, 0
    dataset.findings = dict(sorted(Counter(found for row in rows for found in row.findings).items()))
    if (wanted and len(rows) < wanted) or _budget_spent(dataset):
        dataset.shortfall = _why_short(dataset, wanted, used)
    if not rows:
        reasons = ", ".join(f"{reason}: {n}" for reason, n in Counter(dataset.dropped).most_common(5))
        datasets.fail(session, dataset, "no_rows", f"no row passed the gates ({reasons or 'no unit gave a row'})")
        return
    data = counts | {"dropped": dataset.dropped, "findings": dataset.findings}
    datasets.move(session, dataset, "succeeded", f"{dataset.accepted} rows accepted", **data)
    ring(session, "report", dataset.id)  # lost, it is computed when somebody asks for it


def _why_short(dataset: Dataset, wanted: int | None, used: Sequence[rounds.Used]) -> str:
    top = ", ".join(f"{n} {reason}" for reason, n in Counter(dataset.dropped).most_common(4))
    why = "the budget is spent" if _budget_spent(dataset) else "every context was used as often as is useful"
    of = f" of {wanted}" if wanted else ""
    contexts = f"; {rounds.explain(used)}" if used else ""
    return (
        f"{dataset.accepted}{of} rows: {why}; {dataset.units_failed} units failed; dropped: {top or 'none'}{contexts}"
    )
