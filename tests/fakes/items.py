"""Replies whose fields hang together: a choice and its distractors, a statement and what was changed in it."""

import re
from hashlib import sha256
from typing import Any

from tests.fakes import tools
from tests.fakes.document import Document, best_sentence, cut, reworded, topic_of, word_question, words_of

Made = dict[str, Any]
_NUMBER = re.compile(r"\d+")
_CHOICE = re.compile(r"^([A-D])\) (.+)$", re.M)
_TURN = re.compile(r"^User: (.+)\nAssistant: (.+)$", re.M)
_JOINED = re.compile(r"\d+\. (.+ / .+)\?")
_PARTS = re.compile(r"facts from (\d) different parts")
_RIGHT = re.compile(r"^Right answer: (.+)$", re.M)
_SENTENCE = re.compile(r"^Sentence: (.+)$", re.M)
_STATEMENT = re.compile(r"^Statement: (.+)$", re.M)
# Names nobody's document has: a question about them is one that it does not answer.
_UNSTATED = {
    "en": ("the members of the Zorvath council", "How many members of the Zorvath council deal with {}?"),
    "ru": ("члены совета Зорвата", "Сколько членов совета Зорвата занимаются следующим: {}?"),
}
_REFUSED = {
    "en": "I do not know how many members that council has.",
    "ru": "Я не знаю, сколько членов в этом совете.",
    "de": "Das weiß ich nicht.",
    "fr": "Je ne le sais pas.",
    "es": "No lo sé.",
}


def made_up(
    fields: set[str], document: Document, instruction: str, question: str | None, at: int, position: int
) -> Made:
    """The fields that must fit each other, for the shapes known here; {} for all others.

    `at` is the sentence the reply is about, `position` its place in a list.
    """
    sentence = document.sentences[at]
    unstated = question is not None and is_unstated(question, document)
    if {"tools", "question"} <= fields:
        return tools.request(document, instruction, position)
    if {"calls", "answer"} <= fields:
        return tools.step(document, instruction, question or "")
    if {"standalone", "question"} <= fields:
        return follow_up(document, instruction, missing="missing" in fields)
    if {"missing", "question"} <= fields:
        missing, wording = _UNSTATED.get(document.language, _UNSTATED["en"])
        return {"missing": missing, "question": wording.format(cut(topic_of(sentence), 150))}
    if {"facts", "link", "question"} <= fields:
        return chained(document, at, position, instruction)
    if {"right", "wrong"} <= fields:
        return _choices(document, at)
    if {"changed_from", "statement"} <= fields:
        return _statement(sentence, position, instruction)
    if {"steps", "answer"} <= fields:
        return steps(document, at)
    if {"hops", "answer"} <= fields:
        said = chain(document, at, instruction)
        return {"hops": said, "answer": cut(" ".join(hop["finding"] for hop in said), 1000)}
    if {"changed_from", "changed_to"} == fields and (right := _RIGHT.search(instruction)):
        old, new = _change(right[1])
        return {"changed_from": old, "changed_to": new}
    if "choice" in fields:
        return {"choice": _chosen(sentence, instruction)}
    if "verdict" in fields:
        return {"verdict": _verdict(document, instruction)}
    if "refusal" in fields:
        return {"refusal": _REFUSED.get(document.language, _REFUSED["en"])}
    if unstated and "answer" in fields:
        return {"quote": "", "quotes": [], "answer": "UNKNOWN"}
    if unstated and "own_answer" in fields:
        return {"own_answer": "UNKNOWN"}
    return {}


def hops(document: Document, at: int, seed: int) -> Made:
    """An answer from two sentences that lie as far apart as the document allows."""
    size = len(document.sentences)
    both = [document.sentences[at], document.sentences[(at + max(1, size // 2)) % size]]
    return {"quotes": both, "answer": cut(reworded(document, " ".join(both), seed), 1000)}


def follow_up(document: Document, instruction: str, *, missing: bool) -> Made:
    """The next question of a conversation, about a sentence further on; its full form names what was told last."""
    turns = _TURN.findall(instruction)
    told = best_sentence(document, turns[-1][1])
    about = topic_of(document.sentences[told])
    if missing:
        said = "How many members of the Zorvath council deal with"
        left = {"missing": "the members of the Zorvath council"}
    else:
        left = {}
        said = word_question(document, (told + 1 + len(turns)) % len(document.sentences)).rstrip("? ")
    return left | {"standalone": f"{said}, beside {about}?", "question": f"{said}, beside that?"}


def chained(document: Document, at: int, position: int, instruction: str) -> Made:
    """Facts that lie as far apart as the document allows, and a question made of words of all of them."""
    facts = far_apart(document, at, parts_wanted(instruction))
    topics = " / ".join(cut(" ".join(fact.split()), 100) for fact in facts)
    return {"facts": facts, "link": topic_of(facts[0]), "question": f"{position + 1}. {topics}?"}


def chain(document: Document, at: int, instruction: str) -> list[Made]:
    """An answer's hops over sentences that lie far apart, the first of them the one asked about."""
    facts = far_apart(document, at, parts_wanted(instruction))
    return [{"quote": fact, "finding": cut(" ".join(fact.split()), 250)} for fact in facts]


def steps(document: Document, at: int) -> Made:
    """A step that has a quote, one that concludes, and an answer of both."""
    sentence = cut(document.sentences[at], 380)
    said = " ".join(sentence.split())
    return {
        "steps": [{"quote": sentence, "thought": said}, {"quote": "", "thought": f"So this holds: {said}"}],
        "answer": said,
    }


def far_apart(document: Document, at: int, parts: int) -> list[str]:
    size = len(document.sentences)
    return [cut(document.sentences[(at + max(1, size // parts) * i) % size], 380) for i in range(parts)]


def parts_wanted(instruction: str) -> int:
    found = _PARTS.search(instruction)
    return int(found[1]) if found else 2


def is_unstated(question: str, document: Document) -> bool:
    asked, said = question.casefold(), document.text.casefold()
    if joined := _JOINED.fullmatch(question):  # of several parts, one of which may be missing
        flat = " ".join(document.text.split())
        return any(part not in flat for part in joined[1].split(" / "))
    return any(name in asked and name not in said for name in ("zorvath", "зорват"))


def _choices(document: Document, at: int) -> Made:
    """The right choice stands in the sentence; the wrong ones stand in others, or nowhere."""
    sentence = document.sentences[at]
    right = topic_of(sentence)
    others = [topic_of(other) for other in document.sentences if other != sentence]
    wrong = [other for other in dict.fromkeys(others) if not words_of(other) & words_of(sentence)]
    invented = (f"Zorvath {number}" for number in range(1, 4))
    return {"right": cut(right, 100), "wrong": [cut(one, 100) for one in (*wrong, *invented)][:3]}


def _chosen(sentence: str, instruction: str) -> str:
    flat = " ".join(sentence.split())
    fitting = [letter for letter, text in _CHOICE.findall(instruction) if " ".join(text.split()) in flat]
    return fitting[0] if len(fitting) == 1 else "none"


def _statement(sentence: str, position: int, instruction: str) -> Made:
    flat = cut(" ".join(sentence.split()), 350)
    if f"- statement {position + 1}: false" not in instruction:
        return {"changed_from": "", "changed_to": "", "statement": flat}
    old, new = _change(flat)
    return {"changed_from": old, "changed_to": new, "statement": flat.replace(old, new, 1)}


def _change(text: str) -> tuple[str, str]:
    """A number of it and another one, or its weightiest word and a name that nobody has."""
    number = _NUMBER.search(text)
    old = number.group() if number else topic_of(text).split()[0]
    return old, str(int(old) + 417) if number else "Zorvath"


def _verdict(document: Document, instruction: str) -> str:
    found = _STATEMENT.search(instruction)
    said = " ".join(document.text.split())
    return "true" if found and " ".join(found[1].split()) in said else "false"


def fitting(labels: list[str], document: Document) -> str:
    """The label that stands in the document itself, else one by the document's words: the same whoever is asked."""
    said = document.text.casefold()
    fixed = sha256(document.text.encode()).digest()[0] % max(1, len(labels) - 1)
    return next((one for one in labels if one.casefold() in said), labels[fixed])


def labelled(sentence: str, instruction: str, position: int) -> str:
    """The sentence, with the label that the instruction wants of the text in this place."""
    found = re.search(rf"^- text {position + 1}: ([^:\n]+)", instruction, re.M)
    return f"{sentence} ({found[1]})" if found else sentence


def turned(instruction: str) -> str:
    """The sentence of the instruction with its later half first; empty if there is none."""
    found = _SENTENCE.search(instruction)
    if not found:
        return ""
    said = found[1].rstrip(".").split()
    half = len(said) // 2
    return " ".join([*said[half:], "is what holds for", *said[:half]]) + "."
