"""Does the row repeat its own prompt? Rule 4 of Evol-Instruct (arXiv 2304.12244), for every prompt that made the row.

What stands in the context is the document's own, and no echo.
"""

import re
from functools import cache

from app import prompts
from app.domain import Sample
from workers.gates import Measured
from workers.recipes.work import Work

RUN = 7  # words in a row that are the prompt's: fewer are common phrases
_MARKS = re.compile(
    r"#\s*(?:the\s+)?(?:given|rewritten|created|new)\b[^#]*#"
    r"|\b(?:given|rewritten|created|original) (?:prompt|question|instruction)s?\b"
    r"|\b(?:данн|переписанн|исходн|созданн)\w+ (?:промпт|вопрос|инструкци|запрос)\w*"
    r"|\b(?:gegebene|umgeschriebene|ursprüngliche)[nrs]? (?:prompt|frage|anweisung)\b"
    r"|\b(?:prompt donné|question (?:donnée|réécrite)|pregunta (?:dada|reescrita)|domanda (?:data|riscritta))\b"
    r"|[\"'](?:quote|answer|question|questions|own_answer|reason|faithfulness|answerability|usefulness)[\"']\s*:"
    r"|</?document\b|```json|\[/?INST\]|<\|[a-z_]+\|>|\{\{|\}\}",
    re.I,
)
_TAG = re.compile(r"\{%.*?%\}|\{\{.*?\}\}|\{#.*?#\}", re.S)
_WORD = re.compile(r"\w+")


async def measure(work: Work, row: Sample, *, ahead: int) -> Measured:
    refs = row.lineage.get("prompts", {})
    found = echo(f"{row.question}\n{row.answer}", tuple(refs), work.context.text)
    return {"echo": (0.0 if found else 1.0, found or "nothing of the prompts")}


def echo(text: str, refs: tuple[str, ...], context: str) -> str:
    """The words of `text` that come from these prompts and not from the context, or ""."""
    known = context.lower()
    for found in _MARKS.finditer(text):
        if found.group().lower() not in known:
            return found.group()
    words = _WORD.findall(text.lower())
    own = " ".join(_WORD.findall(known))
    for i in range(len(words) - RUN + 1):
        run = tuple(words[i : i + RUN])
        if any(run in _runs(ref) for ref in refs) and " ".join(run) not in own:
            return " ".join(run)
    return ""


@cache
def _runs(ref: str) -> frozenset[tuple[str, ...]]:
    """Every run of words in the prompt's fixed text; the text between two inputs is a piece of its own."""
    prompt = prompts.load(ref)
    pieces = [prompt.system, *_TAG.split(prompt.source)]
    found = [_WORD.findall(piece.lower()) for piece in pieces]
    return frozenset(tuple(words[i : i + RUN]) for words in found for i in range(len(words) - RUN + 1))
