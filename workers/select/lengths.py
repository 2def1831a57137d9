"""Which pairs to leave out so that, over the whole dataset, chosen answers are as long as rejected ones.

Judges like long answers, and a model that learns from their preferences learns first of all to be long (arXiv
2310.03716). The lengths of a row are (chosen, rejected), in characters.
"""

from bisect import bisect_left
from collections.abc import Hashable, Sequence

from app.catalog.pairs import alike
from workers.select.spare import ranks

Lengths = tuple[int, int]


def gap(pairs: Sequence[Lengths]) -> float:
    """By which share of the shorter mean the longer one exceeds it: 0.05 is 5 %. 0 where there are no pairs."""
    return _gap(sum(chosen for chosen, _ in pairs), sum(rejected for _, rejected in pairs))


def _gap(chosen: int, rejected: int) -> float:
    return abs(chosen - rejected) / max(1, min(chosen, rejected))


def biased(pairs: Sequence[Lengths], most: float) -> list[int]:
    """The places of the pairs to drop so that `gap` is at most `most`: few of them, and always the same ones.

    As long as chosen answers are longer, a pair goes in which the chosen one is longer (and the other way round): one
    that is not about as long before all others, then the one with the greatest difference. What turns out to fit all
    the same comes back, the latest first.
    """
    chosen, rejected = sum(pair[0] for pair in pairs), sum(pair[1] for pair in pairs)
    queues = {longer: _queue(pairs, longer) for longer in (True, False)}
    dropped: list[int] = []
    while _gap(chosen, rejected) > most:
        at = queues[chosen > rejected].pop()  # sums differ, so a pair that leans this way is left
        chosen, rejected = chosen - pairs[at][0], rejected - pairs[at][1]
        dropped.append(at)
    gone = set(dropped)
    for at in reversed(dropped):
        back = chosen + pairs[at][0], rejected + pairs[at][1]
        if _gap(*back) <= most:
            chosen, rejected = back
            gone.remove(at)
    return sorted(gone)


def _queue(pairs: Sequence[Lengths], longer: bool) -> list[int]:
    """Places of the pairs whose chosen answer is the longer one (or the shorter), the first to go last."""
    leaning = [
        at for at, (chosen, rejected) in enumerate(pairs) if chosen != rejected and (chosen > rejected) == longer
    ]
    return sorted(leaning, key=lambda at: (not alike(*pairs[at]), abs(pairs[at][0] - pairs[at][1]), at))


def surplus(contexts: Sequence[Hashable], pairs: Sequence[Lengths], count: int, most: float) -> list[int]:
    """The places of `count` rows to spare, as `spare.surplus`, but of equal ranks those that keep the lengths even.

    Where that leaves a gap of more than `most`, rows that lean change places with spared ones that lean the other way.
    """
    rank = ranks(contexts)
    lean = sum(chosen - rejected for chosen, rejected in pairs)
    found: list[int] = []
    for level in sorted(set(rank), reverse=True):
        ordered = sorted((_lean(pairs[at]), at) for at in range(len(pairs)) if rank[at] == level)
        while ordered and len(found) < count:
            place = bisect_left(ordered, (lean, -1))
            near = [near for near in (place - 1, place) if 0 <= near < len(ordered)]
            difference, at = ordered.pop(min(near, key=lambda one: abs(ordered[one][0] - lean)))
            lean -= difference
            found.append(at)
    return _exchanged(pairs, found, most)


def _exchanged(pairs: Sequence[Lengths], spared: list[int], most: float) -> list[int]:
    gone = set(spared)
    kept = [at for at in range(len(pairs)) if at not in gone]
    chosen, rejected = sum(pairs[at][0] for at in kept), sum(pairs[at][1] for at in kept)
    sign = 1 if chosen > rejected else -1
    out = sorted(kept, key=lambda at: (-sign * _lean(pairs[at]), at))
    back = sorted(spared, key=lambda at: (sign * _lean(pairs[at]), at))
    for one, other in zip(out, back, strict=False):
        if _gap(chosen, rejected) <= most or sign * (_lean(pairs[one]) - _lean(pairs[other])) <= 0:
            break
        chosen += pairs[other][0] - pairs[one][0]
        rejected += pairs[other][1] - pairs[one][1]
        gone.remove(other)
        gone.add(one)
    return sorted(gone)


def _lean(pair: Lengths) -> int:
    return pair[0] - pair[1]
