"""A mix makes no rows: `workers.mixing` takes them from other datasets when it is planned, and leaves no work."""

from workers.recipes.work import Outcome, Work


async def make(work: Work) -> Outcome:
    """No rows."""
    return Outcome()
