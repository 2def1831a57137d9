"""Which types of rows a unit makes, so that over the whole dataset each type gets its share."""

import math
from collections.abc import Hashable
from typing import TypeVar

Name = TypeVar("Name", bound=Hashable)

# Steps of the golden ratio fill the unit interval more evenly than any random draw would (Weyl's sequence).
_GOLDEN = (math.sqrt(5) - 1) / 2


def apportion(shares: dict[Name, float], count: float, place: int) -> dict[Name, int]:
    """Type -> rows of it in the dataset's unit number `place`; together `count`, types without any left out.

    Systematic sampling: each type gets its exact share rounded down or up, and who is rounded up goes around evenly.
    Over P units a share is off by about log P / P, and units need to know nothing of each other. 10 % of 3 questions
    in each of 100 units are 30 questions, within two.
    """
    start = (0.5 + place * _GOLDEN) % 1
    found: dict[Name, int] = {}
    reached, before = 0.0, math.floor(start)
    for name, share in shares.items():
        reached += count * share
        upto = math.floor(round(reached + start, 9))
        if upto > before:
            found[name] = upto - before
        before = upto
    return found
