"""Turn an honest reply into one that a gate must catch, keeping it valid for its schema."""

import re
from collections.abc import Callable
from typing import Any

from tests.fakes.document import read_prompt
from tests.fakes.instance import Scene, Schema, build, scene_for

CONSTANT = (
    "The lighthouse keeper writes the tide into the grey book twice a day. "
    "The grey book is kept for nine years in the cellar of the lighthouse."
)
_NUMBER = re.compile(r"\d+")
_REFUSALS = {"en": "I'm sorry, I cannot help with that request.", "ru": "Извините, я не могу ответить на этот вопрос."}
_INVENTED = {
    "en": "The Zorvath council adopted the amber charter after {} days of debate.",
    "ru": "Совет Зорвата принял янтарную хартию после {} дней споров.",
}
_ADDED = {
    "en": "{} This holds for {} members of the Zorvath council.",
    "ru": "{} Это верно для {} членов совета Зорвата.",
}
_FOREIGN = {
    "en": (
        "Паром отходит рано утром, а билет продаёт сам капитан.",
        "Когда отходит утренний паром и кто продаёт билеты?",
    ),
    "ru": (
        "The ferry leaves early, and the captain sells tickets.",
        "When does the ferry leave, and who sells tickets?",
    ),
}


def same_reply(schema: Schema) -> Any:
    """The one reply given to every prompt."""
    return build(schema, scene_for(read_prompt(CONSTANT), seed=0))


def spoil(fault: str, value: Any, scene: Scene) -> Any:
    """`value` with the fault in it. `low_score` is made while building, so it passes through."""
    rewrite = _REWRITES.get(fault)
    return _walk(value, "", scene, rewrite) if rewrite else value


def spoil_prose(fault: str, text: str, scene: Scene) -> str:
    """The same for a reply without a schema, which counts as an answer."""
    rewrite = _REWRITES.get(fault)
    return str(rewrite("answer", text, scene)) if rewrite else text


Rewrite = Callable[[str, Any, Scene], Any]


def _walk(value: Any, name: str, scene: Scene, rewrite: Rewrite) -> Any:
    if isinstance(value, dict):
        return {key: _walk(inner, key, scene, rewrite) for key, inner in value.items()}
    if isinstance(value, list):
        one = {"questions": "question", "instructions": "question", "quotes": "quote"}.get(name, name)
        return [_walk(inner, one, scene, rewrite) for inner in value]
    return rewrite(name, value, scene)


def _in_language(texts: dict[str, str], scene: Scene) -> str:
    return texts.get(scene.document.language, texts["en"])


def _absent_number(scene: Scene) -> str:
    """A number that stands nowhere in the document."""
    number = 417 + scene.seed % 500
    while str(number) in scene.document.text:
        number += 1
    return str(number)


def _wrong_fact(name: str, value: Any, scene: Scene) -> Any:
    if name != "answer":
        return value
    number = _absent_number(scene)
    changed, times = _NUMBER.subn(number, value, count=1)
    return changed if times else _in_language(_ADDED, scene).format(value, number)


def _invented_quote(name: str, value: Any, scene: Scene) -> Any:
    return _in_language(_INVENTED, scene).format(_absent_number(scene)) if name in ("quote", "quotes") else value


def _copied_question(name: str, value: Any, scene: Scene) -> Any:
    return scene.prompt.question if name == "question" else value


def _refusal(name: str, value: Any, scene: Scene) -> Any:
    return _in_language(_REFUSALS, scene) if name in ("answer", "question") else value


def _prompt_echo(name: str, value: Any, scene: Scene) -> Any:
    if name != "question":
        return value
    if scene.document.language == "ru" or scene.seed % 2:
        return f"#Rewritten Prompt#: {value}"
    return f"For the given prompt: {value}"


def _wrong_language(name: str, value: Any, scene: Scene) -> Any:
    answer, question = _FOREIGN["ru" if scene.document.language == "ru" else "en"]
    if name == "question":
        return question
    return answer if name in ("answer", "reason") else value


def _unanswerable(name: str, value: Any, scene: Scene) -> Any:
    return {"answerable": False, "answerability": 1, "quote": "", "quotes": "", "answer": "UNKNOWN"}.get(name, value)


_REWRITES: dict[str, Rewrite] = {
    "wrong_fact": _wrong_fact,
    "invented_quote": _invented_quote,
    "copied_question": _copied_question,
    "refusal": _refusal,
    "prompt_echo": _prompt_echo,
    "wrong_language": _wrong_language,
    "unanswerable": _unanswerable,
}
