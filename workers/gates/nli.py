"""Does the cited text entail the answer? By a cross-encoder of natural language inference, on the worker's own machine.

Premise: the quotes, each with the whole sentences it stands in. Hypothesis: the question and the answer.
"""

import re

import numpy as np

from app.domain import Context, Sample, Span
from app.settings import settings
from workers import cross_encoder
from workers.gates import Measured
from workers.recipes.work import Work

_END = re.compile(r"(?<=[.!?…。！？])[\s»\"”)]+|(?<=[。！？])|\n{2,}|\n(?=[-*#|])")


async def measure(work: Work, row: Sample, *, ahead: int) -> Measured:
    premise = cited(work.context, row.sources)
    if not premise:
        return {"nli": (0.0, "nothing is cited")}
    share, said = await entailment(premise, f"{row.question} {row.answer}")
    return {"nli": (share, f"{said}, by: {premise[:200]}")}


async def entailment(premise: str, hypothesis: str) -> tuple[float, str]:
    """(0..1: how probable the NLI model holds it that `premise` entails `hypothesis`; the label it gives).

    Raises ValueError for a model none of whose labels is entailment.
    """
    name = settings().nli_model
    logits = await cross_encoder.logits(name, premise, hypothesis)
    labels = cross_encoder.labels(name)
    entailed = next((i for i, label in enumerate(labels) if label.startswith("entail")), None)
    if entailed is None:
        raise ValueError(f"CORPUSMITH_NLI_MODEL {name}: none of its labels is entailment: {', '.join(labels)}")
    shares = np.exp(logits - logits.max())
    shares /= shares.sum()
    return round(float(shares[entailed]), 3), labels[int(shares.argmax())]


def cited(context: Context, sources: tuple[Span, ...]) -> str:
    """The sentences of the context in which the quotes stand, in the order of the sources, each once."""
    found: dict[str, None] = {}
    for span in sources:
        chunk = next(
            (c for c in context.chunks if c.document_id == span.document_id and c.start <= span.start < c.end), None
        )
        whole = (
            span.quote if chunk is None else _sentences(chunk.text, span.start - chunk.start, span.end - chunk.start)
        )
        found[whole.strip()] = None
    return " ".join(found)


def _sentences(text: str, start: int, end: int) -> str:
    """text[start:end], widened to where its first sentence begins and its last one ends."""
    ends = [match.end() for match in _END.finditer(text)]
    first = max((place for place in ends if place <= start), default=0)
    last = min((place for place in ends if place >= end), default=len(text))
    return text[first:last]
