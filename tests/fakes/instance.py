"""Build a valid instance of a JSON schema from the sentences of the prompt's own document."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import count
from typing import Any

from tests.fakes import cypher
from tests.fakes.document import Document, Prompt, best_sentence, cut, reworded, topic_of, word_question
from tests.fakes.items import fitting, hops, labelled, made_up, turned
from tests.fakes.sql import question_and_sql, worded

_REASONS = {
    "en": "Every claim is stated word for word.",
    "ru": "Каждое утверждение сказано дословно.",
    "de": "Jede Aussage steht wörtlich da.",
    "fr": "Chaque affirmation est dite mot pour mot.",
    "es": "Cada afirmación consta palabra por palabra.",
}
_FORMATS = {
    "date-time": "2024-05-17T09:30:00Z",
    "date": "2024-05-17",
    "time": "09:30:00Z",
    "uuid": "6f1c9a52-6c1e-4d0b-9a37-2f6b8e0c4d11",
    "uri": "https://example.org/",
    "email": "someone@example.org",
}
Schema = dict[str, Any]


@dataclass(slots=True)
class Scene:
    """What one reply is made from: the sentence with the index `sentence`; `position` is its place in a list."""

    prompt: Prompt
    seed: int
    sentence: int
    number: int
    low: bool = False
    position: int = 0

    @property
    def document(self) -> Document:
        return self.prompt.document


def scene_for(prompt: Prompt, seed: int, low: bool = False) -> Scene:
    """A question in the prompt decides the sentence; without one, the hash of the prompt does."""
    size = len(prompt.document.sentences)
    sentence = best_sentence(prompt.document, prompt.question) if prompt.question else seed % size
    return Scene(prompt, seed, sentence, sentence, low)


def build(schema: Schema, scene: Scene) -> Any:
    """An instance of `schema` (a root, holding its own `$defs`)."""
    return _Builder(schema, scene).value(schema, "", scene)


def fields_of(schema: Any) -> Iterator[str]:
    """Every property name in the schema, and `#graded` where a number has both bounds."""
    if isinstance(schema, dict):
        if schema.get("type") in ("integer", "number") and "minimum" in schema and "maximum" in schema:
            yield "#graded"
        for key, inner in schema.items():
            if key == "properties" and isinstance(inner, dict):
                yield from inner
            yield from fields_of(inner)
    elif isinstance(schema, list):
        for inner in schema:
            yield from fields_of(inner)


def evolved(scene: Scene) -> str:
    """A question about another sentence than the parent's, where there is one, and from other words always."""
    document, parent = scene.document, scene.prompt.question or ""
    size = len(document.sentences)
    # A fixed step keeps siblings apart: parents about different sentences get children about different sentences.
    index = (scene.sentence + max(1, size // 2)) % size
    for variant in count(1 + scene.seed % 3):
        candidate = word_question(document, index + variant * size, evolved=True)
        if candidate != parent and candidate not in scene.prompt.instruction:
            return candidate
    raise AssertionError("unreachable: there are endlessly many wordings")


class _Builder:
    def __init__(self, root: Schema, scene: Scene) -> None:
        self._root = root
        self._asked: set[str] = set()
        self._numbers = count(scene.number)

    def value(self, schema: Schema, name: str, scene: Scene) -> Any:
        schema = self._resolved(schema)
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return fitting(schema["enum"], scene.document) if name == "labels" else schema["enum"][0]
        kind = schema.get("type") or ("object" if "properties" in schema else "string")
        if isinstance(kind, list):
            kind = next((one for one in kind if one != "null"), "null")
        match kind:
            case "object":
                properties: dict[str, Schema] = schema.get("properties", {})
                made = self._made_up(properties, scene)
                return {
                    field: made[field] if field in made else self.value(inner, field, scene)
                    for field, inner in properties.items()
                }
            case "array":
                return self._array(schema, name, scene)
            case "integer":
                return int(_number(schema, scene.low))
            case "number":
                return _number(schema, scene.low)
            case "boolean":
                return True
            case "null":
                return None
            case _:
                return self._string(schema, name, scene)

    def _made_up(self, properties: dict[str, Schema], scene: Scene) -> dict[str, Any]:
        """The fields that must fit each other, where there are such."""
        prompt = scene.prompt
        if {"question", "sql"} <= set(properties):
            return question_and_sql(scene.document.text, prompt.instruction, scene.number) or {}
        if {"question", "cypher"} <= set(properties):
            return cypher.question_and_cypher(scene.document.text, prompt.instruction, scene.number, scene.position)
        if set(properties) == {"meaning"}:
            return {"meaning": cypher.told(prompt.instruction)}
        made = made_up(
            set(properties), scene.document, prompt.instruction, prompt.question, scene.sentence, scene.position
        )
        several = self._resolved(properties["quotes"]).get("minItems", 0) > 1 if "quotes" in properties else False
        return made or (hops(scene.document, scene.sentence, scene.seed) if several else {})

    def _resolved(self, schema: Schema) -> Schema:
        while True:
            if "$ref" in schema:
                schema = self._root.get("$defs", {})[schema["$ref"].rsplit("/", 1)[1]]
            elif "allOf" in schema:
                merged = {k: v for k, v in schema.items() if k != "allOf"}
                for part in schema["allOf"]:
                    merged |= self._resolved(part)
                schema = merged
            elif any(key in schema for key in ("anyOf", "oneOf")):
                options = schema.get("anyOf") or schema["oneOf"]
                schema = next((one for one in options if one.get("type") != "null"), options[0])
            else:
                return schema

    def _array(self, schema: Schema, name: str, scene: Scene) -> list[Any]:
        least = schema.get("minItems", 0)
        objects = self._resolved(schema.get("items", {})).get("type") == "object"
        listed = name in ("questions", "statements", "instructions", "texts", "entities") or (
            name == "labels" and objects
        )
        wanted = 3 if listed else 1
        length = max(least, min(wanted, schema.get("maxItems", wanted)))
        prefix: list[Schema] = schema.get("prefixItems", [])
        items: list[Any] = []
        for position in range(max(length, len(prefix))):
            inner = prefix[position] if position < len(prefix) else schema.get("items", {})
            at = replace(self._next_question(scene), position=position) if listed else scene
            asked = name in ("questions", "instructions")
            items.append(self.value(inner, "question" if asked else name, at))
        return items

    def _next_question(self, scene: Scene) -> Scene:
        """The next question that was neither given already nor named in the instruction (an avoid-list)."""
        for number in self._numbers:
            text = word_question(scene.document, number)
            if text not in self._asked and text not in scene.prompt.instruction:
                self._asked.add(text)
                sentence = number % len(scene.document.sentences)
                return Scene(scene.prompt, scene.seed, sentence, number, scene.low)
        raise AssertionError("unreachable: there are endlessly many wordings")

    def _string(self, schema: Schema, name: str, scene: Scene) -> str:
        if schema.get("format") in _FORMATS:
            return _FORMATS[schema["format"]]
        sentence = scene.document.sentences[scene.sentence]
        match name:
            case "question" if said := cypher.worded(scene.prompt.instruction, scene.position):
                text = said
            case "question" if said := worded(scene.prompt.instruction, scene.position):
                text = said
            case "question" if scene.prompt.question and "answer" in self._root.get("properties", {}):
                text = scene.prompt.question  # a row is mended: the question stays
            case "question" if scene.prompt.question and not self._asked:
                text = evolved(scene)
            case "question":
                text = word_question(scene.document, scene.number)
            case "answer":
                text = reworded(scene.document, sentence, scene.seed)
            case "entities":
                text = topic_of(sentence)
            case "paraphrases":
                text = turned(scene.prompt.instruction) or sentence
            case "texts":
                text = labelled(sentence, scene.prompt.instruction, scene.position)
            case "reason":
                text = _REASONS.get(scene.document.language, sentence)
            case _:
                text = sentence
        least = schema.get("minLength", 0)
        while len(text) < least:
            text = f"{text} {sentence}"
        return cut(text, schema.get("maxLength", len(text)))


def _number(schema: Schema, low: bool) -> float:
    """The highest value allowed, or the lowest; 1 where nothing is said."""
    least = schema.get("minimum", schema["exclusiveMinimum"] + 1 if "exclusiveMinimum" in schema else None)
    most = schema.get("maximum", schema["exclusiveMaximum"] - 1 if "exclusiveMaximum" in schema else None)
    order = (least, most) if low else (most, least)
    found: float = next((value for value in order if value is not None), 1)
    return found
