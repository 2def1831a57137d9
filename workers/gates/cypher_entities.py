"""What the question names must stand in the Cypher: numbers exactly, names and quoted words as far as inflection goes.

The entity validator of SyntheT2C (arXiv 2406.10710). Names are told by their capitals inside a sentence; where every
noun has one (German), only those count that are values of the graph.
"""

import re

from rapidfuzz import fuzz

from app.domain import Sample
from workers.gates import Measured
from workers.recipes.work import Work

ALIKE = 75.0  # of 100: "Berlins" and "Berlin" are one name, "Film 3" and "Film 4" are not
_QUOTED = re.compile(r"\"([^\"]+)\"|“([^”]+)”|„([^“”]+)[“”]|«([^»]+)»|(?<!\w)'([^']+)'(?!\w)")
_NUMBER = re.compile(r"(?<![\w.])\d+(?:\.\d+)?(?!\w)")
_NAME = re.compile(r"(?<=[\w,;)] )[^\W\d_a-z][\w'’-]+(?: [^\W\d_a-z][\w'’-]+| \d+)*")
_WORD = re.compile(r"[^\W_]+")
_CAPITAL_NOUNS = ("de", "lb")


async def measure(work: Work, row: Sample, *, ahead: int) -> Measured:
    wanted = entities(row.question, work.context.language, work.context.text)
    missing = [entity for entity in wanted if not stands(entity, row.answer)]
    said = f"not in the Cypher: {', '.join(missing)}" if missing else "all stand in the Cypher"
    return {"cypher_entities": (round(1 - len(missing) / len(wanted), 3) if wanted else 1.0, said)}


def entities(question: str, language: str, shown: str) -> list[str]:
    """What the question names. `shown` is the graph as models read it."""
    quoted = [next(filter(None, found)) for found in _QUOTED.findall(question)]
    rest = _QUOTED.sub(" ", question)
    names = _NAME.findall(rest)
    if language in _CAPITAL_NOUNS:
        names = [name for name in names if f"'{name}'" in shown]
    numbers = _NUMBER.findall(_NAME.sub(" ", rest))
    return list(dict.fromkeys([*quoted, *names, *numbers]))


def stands(entity: str, cypher: str) -> bool:
    """Whether each word of it is among the words of the Cypher: a number as it is, a word of four letters inflected."""
    words = _WORD.findall(re.sub(r"([a-z])([A-Z])", r"\1 \2", cypher).lower())
    return all(any(_same(word, other) for other in words) for word in _WORD.findall(entity.lower()))


def _same(word: str, other: str) -> bool:
    if word == other:
        return True
    if word.isdigit() or min(len(word), len(other)) < 3 or any(map(str.isdigit, word + other)):
        return False
    return fuzz.ratio(word, other) >= ALIKE and word[:3] == other[:3]
