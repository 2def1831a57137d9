"""Which of a dataset's waiting calls goes first."""

from dataclasses import dataclass

TAIL_SHARE = 0.4  # of a server's slots: so many last contexts of a dataset are let in together


@dataclass(frozen=True, slots=True)
class Turn:
    """Of one call: its unit's `place` in the dataset, how many units are `left` from that to the last one, and how many
    calls come after it on its unit's longest path (`ahead`)."""

    place: int
    left: int
    ahead: int

    def order(self, slots: int) -> tuple[int, int, int]:
        """Smaller goes first: depth first by context; the last contexts together, longest remaining path first.

        So a context's prefix stays cached, and no slot idles at the end. `slots`: calls that the servers run at once.
        """
        tail = int(TAIL_SHARE * slots)
        if self.left > tail:
            return self.place, 0, 0
        return self.place + self.left - tail, -self.ahead, self.place
