"""Instruction-following difficulty (arXiv 2308.12032): loss of the answer given the question, over its loss alone.

Both are means in nats a token, by the model that will be trained. Near 0 the question gives the answer away; from 1 on
it does not help at all. An answer of one token has no loss of its own, and is not measured.
"""

import asyncio

from app.domain import Sample
from app.llm.protocol import Refused
from workers.gates import Measured
from workers.recipes.work import Work

LEAST_LOSS = 0.001  # nats: below, the model knows the answer by heart, and a ratio of two such numbers says nothing


async def measure(work: Work, row: Sample, *, ahead: int) -> Measured:
    path = ahead - 1  # of the two calls, which are made at once
    losses = await asyncio.gather(
        work.model.loss(context=work.context, prefix=f"{row.question}\n", text=row.answer, ahead=path),
        work.model.loss(context=work.context, prefix="", text=row.answer, ahead=path),
        return_exceptions=True,
    )
    for failure in losses:
        if isinstance(failure, Refused) and failure.reason == "too_short":
            return {}
        if isinstance(failure, BaseException):
            raise failure
    given, alone = (float(loss) for loss in losses if not isinstance(loss, BaseException))
    if alone < LEAST_LOSS:
        return {}
    return {"ifd": (round(min(given / alone, 10.0), 3), f"loss {given:.3f} given the question, {alone:.3f} alone")}
