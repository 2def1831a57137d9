"""Answers that differ from one temperature and model to the next, and a judge with planted biases."""

import re
from hashlib import sha256
from typing import Any

from tests.fakes.document import Document, best_sentence, words_of
from tests.fakes.faults import Habits
from tests.fakes.instance import Scene

Made = dict[str, Any]
_ANSWER = re.compile(r"^<answer \d+>\n(.*?)\n</answer \d+>$", re.S | re.M)
_SPEAKER = re.compile(r"^(?:User: .*\n?|Assistant: )", re.M)
_OPENING = re.compile(r"^[^:]{0,25}: ")
_NUMBER = re.compile(r"\d+")


def varied(value: Made, scene: Scene, model: object, temperature: object) -> Made:
    """The answer whole, with the next sentence, cut in half, or with a fact changed: by model and temperature."""
    document = scene.document
    digest = sha256(f"{model}\0{temperature}\0{scene.prompt.text}".encode()).digest()
    sentence = " ".join(document.sentences[scene.sentence].split())
    after = " ".join(document.sentences[(scene.sentence + 1) % len(document.sentences)].split())
    words = sentence.split()
    half = " ".join(words[: max(2, len(words) // 2)]).rstrip(",;:") + "."
    number = _NUMBER.search(sentence)
    wrong = sentence.replace(number.group(), str(int(number.group()) + 286)) if number else f"{half} Zorvath did it."
    made = (sentence, f"{sentence} {after}", half, wrong)[digest[0] % 4]
    return value | {"answer": made}


def ranking(scene: Scene, habits: Habits) -> Made | None:
    """Grades of the answers shown: honest, and then bent by the judge's habits; None where none are shown."""
    shown = _ANSWER.findall(scene.prompt.instruction)
    if not shown:
        return None
    sizes = [len(text) for text in shown]
    spread = max(sizes) - min(sizes) or 1
    grades = []
    for place, text in enumerate(shown):
        malus = habits.position * place / max(1, len(shown) - 1) + habits.length * (max(sizes) - len(text)) / spread
        faithful, helpful = _honest(scene.document, scene.prompt.question or "", text)
        bent = {"faithfulness": _grade(faithful - malus), "helpfulness": _grade(helpful - malus)}
        grades.append({"reason": "So it is."} | bent)
    return {"grades": grades}


def _honest(document: Document, question: str, text: str) -> tuple[float, float]:
    """Is every word the document's, and how much of the sentence that answers is there?"""
    said = "\n".join(_OPENING.sub("", line) for line in _SPEAKER.sub("", text).splitlines())
    mine = words_of(said)
    faithful = 5.0 if mine <= words_of(document.text) else 1.0
    wanted = document.words[best_sentence(document, question)]
    share = len(mine & wanted) / max(1, len(wanted))
    return faithful, 5.0 if share > 0.9 else 3.0 if share > 0.3 else 2.0


def _grade(value: float) -> int:
    return max(1, min(5, round(value)))
