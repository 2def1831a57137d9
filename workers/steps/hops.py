"""Does an answer really take more than one chunk? By where its quotes stand, by their words, and by trying with one."""

import re
from collections.abc import Collection

from rapidfuzz import fuzz

from app.domain import Context, Dropped, Sample
from app.llm.protocol import Refused
from app.replies import OwnAnswer
from workers import gates
from workers.gates.grounded_judge import agreement
from workers.recipes.work import Work
from workers.steps.answer import is_unknown
from workers.steps.locate import chunk_of

PROMPT = "judge/own_answer@1"
REASON = "not_multi_hop"
_WORD = re.compile(r"\d+(?:[.,:]\d+)*|[^\W\d_]+")
SAME_ANSWER = 60.0  # agreement from which an answer made of one chunk counts as the row's answer


def joined(work: Work, row: Sample) -> Sample | Dropped:
    """The row, or why one chunk is enough for it.

    Two things must hold, and no model is asked. The quotes stand in two chunks or more. And no single chunk's quotes
    hold all the words needed: the content words (numbers, and words of four letters or more) of question and answer
    that stand in any quote. The question's words count too: in "when was the captain of the Aurora born" the second
    passage alone has the answer's words (a name, a year), but only the first says that he is the captain of the Aurora.
    """
    if row.attributes.get("unlocated_quotes") and work.gates.get("source"):
        return row  # the source gate drops it, with a better reason
    said: dict[int, set[str]] = {}
    for span in row.sources:
        said.setdefault(chunk_of(work.context, span), set()).update(content_words(span.quote))
    if len(said) < 2:
        return gates.drop(row, REASON, f"its quotes stand in {len(said)} of {len(work.context.chunks)} chunks")
    needed = needed_words(row, said.values())
    for number, words in said.items():
        if all(has(words, word) for word in needed):
            return gates.drop(row, REASON, f"the quotes of chunk {number + 1} alone say all of it")
    return row


async def check_hops(work: Work, row: Sample, *, ahead: int) -> Sample | Dropped:
    """The judge answers from the one chunk that quotes most, and must fail. One call."""
    quoted = [0] * len(work.context.chunks)
    for span in row.sources:
        quoted[chunk_of(work.context, span)] += len(span.quote)
    best = work.context.chunks[quoted.index(max(quoted))]
    alone = Context(id=work.context.id, chunks=(best,), language=work.context.language)
    try:
        reply = await work.model.ask(PROMPT, context=alone, ahead=ahead, role="judge", question=row.question)
    except Refused as refusal:
        return gates.drop(row, f"judge_{refusal.reason}", refusal.detail)
    assert isinstance(reply, OwnAnswer)
    row = row.model_copy(update={"lineage": work.lineage((*row.lineage["prompts"], PROMPT))})
    own = reply.own_answer
    if is_unknown(own) or agreement(row.question, row.answer, own) < SAME_ANSWER:
        return row
    return gates.drop(row, REASON, f"the judge answers it from one chunk: {own}")


def needed_words(row: Sample, said: Collection[set[str]]) -> set[str]:
    """The content words of question and answer that stand in any of the quotes."""
    wanted = content_words(f"{row.question} {row.answer}")
    return {word for word in wanted if any(has(words, word) for words in said)}


def content_words(text: str) -> set[str]:
    """Numbers, and words of four letters or more, in small letters."""
    return {word for word in _WORD.findall(text.casefold()) if len(word) > 3 or word[0].isdigit()}


def has(words: set[str], word: str) -> bool:
    """Loosely, since languages inflect; a number must be there as it is."""
    if word in words or word[0].isdigit():
        return word in words
    return any(fuzz.ratio(word, other, score_cutoff=80) for other in words)
