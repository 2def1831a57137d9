"""The elimination rules of Evol-Instruct (arXiv 2304.12244, section 3), and one more: no near copy of the parent.

(1) the evolved question gains nothing over its parent; (2) its answer is a refusal; (3) its answer is punctuation and
stop words; (4) it copies words of the prompt. All work in any language that signs.py knows, and as far as that goes
in others. A fault is (reason, detail): a word for the counters and a sentence for the reader.
"""

import re
from functools import cache

from rapidfuzz.distance import LCSseq

from app import prompts
from workers.steps.signs import PROMPT_WORDS, REFUSAL, STOP_WORDS

Fault = tuple[str, str]

REFUSAL_WORDS = 80  # a longer text that begins with an apology has usually more to say
REFUSAL_BEGINS = 120  # characters; what is said later is quoted and not meant
COPIED_RUN = 5  # so many words in a row that stand in the prompt did not come about by chance

# A letter of a script that is written without spaces is a word of its own; elsewhere words are runs of letters.
_WORD = re.compile(r"[぀-ヿ㐀-䶿一-鿿]|[^\W_぀-ヿ㐀-䶿一-鿿]+")
_TEMPLATE = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.S)


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
        return "empty", "the evolved question has no words"
    if found := refusal(text):
        return "refusal", f"instead of a question: {found}"
    if words(text) == words(parent):
        return "no_gain", "the evolved question is its parent"
    if found := copied(text, prompt, f"{parent}\n{around}"):
        return "copied_prompt", f"it copies words of the prompt: {found}"
    overlap = rouge_l(text, parent)
    if overlap >= max_overlap:
        return "near_copy", f"ROUGE-L {overlap:.2f} to its parent"
    return None


def of_answer(text: str, language: str) -> Fault | None:
    """What is wrong with an answer whatever the question was: a refusal, or nothing said. `language`: ISO 639-1."""
    if is_empty(text, language):
        return "empty", "the answer has no words but stop words"
    if found := refusal(text):
        return "refusal", f"the answer begins: {found}"
    return None


def refusal(text: str) -> str:
    """The words with which a short text refuses, or ""."""
    found = REFUSAL.search(text[:REFUSAL_BEGINS].replace("’", "'"))
    return found.group().strip() if found and len(words(text)) < REFUSAL_WORDS else ""


def is_empty(text: str, language: str) -> bool:
    """True when there is nothing but punctuation and stop words of `language`; of an unknown one, punctuation alone.

    Capitals are names: "US" and "WHO" are answers.
    """
    stop = STOP_WORDS.get(language, frozenset())
    return all(word.casefold() in stop and not (len(word) > 1 and word.isupper()) for word in _WORD.findall(text))


def copied(text: str, prompt: str, allowed: str) -> str:
    """Words of `text` that are the prompt's own, or "". What stands in `allowed` too may be said."""
    for found in PROMPT_WORDS.finditer(text):
        if found.group().casefold() not in allowed.casefold():
            return found.group().strip()
    if common := runs(text) & _prompt_runs(prompt):
        common -= runs(allowed)
    return " ".join(min(common)) if common else ""


def runs(text: str) -> frozenset[tuple[str, ...]]:
    """Every COPIED_RUN words in a row."""
    found = words(text)
    return frozenset(tuple(found[i : i + COPIED_RUN]) for i in range(len(found) - COPIED_RUN + 1))


@cache
def _prompt_runs(ref: str) -> frozenset[tuple[str, ...]]:
    parts = _TEMPLATE.sub("\n", prompts.load(ref).source).splitlines()
    return frozenset(run for part in parts for run in runs(part))
