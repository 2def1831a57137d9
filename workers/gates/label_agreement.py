"""Let the judge label the text of a row, not knowing its labels: common labels over all labels (Jaccard)."""

from app.catalog.tasks.classify import NONE, ClassifyOptions
from app.domain import Sample
from workers.gates import Measured
from workers.recipes.work import Work
from workers.steps.examples import alone
from workers.steps.label import JUDGE, label

PROMPTS = (JUDGE,)


async def measure(work: Work, row: Sample, *, ahead: int) -> Measured:
    options = ClassifyOptions.model_validate(work.options)
    text = work.context if row.kind == "chunk" else alone(work, row.question.removeprefix(row.attributes["request"]))
    mine = await label(work, options, text, ahead=ahead, by_judge=True)
    given = row.attributes["labels"]
    every = {*mine, *given}
    share = len({*mine} & {*given}) / len(every) if every else 0.0
    return {"label_agreement": (round(share, 3), f"the judge says {', '.join(mine) or NONE}")}
