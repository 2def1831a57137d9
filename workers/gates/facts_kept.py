"""Are the numbers and names of a sentence those of its paraphrase? Common ones over all, whatever their endings."""

from app.domain import Sample
from workers.gates import Measured
from workers.gates.names import supported_names
from workers.gates.numbers import numbers as numbers_of
from workers.grouping.entities import names
from workers.recipes.work import Work


async def measure(work: Work, row: Sample, *, ahead: int) -> Measured:
    sentence, said, language = row.attributes["sentence"], row.answer, work.context.language
    numbers, mine = numbers_of(sentence), numbers_of(said)
    lost = [*sorted(numbers - mine), *supported_names(sentence, said, language)[1]]
    added = [*sorted(mine - numbers), *supported_names(said, sentence, language)[1]]
    every = len(numbers | mine) + len({*names(sentence, language)}) + len({*names(said, language)})
    score = max(0.0, 1 - len(lost + added) / every) if every else 1.0
    why = "; ".join(f"{what}: {', '.join(found)[:100]}" for what, found in (("lost", lost), ("new", added)) if found)
    return {"facts_kept": (round(score, 3), why or "all numbers and names are kept")}
