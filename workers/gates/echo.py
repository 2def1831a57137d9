"""Does the row repeat its own prompt? Rule 4 of Evol-Instruct (arXiv 2304.12244), for every prompt that made the row.

What stands in the context is the document's own, and no echo.
"""

import re
from collections.abc import Iterator
from functools import cache
from itertools import chain

from app import prompts
from app.domain import Sample
from workers.gates import Measured
from workers.gates.phrases import Phrases
from workers.recipes.work import Work

RUN = 7  # words in a row that are the prompt's: fewer are common phrases
# Names that prompts and papers give to what is evolved, and pointers to a place the reader does not see.
_MARKS = Phrases(
    (
        r"#+ ?(?:the )?(?:given|rewritten|new|created|evolved)\b",
        r"</?(?:instruction|document|evolved|answer)>",
        r"\b(?:given|rewritten|evolved|original) (?:prompt|question|instruction)\b",
        r"\b(?:new|old|evolved) (?:prompt|question|instruction)\s*:",
        r"\b(?:stands?|stated|given|mentioned|described) above\b",
        r"\b(?:данн|исходн|переписанн|изначальн|усложн[её]нн)\w+ (?:вопрос|запрос|промпт|инструкци|задани)\w*",
        r"\b(?:нов|стар)\w+ (?:вопрос|запрос|промпт|инструкци|задани)\w*\s*:",
        r"\b(?:сказан|указан|изложен|привед[её]н|описан|упомянут)\w* выше\b",
        r"\bвыше(?:указанн|изложенн|приведенн|описанн)\w+",
        r"\b(?:gegebene|ursprüngliche|umgeschriebene|umformulierte)[nrs]? (?:frage|anweisung|aufgabe|prompt)\b",
        r"\b(?:oben (?:steht|stehend|genannt|beschrieben)\w*|wie oben)\b",
        r"\b(?:question|instruction|consigne) (?:donnée|réécrite|d'origine|initiale)\b|\bci-dessus\b",
        r"\b(?:pregunta|instrucción) (?:dada|reescrita|original)\b",
        r"\b(?:mencionad|indicad|descrit)\w+ (?:arriba|anteriormente)\b",
        r"(?:给定|改写后|重写后|原始|上述)的?(?:问题|提示|指令)",
        r"\b(?:данн|созданн)\w+ промпт\w*",
        r"\b(?:prompt donné|domanda (?:data|riscritta))\b",
        r"\[/?inst\]|<\|[a-z_]+\|>",
        r"\{\{ ?(?:question|answer|language|count|length|document|context|examples?) ?\}\}",
    )
)
# The form that replies have: no echo in an answer to a question that wants JSON.
_BARE_JSON = Phrases(
    (
        r"[\"'](?:quote|answer|question|questions|own_answer|reason|faithfulness|answerability|usefulness)[\"']\s*:",
        "```json",
    )
)
_WANTS_JSON = re.compile(r"\bjson\b", re.I)
_TAG = re.compile(r"\{%.*?%\}|\{\{.*?\}\}|\{#.*?#\}", re.S)
_WORD = re.compile(r"\w+")


async def measure(work: Work, row: Sample, *, ahead: int) -> Measured:
    refs, context = tuple(row.lineage.get("prompts", {})), work.context.text
    found = echo(row.question, refs, context) or echo(row.answer, refs, context, asked=row.question)
    return {"echo": (0.0 if found else 1.0, found or "nothing of the prompts")}


def echo(text: str, refs: tuple[str, ...], context: str, run: int = RUN, *, asked: str = "") -> str:
    """The words of `text` that come from these prompts and not from the context, or "".

    `run`: so many in a row. `asked`: the question that `text` answers, which may want JSON.
    """
    known = context.lower()
    marks = (_MARKS,) if _WANTS_JSON.search(asked) else (_MARKS, _BARE_JSON)
    for mark in chain.from_iterable(phrases.find(text) for phrases in marks):
        if mark.lower() not in known:
            return mark
    fixed = [_runs(ref, run) for ref in refs]
    repeated = [found for found in _in_a_row(text, run) if any(found in those for those in fixed)]
    own = " ".join(_WORD.findall(known)) if repeated else ""
    return next((words for words in map(" ".join, repeated) if words not in own), "")


def _in_a_row(text: str, run: int) -> Iterator[tuple[str, ...]]:
    words = _WORD.findall(text.lower())
    return zip(*(words[i:] for i in range(run)), strict=False)


@cache
def _runs(ref: str, run: int) -> frozenset[tuple[str, ...]]:
    """Every run of words in the prompt's fixed text; the text between two inputs is a piece of its own."""
    prompt = prompts.load(ref)
    pieces = [prompt.system, *_TAG.split(prompt.source)]
    return frozenset(found for piece in pieces for found in _in_a_row(piece, run))
