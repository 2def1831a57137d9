"""From chunks to contexts: seeds of good quality, in a stated order, each with related but different chunks."""

from collections.abc import Mapping, Sequence

from app.datasets.schemas import Grouping
from workers.grouping.candidate import Candidate, Group, Grouped
from workers.grouping.neighbours import Neighbourhood, Rules, Vectors
from workers.grouping.quality import quality
from workers.grouping.seeds import by_loss, capped, good, stratified

__all__ = ["Candidate", "Group", "Grouped", "Vectors", "group", "quality"]


def group(
    chunks: Sequence[Candidate],
    options: Grouping,
    *,
    seed: int,
    vectors: Vectors,
    scores: Mapping[str, float] | None = None,
    losses: Mapping[str, float] | None = None,
) -> Grouped:
    """Contexts by these options. The same inputs and seed give the same contexts, in the same order.

    `scores` (0..1 by chunk id) are a judge's grades; without them `quality` is asked. `losses` (nats per token) are the
    trainee's; with them the contexts it knows least come first. Of contexts that hold the same chunks one is kept.
    """
    looks = {chunk.id: quality(chunk.text) for chunk in chunks}
    graded = looks if scores is None else scores
    seeds = good(chunks, graded, options.least_quality, looks) if chunks else []
    counts = {"below_quality": len(chunks) - len(seeds)}
    ordered = stratified(seeds, graded, seed) if losses is None else by_loss(seeds, graded, losses, seed)
    begin = capped(ordered, options.contexts_per_document)
    counts["over_document_cap"] = len(ordered) - len(begin)
    least, most = options.sizes
    if most == 1 or len(chunks) < 2:
        made = [Group((chunk.id,), graded.get(chunk.id, 0.0), chunk.id) for chunk in begin]
    else:
        # A judge is asked about seeds only: any other chunk may be a neighbour by its looks.
        poor = {chunk.id for chunk in chunks if chunk.id in graded and graded[chunk.id] < options.least_quality}
        members = [chunk for chunk in chunks if looks[chunk.id] >= options.least_looks and chunk.id not in poor]
        made = _with_neighbours(chunks, begin, members, graded, options, vectors)
    full = [found for found in made if len(found.chunk_ids) >= least] or made
    different = list({frozenset(found.chunk_ids): found for found in reversed(full)}.values())[::-1]
    counts |= {
        "too_few_chunks": len(made) - len(full),
        "repeated": len(full) - len(different),
        "cross_document": sum(found.documents > 1 for found in different),
    }
    return Grouped(tuple(different), counts)


def _with_neighbours(
    chunks: Sequence[Candidate],
    seeds: Sequence[Candidate],
    members: Sequence[Candidate],
    scores: Mapping[str, float],
    options: Grouping,
    vectors: Vectors,
) -> list[Group]:
    place = {chunk.id: i for i, chunk in enumerate(chunks)}
    rules = Rules(
        others=options.sizes[1] - 1,
        min_similarity=options.min_similarity,
        max_similarity=options.max_similarity,
        diversity=options.diversity,
        cross_document=options.cross_document,
    )
    near = Neighbourhood(
        chunks,
        [place[chunk.id] for chunk in members],
        rules,
        vectors if "similarity" in options.edges else None,
        "entities" in options.edges,
    )
    found = dict(near.of([place[chunk.id] for chunk in seeds]))
    made = []
    for chunk in seeds:
        row = place[chunk.id]
        # Chunks of one document in the order they stand there; other documents after the seed's.
        order = sorted([row, *found[row]], key=lambda i: (chunks[i].document != chunk.document, i))
        documents = len({chunks[i].document for i in order})
        made.append(Group(tuple(chunks[i].id for i in order), scores.get(chunk.id, 0.0), chunk.id, documents))
    return made
