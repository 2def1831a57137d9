"""Write texts for labels that take turns, near the subject of the context."""

from app.catalog.tasks.classify import ClassifyOptions
from app.domain import Chunk, Context, Dropped, Sample
from app.llm.protocol import Refused
from app.replies.text import Texts
from workers.recipes.work import Work
from workers.steps import label

PROMPT = "classify/examples@1"
KIND = "generated"


async def examples(work: Work, options: ClassifyOptions, *, ahead: int) -> list[Sample | Dropped]:
    """`options.generate` rows, not measured yet, in one call. Over all units every label comes equally often."""
    names, told = label.names(options), label.listed(options)
    first = work.place * options.generate
    turns = [(first + i) % len(names) for i in range(options.generate)]
    wanted = [told[turn] for turn in turns]
    lineage = work.lineage((PROMPT,))
    try:
        reply = await work.model.ask(
            PROMPT,
            context=work.context,
            ahead=ahead,
            count=options.generate,
            sample=work.round,
            wanted=wanted,
            others=[line for line in told if line not in wanted],
            language=work.language,
        )
    except Refused as refusal:
        return [Dropped(reason=refusal.reason, detail=refusal.detail, kind=KIND, lineage=lineage)]
    assert isinstance(reply, Texts)
    return [
        Sample(kind=KIND, lineage=lineage, **label.about(work, options, text, [names[turn]]))
        for text, turn in zip(reply.texts, turns, strict=False)
    ]


def alone(work: Work, text: str) -> Context:
    """The text as a document of its own, for a judge to read."""
    text = text.strip()
    piece = Chunk(id="text", document_id="", document_name="", start=0, end=len(text), text=text)
    return Context(id=work.context.id, chunks=(piece,), language=work.context.language)
