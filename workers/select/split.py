"""Which rows are held out: whole fact clusters, so that nothing in validation was as good as seen in training."""

from collections.abc import Callable, Sequence

from workers.select import clusters, join
from workers.select.candidates import Row

NEAR = 0.5  # Jaccard of word 3-grams: from here on two rows are near copies and stay on one side


def validation(
    rows: Sequence[Row],
    hashes: join.Sets,
    chunks: Sequence[Sequence[str]],
    *,
    share: float,
    seed: int,
    alive: Callable[[], None] = lambda: None,
) -> tuple[list[int], list[int]]:
    """Ids of the rows of (train, validation). `hashes`: of each row; `chunks`: of each context of the scan.

    Rows are of one cluster when they share a context or a chunk, when their sources overlap, or when they are near
    copies; clusters are connected by any of these. No pair of NEAR or more is ever on both sides.
    """
    if not share or not rows:
        return [row.id for row in rows], []
    roots = clusters_of(rows, hashes, chunks, alive)
    held = clusters.held_out(roots, [row.context for row in rows], [row.digest for row in rows], share, seed)
    train = [row.id for row, root in zip(rows, roots, strict=True) if root not in held]
    return train, [row.id for row, root in zip(rows, roots, strict=True) if root in held]


def clusters_of(
    rows: Sequence[Row], hashes: join.Sets, chunks: Sequence[Sequence[str]], alive: Callable[[], None]
) -> list[int]:
    """For each row the root of its cluster: rows with the same one belong on the same side."""
    unions = clusters.Unions(len(rows))
    keys = [[row.context, *chunks[row.context]] for row in rows]
    for one, other in clusters.same(keys):
        unions.unite(one, other)
    for one, other in clusters.overlapping([row.spans for row in rows]):
        unions.unite(one, other)
    alive()
    unions.unite_all(join.pairs(hashes, NEAR, alive, unions.roots))
    return unions.roots()


def facts(rows: Sequence[Row]) -> list[int]:
    """For each row the fact it is about: rows whose sources overlap, directly or by way of others, have the same."""
    unions = clusters.Unions(len(rows))
    for one, other in clusters.overlapping([row.spans for row in rows]):
        unions.unite(one, other)
    return unions.roots()
