"""Extract JSON from a context by the user's schema, keep only values that stand in the text, measure, judge.

extract -> look every value up -> gates (schema, then the judge)
"""

from app.catalog.tasks.extract import ExtractOptions
from app.domain import Sample
from workers import gates
from workers.recipes.work import Outcome, Work
from workers.steps.extract import extract


async def make(work: Work) -> Outcome:
    """One row of one context, or why there is none."""
    outcome = Outcome()
    row = await extract(work, ExtractOptions.model_validate(work.options), ahead=1 + gates.calls(work))
    outcome.add(await gates.check(work, row) if isinstance(row, Sample) else row)
    return outcome
