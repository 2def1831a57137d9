"""Are the sentences of an extractive summary the text's own, letter for letter (white space aside)?"""

from app.domain import Sample
from workers.gates import Measured
from workers.recipes.work import Work


async def measure(work: Work, row: Sample, *, ahead: int) -> Measured:
    missing = row.attributes.get("unlocated_quotes", [])
    exact = [span for span in row.sources if span.score == 100 and span.quote in work.context.text]
    said = [*(span.quote for span in row.sources), *missing]
    if row.answer != " ".join(" ".join(sentence.split()) for sentence in said):
        return {"verbatim": (0.0, "the summary is not the sentences that were found")}
    total = len(row.sources) + len(missing)
    why = f"not in the text: {missing[0][:200]}" if missing else "every sentence stands in the text"
    return {"verbatim": (round(len(exact) / total, 3) if total else 0.0, why)}
