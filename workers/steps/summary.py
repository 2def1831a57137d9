"""Write one summary of the context, or choose sentences for one."""

from dataclasses import dataclass
from typing import Any

from app import prompts
from app.catalog.tasks.summarise import FORMS, Limit, SummaryStyle
from app.coverage.sentences import widen
from app.domain import Chunk, Dropped, Sample, Span
from app.llm.protocol import Refused
from app.replies.text import Sentences, Summary
from workers.gates.length import words
from workers.recipes.work import Work
from workers.steps.locate import chunk_of, locate, span_of
from workers.steps.requests import request

ABSTRACTIVE = "summarise/abstractive@1"
EXTRACTIVE = "summarise/extractive@1"


@dataclass(frozen=True, slots=True)
class Asked:
    """One summary that is wanted; `number` tells it from others of the same form and length."""

    style: SummaryStyle
    unit: str
    most: int
    number: int

    @property
    def kind(self) -> str:
        return "extractive" if self.style == "extractive" else "abstractive"

    @property
    def words(self) -> str:
        """The limit, for a prompt."""
        return f"at most {self.most} {self.unit if self.most > 1 else self.unit.removesuffix('s')}"


def asked(work: Work, style: SummaryStyle, limit: Limit, number: int) -> Asked:
    """The limit in sentences or words: a ratio becomes so many words of this text, but 5 at the least."""
    if limit.unit == "ratio":
        return Asked(style, "words", max(5, int(limit.most * words(work.context.text))), number)
    if style == "one_line" and limit.unit == "sentences":
        return Asked(style, "sentences", 1, number)
    return Asked(style, limit.unit, int(limit.most), number)


async def summarise(work: Work, wanted: Asked, *, ahead: int) -> Sample | Dropped:
    """A row, not measured yet. A chosen sentence that is nowhere in the text is kept in `unlocated_quotes`."""
    told = _request(work, wanted)
    limit = {"unit": wanted.unit, "most": wanted.most}
    ref = EXTRACTIVE if wanted.style == "extractive" else ABSTRACTIVE
    about: dict[str, Any] = {
        "kind": wanted.kind,
        "question": f"{told}\n\n{work.context.text}",
        "attributes": {"request": told, "style": wanted.style, "limit": limit},
        "lineage": work.lineage((ref,)),
    }
    values: dict[str, Any] = {"limit": wanted.words}
    if ref == ABSTRACTIVE:
        values |= {"form": FORMS[wanted.style], "language": work.language}
    sample = wanted.number + 100 * work.round  # a call of its own for each summary, in each round
    try:
        reply = await work.model.ask(
            ref, context=work.context, ahead=ahead, sample=sample, fields=_no_more(ref, wanted), **values
        )
    except Refused as refusal:
        return Dropped(reason=refusal.reason, detail=refusal.detail, **about)
    if isinstance(reply, Sentences):
        spans, missing = _whole(work, reply.sentences)
        if missing:
            about["attributes"]["unlocated_quotes"] = missing
        said = [*(span.quote for span in spans), *missing]
        return Sample(answer=" ".join(" ".join(sentence.split()) for sentence in said), sources=spans, **about)
    assert isinstance(reply, Summary)
    mark = "- " if wanted.style == "bullets" else ""
    points = [mark + point.removeprefix("- ") for point in reply.points]
    return Sample(
        answer=("\n" if mark else " ").join(points), sources=tuple(map(_all_of, work.context.chunks)), **about
    )


def _no_more(ref: str, wanted: Asked) -> dict[str, Any]:
    """The reply's lists, no longer than the limit: small models do not count, and a server that decodes by schema does.

    A sentence (or point) is one entry.
    """
    if wanted.unit != "sentences":
        return {}
    lists = prompts.load(ref).reply.schema_for()["properties"]
    return {name: schema | {"maxItems": min(wanted.most, schema["maxItems"])} for name, schema in lists.items()}


def _request(work: Work, wanted: Asked) -> str:
    """What the row asks for; that a single sentence is at most one needs no saying."""
    told = request(work.context.language, wanted.style)
    if wanted.style == "one_line" and wanted.unit == "sentences":
        return told
    return f"{told} {request(work.context.language, wanted.unit, wanted.most)}"


def _whole(work: Work, sentences: list[str]) -> tuple[tuple[Span, ...], list[str]]:
    """(The whole sentences around what was copied exactly, in the order of the text; what was not.)"""
    places: set[tuple[int, int, int]] = set()
    missing = []
    for copied in sentences:
        span = locate(work.context, copied)
        if span is None or span.score < 100:
            missing.append(copied)
            continue
        number = chunk_of(work.context, span)
        chunk = work.context.chunks[number]
        places.add((number, *widen(chunk.text, span.start - chunk.start, span.end - chunk.start)))
    return tuple(span_of(work.context.chunks[number], start, end) for number, start, end in sorted(places)), missing


def _all_of(chunk: Chunk) -> Span:
    return span_of(chunk, 0, len(chunk.text))
