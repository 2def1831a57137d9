"""Name the entities of a context and write texts on how pairs and triples of them are related.

EntiGraph (arXiv 2409.07431): many texts about the relations of a few entities teach a model a small corpus better than
many rewordings of it do.
"""

from itertools import combinations

from app.domain import Dropped, Sample
from app.llm.protocol import Refused
from app.replies.text import Discussion, Entities
from workers.recipes.work import Work
from workers.steps.locate import span_of

NAME, WRITE = "pretrain/entities@1", "pretrain/relation@1"
SIZES = {"pair": 2, "triple": 3}

Group = tuple[str, ...]


async def entities(work: Work, *, ahead: int) -> list[str]:
    """Those that stand in the text, the weightiest first. The same in every round. Raises Refused."""
    reply = await work.model.ask(NAME, context=work.context, ahead=ahead, language=work.language)
    assert isinstance(reply, Entities)
    said = " ".join(work.context.text.casefold().split())
    named = {" ".join(name.casefold().split()): " ".join(name.split()) for name in reply.entities}
    return [name for key, name in named.items() if key in said]


def groups(work: Work, names: list[str], kind: str, count: int, most: int) -> list[Group]:
    """`count` pairs or triples, in an order drawn once for the context; later rounds go on where earlier ones ended.

    `most`: the greatest number that one round takes.
    """
    every = list(combinations(names, SIZES[kind]))
    work.fixed_random(kind).shuffle(every)
    return every[work.round * most :][:count]


async def relate(work: Work, kind: str, group: Group, *, ahead: int) -> Sample | Dropped:
    """A text about the group, not measured yet."""
    lineage = work.lineage((NAME, WRITE))
    attributes = {"entities": list(group)}
    try:
        reply = await work.model.ask(
            WRITE, context=work.context, ahead=ahead, entities=list(group), language=work.language
        )
    except Refused as refusal:
        return Dropped(reason=refusal.reason, detail=refusal.detail, kind=kind, attributes=attributes, lineage=lineage)
    assert isinstance(reply, Discussion)
    return Sample(
        kind=kind,
        question="",
        answer=reply.text,
        attributes=attributes,
        sources=tuple(span_of(chunk, 0, len(chunk.text)) for chunk in work.context.chunks),
        lineage=lineage,
    )
