"""What eliminates an evolved question (Evol-Instruct, arXiv 2304.12244, section 3), before it is answered.

It gains nothing over its parent (rule 1), copies words of the prompt (rule 4), refuses, or is nearly its parent.
Rules 2 and 3, an answer that refuses or says nothing, are the gates `refusal` and `stop_words`, which every row meets.
A fault is (reason, detail): a word for the counters and a sentence for the reader.
"""

import re

from rapidfuzz.distance import LCSseq

from workers.gates.echo import echo
from workers.gates.refusal import refusal_to_ask

Fault = tuple[str, str]

COPIED_RUN = 5  # so many words in a row that stand in the prompt did not come about by chance

# A letter of a script that is written without spaces is a word of its own; elsewhere words are runs of letters.
_WORD = re.compile(r"[぀-ヿ㐀-䶿一-鿿]|[^\W_぀-ヿ㐀-䶿一-鿿]+")


def words(text: str) -> list[str]:
    """Lower case words; each Chinese character and each kana counts as one."""
    return _WORD.findall(text.casefold())


def rouge_l(one: str, other: str) -> float:
    """0..1: F1 of the longest common subsequence of words (Lin 2004), as in Self-Instruct; 1 is word for word."""
    a, b = words(one), words(other)
    return 2 * LCSseq.similarity(a, b) / (len(a) + len(b)) if a and b else 0.0


def of_question(text: str, parent: str, *, prompt: str, around: str, max_overlap: float) -> Fault | None:
    """What is wrong with a question that prompt `prompt` evolved from `parent`; None if nothing is.

    `around` is what the prompt showed beside its own words (the document): to repeat that is no copying.
    """
    if not words(text):
        return "says_nothing", "the evolved question has no words"
    if found := refusal_to_ask(text, ""):
        return "refused", f"instead of a question: {found}"
    if words(text) == words(parent):
        return "no_gain", "the evolved question is its parent"
    if found := echo(text, (prompt,), f"{parent}\n{around}", COPIED_RUN):
        return "copied_prompt", f"it copies words of the prompt: {found}"
    overlap = rouge_l(text, parent)
    if overlap >= max_overlap:
        return "near_copy", f"ROUGE-L {overlap:.2f} to its parent"
    return None
