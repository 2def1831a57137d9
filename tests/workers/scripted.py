"""A model that says what a test wrote down for it, and the work and the document to ask it about."""

import asyncio
import hashlib
from collections.abc import Callable, Mapping
from typing import Any

from app import catalog, prompts
from app.domain import Chunk, Context, Span
from app.llm.protocol import Refused
from app.replies import Reply
from workers.recipes import Outcome, Work, recipe

Said = dict[str, Any] | Callable[[dict[str, Any]], dict[str, Any]]
FIRST = "The ferry Aurora is steered by Captain Lind. It leaves Norvik at 07:40 every weekday."
SECOND = "Captain Lind has held her licence since 1998. She lives in the old lighthouse of Tarnholm."
AGREES = {"reason": "It is stated.", "faithfulness": 5, "answerability": 5, "usefulness": 5}


class Scripted:
    """Prompt -> the reply, or a function that gives it.

    It is given the prompt's values, and `document`, `sample`, `temperature` and `fields`.
    Prompts and replies are real ones.
    """

    def __init__(self, **said: Said) -> None:
        self.said = {name.replace("__", "/"): reply for name, reply in said.items()}
        self.asked: list[tuple[str, str, dict[str, Any], str]] = []

    async def ask(
        self,
        ref: str,
        *,
        context: Context,
        ahead: int,
        role: str = "generator",
        count: int | None = None,
        sample: int = 0,
        temperature: float | None = None,
        model: str | None = None,
        fields: Mapping[str, Any] | None = None,
        **values: Any,
    ) -> Reply:
        prompt = prompts.load(ref)
        if count is not None:
            values["count"] = count
        instruction = prompt.messages(context.text, **values)[1]["content"].partition("</document>")[2]
        values |= {"document": context.text, "sample": sample, "temperature": temperature, "fields": fields}
        self.asked.append((ref, role, values, instruction))
        said = self.said[ref.partition("@")[0]]
        await asyncio.sleep(0)
        reply = said(values) if callable(said) else said
        if not reply:
            raise Refused("parse_error", "no reply")
        return prompt.reply.model_validate(reply)

    async def loss(
        self, *, context: Context | None, prefix: str, text: str, ahead: int, role: str = "trainee"
    ) -> float:
        raise AssertionError("no question asks for a loss")

    def instructions(self, step: str) -> list[str]:
        return [instruction for ref, _, _, instruction in self.asked if ref.startswith(step)]


def context(*texts: str, language: str = "en") -> Context:
    """Chunks of one document, in order, a blank line between them."""
    chunks, start = [], 0
    for i, text in enumerate(texts):
        chunks.append(
            Chunk(id=f"c{i}", document_id="doc", document_name="a.txt", start=start, end=start + len(text), text=text)
        )
        start += len(text) + 2
    return Context(id="ctx", chunks=tuple(chunks), language=language)


def made(model: Scripted, about: Context, *, place: int = 0, seeds: tuple[str, ...] = (), **options: Any) -> Outcome:
    """What the recipe of grounded_qa makes of one context."""
    return made_by("grounded_qa", model, about, place=place, seeds=seeds, **({"evolve_rounds": 0} | options))


def made_by(
    task: str,
    model: Scripted,
    about: Context,
    *,
    place: int = 0,
    round_: int = 0,
    seeds: tuple[str, ...] = (),
    gates: dict[str, float] | None = None,
    **options: Any,
) -> Outcome:
    """What a task's recipe makes of one context, with its own gates unless others are given."""
    entry = catalog.TASKS[task]
    work = Work(
        task=task,
        context=about,
        options=entry.options.model_validate(options).model_dump(),
        gates=entry.gates if gates is None else gates,
        language=prompts.LANGUAGES[about.language],
        seed=f"0|{round_}|{place}",
        model=model,
        models={"generator": "scripted", "judge": "scripted"},
        seeds=seeds,
        place=place,
        round=round_,
    )

    async def make() -> Outcome:
        return await recipe(task)(work)

    return asyncio.run(make())


def stands(about: Context, span: Span) -> bool:
    """Is the span exactly this piece of the stored text?"""
    text = "\n\n".join(chunk.text for chunk in about.chunks)
    return text[span.start : span.end] == span.quote and span.sha256 == hashlib.sha256(span.quote.encode()).hexdigest()
