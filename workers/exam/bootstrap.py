"""Confidence intervals by the paired bootstrap over clusters (Efron 1979; Koehn 2004 for pairs of systems)."""

from collections.abc import Sequence

import numpy as np

from app.exams.records import Interval

RESAMPLES = 10_000


def paired(differences: Sequence[float], clusters: Sequence[str], *, seed: int, level: float = 0.95) -> Interval:
    """The mean difference and its percentile interval. Whole clusters are drawn, since questions about one fact are
    answered right or wrong together: without that the interval would be too narrow.

    Raises ValueError without differences.
    """
    if not differences:
        raise ValueError("an interval needs at least one difference")
    names = {name: at for at, name in enumerate(dict.fromkeys(clusters))}
    places = np.array([names[name] for name in clusters])
    values = np.asarray(differences, dtype=np.float64)
    sums = np.bincount(places, weights=values, minlength=len(names))
    sizes = np.bincount(places, minlength=len(names)).astype(np.float64)
    draw = np.random.default_rng(seed)
    drawn = draw.integers(0, len(names), size=(RESAMPLES, len(names)))
    means = sums[drawn].sum(axis=1) / sizes[drawn].sum(axis=1)
    tail = (1 - level) / 2
    low, high = np.quantile(means, [tail, 1 - tail])
    return Interval(value=float(values.mean()), low=float(low), high=float(high))
