"""Choose sentences of the context, and say one of them in other words."""

import re

from app.catalog.tasks.paraphrase import WORDED, ParaphraseOptions, ParaphraseStyle
from app.coverage.sentences import split
from app.domain import Dropped, Sample, Span
from app.llm.protocol import Refused
from app.replies.text import Paraphrases
from workers.gates.length import words
from workers.recipes.work import Work
from workers.steps.locate import span_of
from workers.steps.requests import request

PROMPT = "paraphrase/sentence@1"
KIND = "paraphrase"
MOST_WORDS = 60
_MARKUP = re.compile(r"[|#*`_<>]|^\s*[-•]|\n\s*\n")
_END = re.compile(r"[.!?…。！？।؟][\"'»”’)\]]*$")


def sentences(work: Work, options: ParaphraseOptions) -> list[Span]:
    """Whole sentences of running text that no earlier round has used, as many as are wanted, drawn by seed."""
    found = []
    for chunk in work.context.chunks:
        for start, end in split(chunk.text):
            text = chunk.text[start:end]
            whole = _END.search(text) and not text[0].islower() and not _MARKUP.search(text)
            if whole and options.least_words <= words(text) <= MOST_WORDS:
                found.append(span_of(chunk, start, end))
    used = [line for line in work.avoid]
    fresh = [span for span in found if not any(line.endswith(plain(span)) for line in used)]
    draw = work.random("sentences")
    return draw.sample(fresh, min(len(fresh), options.sentences_per_context))


def plain(span: Span) -> str:
    """The sentence on one line."""
    return " ".join(span.quote.split())


async def paraphrase(
    work: Work, options: ParaphraseOptions, span: Span, style: ParaphraseStyle, *, ahead: int
) -> list[Sample | Dropped]:
    """Rows, not measured yet: the variants of one sentence, in one call."""
    sentence = plain(span)
    told = re.sub(r"[.。।]$", ":", request(work.context.language, style))
    about = {
        "kind": KIND,
        "question": f"{told} {sentence}",
        "attributes": {"request": told, "style": style, "sentence": sentence},
        "sources": (span,),
        "lineage": work.lineage((PROMPT,)),
    }
    try:
        reply = await work.model.ask(
            PROMPT,
            context=work.context,
            ahead=ahead,
            count=options.variants,
            sentence=sentence,
            style=WORDED[style],
            language=work.language,
        )
    except Refused as refusal:
        return [Dropped.model_validate(about | {"reason": refusal.reason, "detail": refusal.detail})]
    assert isinstance(reply, Paraphrases)
    said = dict.fromkeys(text.strip() for text in reply.paraphrases[: options.variants])
    return [Sample.model_validate(about | {"answer": text}) for text in said]
