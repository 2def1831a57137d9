"""Another round when rows are missing: over the contexts whose text the accepted rows have covered least."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from app import ids
from app.coverage.intervals import Interval, covered, union
from app.db import slices
from app.models import Chunk, Context, Dataset, Unit
from workers import places
from workers.select.candidates import Scan
from workers.select.clusters import Span

MOST_ROUNDS = (
    4  # over the same context, unless its task says otherwise; after that a shortfall is explained and not chased
)
BARREN_AFTER = 2  # rounds without an accepted row, and a context comes last
LEAST_YIELD = 0.1  # rows a unit: what is planned with when hardly anything was accepted
SPARE = 1.2


@dataclass(frozen=True, slots=True)
class Used:
    """A context and what was made of it so far. `covered`: share of its characters that accepted rows cite."""

    id: str
    position: int
    rounds: int
    rows: int
    characters: int
    covered: float
    sha256: str = ""

    @property
    def barren(self) -> bool:
        return self.rounds >= BARREN_AFTER and not self.rows


def usage(session: Session, dataset_id: str, scan: Scan) -> list[Used]:
    """Every context of the dataset, the one to ask next first: least covered text, fewest rounds, best position."""
    contexts = session.execute(
        select(Context.id, Context.position, Context.chunk_ids, Context.sha256).where(Context.dataset_id == dataset_id)
    ).all()
    places = _places(session, {chunk for context in contexts for chunk in context.chunk_ids}, scan.documents)
    counts = select(Unit.context_id, func.count()).where(Unit.dataset_id == dataset_id).group_by(Unit.context_id)
    rounds = {context_id: count for context_id, count in session.execute(counts)}
    rows = Counter(row.context for row in scan.rows)
    cited = citations(span for row in scan.rows for span in row.spans)
    found = []
    for context in contexts:
        spans = [places[chunk] for chunk in context.chunk_ids if chunk in places]
        characters = sum(end - start for _, start, end in spans)
        found_in = sum(covered(cited.get(document, ()), start, end) for document, start, end in spans)
        kept = rows[scan.contexts[context.id]] if context.id in scan.contexts else 0
        share = found_in / characters if characters else 0.0
        used = Used(context.id, context.position, rounds.get(context.id, 0), kept, characters, share, context.sha256)
        found.append(used)
    return sorted(found, key=lambda used: (used.barren, round(used.covered, 2), used.rounds, used.position))


def _places(session: Session, chunks: set[str], documents: dict[str, int]) -> dict[str, Span]:
    """Where the chunks stand; documents that no row cites are numbered from -1 down."""
    found: dict[str, Span] = {}
    wanted, others = sorted(chunks), dict[str, int]()
    for some in slices(wanted):
        query = select(Chunk.id, Chunk.document_id, Chunk.start, Chunk.end).where(Chunk.id.in_(some))
        for chunk, document, start, end in session.execute(query):
            number = documents.get(document)
            if number is None:
                number = others.setdefault(document, -1 - len(others))
            found[chunk] = (number, start, end)
    return found


def citations(spans: Iterable[Span]) -> dict[int, list[Interval]]:
    """For each document what the spans cover, as a union."""
    found: dict[int, list[Interval]] = defaultdict(list)
    for document, start, end in spans:
        found[document].append((start, end))
    return {document: union(places) for document, places in found.items()}


def next_contexts(used: Sequence[Used], missing: int, accepted: int, units: int, most: int = MOST_ROUNDS) -> list[Used]:
    """Those to ask next: as many as the missing rows take at the yield so far, with some to spare; maybe none."""
    if not units:
        return []
    count = max(1, round(missing / max(accepted / units, LEAST_YIELD) * SPARE))
    return [context for context in used if context.rounds < most][:count]


def plan(session: Session, dataset: Dataset, contexts: Sequence[Used]) -> None:
    """One more unit for each of these contexts."""
    wanted = [(context.sha256, context.rounds) for context in contexts]
    placed = places.assign(session, dataset, wanted, dataset.units_total)
    rows = [
        {
            "id": ids.new("unt"),
            "tenant_id": dataset.tenant_id,
            "dataset_id": dataset.id,
            "context_id": context.id,
            "round": context.rounds,
            "position": dataset.units_total + i,
            "place": placed[i],
            "status": "pending",
        }
        for i, context in enumerate(contexts)
    ]
    session.execute(insert(Unit), rows)
    dataset.units_total += len(rows)
    dataset.round += 1


def explain(used: Sequence[Used]) -> str:
    """In numbers, what became of the contexts."""
    characters = sum(context.characters for context in used)
    covered = sum(context.covered * context.characters for context in used)
    share = f"{covered / characters:.0%}" if characters else "none"
    unused = sum(not context.rounds for context in used)
    empty = sum(context.rounds > 0 and not context.rows for context in used)
    most = max((context.rounds for context in used), default=0)
    return (
        f"{len(used)} contexts, {unused} of them never asked, {empty} asked in vain, none more than {most} times; "
        f"accepted rows cite {share} of their text"
    )
