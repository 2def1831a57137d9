"""Read an uploaded record as a row, measure it by the gates that were asked for, keep what passes."""

from dataclasses import replace
from typing import Any

from app.domain import Context, Dropped
from workers import gates
from workers.recipes.work import Outcome, Work
from workers.steps.record import UNREADABLE, parsed, read


async def make(work: Work) -> Outcome:
    """The row of one record, or why it is none: every record is kept or dropped, with its place in the upload."""
    [chunk] = work.context.chunks
    about: dict[str, Any] = {"record": {"document": chunk.document_name, "place": chunk.section}}
    outcome = Outcome()
    try:
        found = read(parsed(chunk.text), work.options["records"])
    except (ValueError, RecursionError):
        found = "it is not JSON"
    if isinstance(found, str):
        place = f"{chunk.document_name}, {chunk.section}: {found}"
        attributes = about | {"uploaded": chunk.text}
        outcome.add(Dropped(reason=UNREADABLE, detail=place, attributes=attributes, lineage=work.lineage(())))
        return outcome
    row = found.model_copy(update={"attributes": found.attributes | about, "lineage": work.lineage(())})
    # A gate must not find the answer in what the row is read from: what stands there is what is asked.
    asked = chunk.model_copy(update={"text": row.question or " "})
    alone = Context(id=work.context.id, chunks=(asked,), language=work.context.language)
    outcome.add(await gates.check(replace(work, context=alone), row))
    return outcome
