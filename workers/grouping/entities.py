"""Names, figures and terms that a chunk shares with others: links between chunks without a knowledge graph.

Ragas links chunks whose entities overlap, and asks a model for the entities. Rules find enough of them for a link, cost
nothing, and give the same every time: names in capitals, numbers with a unit, identifiers of code, quoted terms.
"""

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

from workers.grouping.candidate import Candidate

MAX_SHARE, MIN_LIMIT, MAX_LIMIT = 0.05, 4, 50  # an entity in more chunks than this links nothing

_CODE = re.compile(r"`([^`\n]{2,60})`|\b([A-Za-z]\w*(?:(?:_|\.|::)[A-Za-z_]\w*)+|[a-z]+(?:[A-Z][a-z0-9]+)+|\w+\(\))")
_QUOTED = re.compile(r"«([^»\n]{2,60})»|“([^”\n]{2,60})”|„([^“”\n]{2,60})[“”]|\"([^\"\n]{2,60})\"")
_UNITS = (
    "kg|g|mg|t|km|m|cm|mm|nm|l|ml|ha|h|min|s|ms|kwh|kw|mw|w|v|a|hz|khz|mhz|ghz|kb|mb|gb|tb|eur|euros?|usd|dollars?|"
    "years?|days?|hours?|minutes?|passengers?|cars?|кг|г|мг|т|км|м|см|мм|л|мл|га|ч|мин|с|мс|квт|мвт|вт|в|гц|кб|мб|гб|"
    "руб|рублей|рубля|лет|года?|дней|дня|часов|часа|минут|человек"
)
_NUMBER = re.compile(rf"(?<![\w.])(\d+(?:[.,:\u00a0 ]\d+)*)\s?(?:({_UNITS})\b\.?|([%‰€$£₽°]\w?))", re.I)
_TIME = re.compile(r"\b\d{1,2}:\d{2}\b|\b\d{4}-\d{2}-\d{2}\b")
_ACRONYM = re.compile(r"\b[A-ZА-ЯЁ]{2,}(?:[- ]?\d[\d.-]*)?\b")
_CAPITAL = r"[A-ZÀ-ÖØ-ÞА-ЯЁІЇЄҐ][\w’'-]+"
_NAME = re.compile(rf"{_CAPITAL}(?:[ \u00a0](?:(?:of|the|de|du|la|van|von|der|und|на)[ \u00a0])?(?:{_CAPITAL}|\d+\b))*")
_START = re.compile(r"(?:^|[.!?…:]['\"»”)]*\s+|\n\s*(?:[-*#|>]+\s*)?)$")
_OPENERS = frozenset(
    re.findall(
        r"\w+",
        "the a an this that these those it its he she they we you i in on at for from by with of to and or but if when "
        "as every each all no not there what which who how why our your their his her der die das ein eine le la les "
        "un une el los las в на и а но по о об от до из за с у к не это этот эта эти тот он она они оно мы вы я если "
        "когда как что кто где для при все каждый каждая каждое его её их",
    )
)
_ENDINGS = re.compile(
    r"(?:ами|ями|ого|его|ому|ему|ыми|ими|[аеёиоуыэюяйьъ]{1,2}|ов|ев|ей|ах|ях|ам|ям|ом|ем|ым|им|ых|их)$"
)
_CYRILLIC = re.compile(r"[а-яёіїєґ]")


def entities(text: str, language: str = "") -> frozenset[str]:
    """Normalised entities of a text in Latin or Cyrillic letters: case folded, Russian endings cut off.

    A single capitalised word counts inside a sentence only (in German never: all nouns have capitals).
    """
    found: set[str] = set()
    for pattern in (_CODE, _QUOTED):
        for match in pattern.finditer(text):
            found.add(_normal(next(filter(None, match.groups()))))
    for match in _NUMBER.finditer(text):
        number = re.sub(r"[\u00a0 ]", "", match[1]).replace(",", ".")
        found.add(f"{number} {(match[2] or match[3]).casefold()}")
    found |= set(_TIME.findall(text))
    found |= {_normal(name) for name in names(text, language)}
    return frozenset(entity for entity in found if len(entity) > 1)


def names(text: str, language: str = "") -> Iterator[str]:
    """Acronyms and names in capitals as they are written, repeated ones too; see `entities` for what counts."""
    yield from _ACRONYM.findall(text)
    for match in _NAME.finditer(text):
        words = match[0].split()
        starts = _START.search(text[max(0, match.start() - 8) : match.start()]) is not None
        while words and words[0].casefold() in _OPENERS:
            words, starts = words[1:], False
        while words and words[-1].isdigit() and len(words) == 1:
            words = []
        if len(words) > 1 or (words and not starts and language != "de" and len(words[0]) > 3):
            yield " ".join(words)


def _normal(entity: str) -> str:
    return " ".join(_stem(word.strip(".,;:!?()")) for word in entity.casefold().split())


def _stem(word: str) -> str:
    if _CYRILLIC.search(word):
        return _ENDINGS.sub("", word) if len(word) > 4 else word
    return word.removesuffix("'s").removesuffix("’s")


class Links:
    """Which chunks share entities. Memory and time grow with chunks x entities a chunk, MAX_LIMIT links at most."""

    def __init__(self, chunks: Sequence[Candidate]) -> None:
        self.of = [entities(chunk.text, chunk.language) for chunk in chunks]
        counts = Counter(entity for found in self.of for entity in found)
        limit = max(MIN_LIMIT, min(MAX_LIMIT, int(MAX_SHARE * len(chunks))))
        # Ubiquitous terms say nothing about which chunks belong together; those of one chunk link to none.
        weight = {entity: math.log(1 + len(chunks) / n) for entity, n in counts.items() if 2 <= n <= limit}
        self.weights = weight
        self.places: dict[str, list[int]] = defaultdict(list)
        self.norms = []
        for place, found in enumerate(self.of):
            for entity in found & weight.keys():
                self.places[entity].append(place)
            self.norms.append(math.sqrt(sum(weight.get(entity, 0.0) ** 2 for entity in sorted(found))))

    def to(self, row: int) -> dict[int, float]:
        """Chunks linked with this one, and how strongly: the cosine of their entities weighted by rarity, 0..1."""
        shared: dict[int, float] = defaultdict(float)
        for entity in sorted(self.of[row] & self.weights.keys()):
            for place in self.places[entity]:
                if place != row:
                    shared[place] += self.weights[entity] ** 2
        return {place: value / (self.norms[row] * self.norms[place]) for place, value in sorted(shared.items())}
