"""Compute a dataset's report: one walk over its rows, one over their sources, a few sums by the database."""

import time
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime

import orjson
from sqlalchemy import select

from app import catalog
from app.coverage import measure, scan
from app.coverage import service as covering
from app.datasets import mixes
from app.db import reading, slices
from app.models import Chunk, Context, Dataset, Document
from app.models.datasets import FINAL
from app.reports import counting, paid, tally, tokens
from app.reports.fertility import Piece
from app.reports.languages import detect, enough, script
from app.reports.schemas import (
    Bin,
    Cost,
    CoverageSummary,
    Drops,
    Duplicates,
    Example,
    LanguageCount,
    Languages,
    LeastCovered,
    Lengths,
    ModelUsed,
    Named,
    PromptUsed,
    ReportDataset,
    ReportRead,
    RoundRead,
    Scores,
    StepCost,
)

MAX_LENGTH = 2048  # tokens: rows longer than this are counted as cut
LEAST_COVERED = 20
LONGEST_TEXT = 600  # characters of an example
SURE = 0.5  # of the language gate: 0 to 1
DETECTED = 1_000  # texts whose language is told


def build(dataset: Dataset) -> ReportRead:
    """The report of the dataset as it is now. Reads in short transactions, so of a live one parts differ in age."""
    began = time.monotonic()
    rows = tally.tally(dataset.id)
    known = _languages_of([sampled.context_id for sampled in rows.sample])
    texts = [(known.get(sampled.context_id, ""), sampled) for sampled in rows.sample]
    pieces = [Piece(language, script(sampled.text), sampled.text) for language, sampled in texts]
    return ReportRead(
        dataset=_dataset(dataset),
        computed_at=datetime.now(UTC),
        final=dataset.status in FINAL,
        accepted=rows.accepted,
        dropped=rows.dropped,
        train=rows.splits["train"],
        validation=rows.splits["validation"],
        drops=_drops(rows),
        scores=[_scores(rows, name, dataset.spec.get("gates") or {}) for name in sorted(rows.scores)],
        question_words=_lengths(rows.question_words),
        answer_words=_lengths(rows.answer_words),
        kinds=_named(rows.kinds),
        evolutions=_named(rows.evolutions),
        attributes={name: _named(words) for name, words in sorted(rows.attributes.items())},
        languages=_languages(dataset.id, texts[:: counting.every_nth(len(texts), DETECTED)]),
        duplicates=_duplicates(rows),
        preferences=rows.pairs.read(),
        coverage=_coverage(dataset),
        cost=_cost(dataset, rows.accepted),
        rounds=[RoundRead(**found._asdict()) for found in paid.rounds(dataset.id)],
        prompts=[PromptUsed(prompt=p, sha256=h, rows=n) for (p, h), n in sorted(rows.prompts.items())],
        models=[ModelUsed(role=r, model=m, rows=n) for (r, m), n in sorted(rows.models.items())],
        fertility=tokens.of_rows(pieces, rows.accepted, None, MAX_LENGTH),
        seconds=round(time.monotonic() - began, 2),
    )


def _dataset(dataset: Dataset) -> ReportDataset:
    named = {name: getattr(dataset, name) for name in ReportDataset.model_fields if hasattr(dataset, name)}
    return ReportDataset(**named, model=dataset.spec.get("model") or "", rows_wanted=dataset.spec.get("rows"))


def _drops(rows: tally.Tally) -> list[Drops]:
    examples = [row for found in rows.examples.values() for row in found]
    homes = _documents_of({row.context_id for row in examples if row.sources == "[]"})
    total = rows.accepted + rows.dropped
    return [
        Drops(
            reason=reason,
            rows=count,
            share=round(count / total, 4),
            examples=[_example(row, homes) for row in rows.examples[reason]],
        )
        for reason, count in sorted(rows.reasons.items(), key=lambda item: (-item[1], item[0]))
    ]


def _example(row: tally.Row, homes: dict[str, str]) -> Example:
    sources = orjson.loads(row.sources)
    document = sources[0]["document_name"] if sources else homes.get(row.context_id)
    texts = {name: _short(getattr(row, name) or "") for name in ("question", "answer", "detail")}
    return Example(sample_id=str(row.id), document=document, **texts)


def _short(text: str) -> str:
    return text if len(text) <= LONGEST_TEXT else text[:LONGEST_TEXT].rstrip() + " …"


def _documents_of(context_ids: set[str]) -> dict[str, str]:
    """Context -> the name of the document of its first chunk."""
    with reading() as session:
        contexts = session.execute(select(Context.id, Context.chunk_ids).where(Context.id.in_(context_ids))).all()
        first = {context_id: chunk_ids[0] for context_id, chunk_ids in contexts if chunk_ids}
        query = (
            select(Chunk.id, Document.name)
            .join(Document, Document.id == Chunk.document_id)
            .where(Chunk.id.in_(set(first.values())))
        )
        names = {chunk_id: name for chunk_id, name in session.execute(query)}
    return {context_id: names[chunk_id] for context_id, chunk_id in first.items() if chunk_id in names}


def _scores(rows: tally.Tally, name: str, gates: dict[str, float]) -> Scores:
    split = rows.scores[name]
    metric = catalog.METRICS.entries.get(name)
    both = counting.merged((split.accepted, split.dropped))
    average = counting.mean(both)
    bins = split.bins(metric.low, metric.high) if metric else split.bins()
    return Scores(
        metric=name,
        summary=metric.summary if metric else "",
        threshold=gates.get(name),
        keep=metric.keep if metric else "least",
        rows=sum(both.values()),
        failed=rows.failed[name],
        mean=None if average is None else round(average, 3),
        bins=[Bin(**found._asdict()) for found in bins],
    )


def _lengths(split: counting.Split) -> Lengths:
    p5, p50, p95, longest = (counting.percentile(split.accepted, share) for share in (0.05, 0.5, 0.95, 1.0))
    average = counting.mean(split.accepted)
    whole = {"p5": p5, "p50": p50, "p95": p95, "longest": longest}
    only = counting.Split(accepted=_up_to(split.accepted, 2 * (p95 or 0)))
    return Lengths(
        **{name: None if value is None else int(value) for name, value in whole.items()},
        mean=None if average is None else round(average, 1),
        bins=[Bin(**found._asdict()) for found in only.bins(0)],
    )


def _up_to(counts: Counter[float], most: float) -> Counter[float]:
    """Values above `most` as `most`: a few very long rows would press all others into the first bar."""
    found: Counter[float] = Counter()
    for value, n in counts.items():
        found[min(value, most)] += n
    return found


def _named(words: counting.Words) -> list[Named]:
    return [Named(name=name, accepted=kept, dropped=lost) for name, kept, lost in words.most_first()]


def _languages_of(context_ids: Sequence[str]) -> dict[str, str]:
    ids, found = sorted(set(context_ids)), {}
    with reading() as session:
        for some in slices(ids):
            query = select(Context.id, Context.language).where(Context.id.in_(some))
            found.update({context_id: language for context_id, language in session.execute(query)})
    return found


def _languages(dataset_id: str, texts: Sequence[tuple[str, tally.Sampled]]) -> Languages:
    """A row whose language gate was sure is in the language asked for; the others are looked at anew."""
    seen: dict[str, int] = {}
    different = 0
    for wanted, (_, text, confidence) in texts:
        sure = confidence is not None and confidence >= SURE and enough(text)
        language = wanted if sure else detect(text) or "unknown"
        seen[language] = seen.get(language, 0) + 1
        different += language not in ("unknown", wanted)
    detected = sorted(seen.items(), key=lambda item: (-item[1], item[0]))
    return Languages(
        wanted=[LanguageCount(language=name, rows=n) for name, n in paid.languages(dataset_id)],
        sampled=len(texts),
        detected=[LanguageCount(language=name, rows=n) for name, n in detected],
        different=different,
    )


def _duplicates(rows: tally.Tally) -> Duplicates:
    dropped = {reason: n for reason, n in sorted(rows.reasons.items()) if reason.endswith("duplicate")}
    return Duplicates(dropped=dropped, repeated_questions=rows.repeated_questions)


def _coverage(dataset: Dataset) -> CoverageSummary:
    with reading() as session:
        documents = covering.current_documents(session, mixes.corpora(session, dataset))
    coverage = measure.measure(scan.documents(documents, dataset.tenant_id), scan.cited([dataset.id]), "sentence")
    found: list[LeastCovered] = []
    for document in coverage.documents:
        for section in document.sections():
            found.append(
                LeastCovered(
                    document_id=document.id,
                    document=document.name,
                    section=section.path,
                    characters=section.characters,
                    share=round(section.cited / section.characters, 4),
                    rows=section.rows,
                )
            )
        if len(found) > 100 * LEAST_COVERED:
            found = _least(found)
    return CoverageSummary(totals=covering.totals(coverage), least=_least(found))


def _least(sections: list[LeastCovered]) -> list[LeastCovered]:
    """Those with most text that no row cites."""
    gaps = [section for section in sections if section.share < 1]
    return sorted(gaps, key=lambda found: -found.characters * (1 - found.share))[:LEAST_COVERED]


def _cost(dataset: Dataset, accepted: int) -> Cost:
    def each(amount: int) -> float | None:
        return round(amount / accepted, 2) if accepted else None

    share = dataset.cached_tokens / dataset.prompt_tokens if dataset.prompt_tokens else None
    return Cost(
        calls=dataset.calls,
        replayed_calls=dataset.replayed_calls,
        prompt_tokens=dataset.prompt_tokens,
        cached_tokens=dataset.cached_tokens,
        completion_tokens=dataset.completion_tokens,
        calls_per_accepted_row=each(dataset.calls),
        tokens_per_accepted_row=each(dataset.prompt_tokens + dataset.completion_tokens),
        prefix_cache_share=None if share is None else round(share, 4),
        steps=[
            StepCost(
                **step._asdict(),
                calls_per_accepted_row=each(step.calls),
                tokens_per_accepted_row=each(step.prompt_tokens + step.completion_tokens),
            )
            for step in paid.steps(dataset.id)
        ],
    )
