"""Training rows: the shapes that are read, made one of five, and refused with the number of their line. Knows no torch.

`messages` with `tools` and `weight` (0: no loss on this turn) are OpenAI's chat rows; `prompt` and `completion` may be
turns or strings, and strings become a user's and an assistant's turn. Pairs come with their prompt or with two whole
conversations that begin alike, or as OpenAI writes them.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from app.catalog.training import Rows

Turn = dict[str, Any]
ROLES = frozenset({"system", "developer", "user", "assistant", "tool"})


class BadRow(Exception):
    """Line `line` of `file` (1-based) cannot be trained on; line 0 means the file as a whole."""

    def __init__(self, file: Path, line: int, message: str) -> None:
        where = f"{file.name}, line {line}" if line else file.name
        super().__init__(f"{where}: {message}")
        self.file, self.line, self.message = file, line, message


class _Unfit(ValueError):
    """Why a row is refused; the reader adds where."""


@dataclass(frozen=True, slots=True)
class Chat:
    """A conversation. `learnt` says of each turn whether its tokens carry loss."""

    turns: list[Turn]
    learnt: list[bool]
    tools: list[Any] | None = None


@dataclass(frozen=True, slots=True)
class Text:
    """One document."""

    text: str


@dataclass(frozen=True, slots=True)
class Pair:
    """Two ways to go on from the same turns, the first one preferred."""

    prompt: list[Turn]
    chosen: list[Turn]
    rejected: list[Turn]
    tools: list[Any] | None = None


@dataclass(frozen=True, slots=True)
class Labelled:
    """One way to go on, good or bad."""

    prompt: list[Turn]
    completion: list[Turn]
    good: bool
    tools: list[Any] | None = None


@dataclass(frozen=True, slots=True)
class Prompt:
    """What is asked, without an answer."""

    prompt: list[Turn]
    tools: list[Any] | None = None


Row = Chat | Text | Pair | Labelled | Prompt


def rows(file: Path, shapes: frozenset[Rows]) -> Iterator[Row]:
    """Every row of a JSON lines file, a line at a time. Raises BadRow at the first one that is none of `shapes`."""
    empty = True
    with file.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                yield row(line, shapes)
            except _Unfit as why:
                raise BadRow(file, number, str(why)) from None
            empty = False
    if empty:
        raise BadRow(file, 0, "it holds no rows")


def check(files: Sequence[Path], shapes: frozenset[Rows]) -> int:
    """Reads all rows and keeps none: how many there are. Raises BadRow; a file that is not there is one too."""
    for file in files:
        if not file.is_file():
            raise BadRow(file, 0, "there is no such file")
    return sum(1 for file in files for _ in rows(file, shapes))


def row(line: bytes, shapes: frozenset[Rows]) -> Row:
    """One row from one line of JSON. Raises ValueError with the reason."""
    try:
        found = orjson.loads(line)
    except orjson.JSONDecodeError as wrong:
        raise _Unfit(f"not JSON: {wrong.msg}") from None
    if not isinstance(found, dict):
        raise _Unfit("not a JSON object")
    shape = _shape(found)
    if shape not in shapes:
        wanted = " or ".join(_FIELDS[name] for name in sorted(shapes))
        raise _Unfit(f"{_FIELDS[shape] if shape else 'its fields'} cannot be used here; wanted: {wanted}")
    return _READERS[shape](found)


_FIELDS: dict[Rows, str] = {
    "chat": "`messages`, or `prompt` and `completion`",
    "text": "`text`",
    "pairs": "`chosen` and `rejected` (with or without `prompt`), or `input` with `preferred_output` and its opposite",
    "labelled": "`prompt`, `completion` and `label`",
    "prompts": "`prompt` alone",
}


def _shape(found: dict[str, Any]) -> Rows | None:
    names = found.keys()
    if {"chosen", "rejected"} <= names or {"preferred_output", "non_preferred_output"} <= names:
        return "pairs"
    if "label" in names and {"prompt", "completion"} <= names:
        return "labelled"
    if "messages" in names or {"prompt", "completion"} <= names:
        return "chat"
    if "text" in names:
        return "text"
    return "prompts" if "prompt" in names else None


def _chat(found: dict[str, Any]) -> Chat:
    if "messages" in found:
        turns = _turns(found["messages"], "messages")
        learnt = [turn["role"] == "assistant" and turn.pop("weight", 1) != 0 for turn in turns]
    else:
        prompt = _prompt(found["prompt"])
        turns = prompt + _answer(found["completion"], "completion")
        learnt = [i >= len(prompt) and turn["role"] == "assistant" for i, turn in enumerate(turns)]
    if turns[-1]["role"] != "assistant":
        raise _Unfit("the last turn is not the assistant's")
    if not any(learnt):
        raise _Unfit("no turn of the assistant carries loss")
    return Chat([_bare(turn) for turn in turns], learnt, _tools(found))


def _text(found: dict[str, Any]) -> Text:
    if not isinstance(found["text"], str) or not found["text"].strip():
        raise _Unfit("`text` is not a string with something in it")
    return Text(found["text"])


def _pair(found: dict[str, Any]) -> Pair:
    if "preferred_output" in found:
        asked = found.get("input")
        if not isinstance(asked, dict):
            raise _Unfit("`input` is not an object with `messages`")
        found = {
            "tools": asked.get("tools"),
            "prompt": asked.get("messages"),
            "chosen": found["preferred_output"],
            "rejected": found["non_preferred_output"],
        }
    if found.get("prompt") is None:
        return _implicit(found)
    chosen, rejected = (_answer(found[name], name) for name in ("chosen", "rejected"))
    if chosen == rejected:
        raise _Unfit("`chosen` and `rejected` are the same")
    prompt = [_bare(turn) for turn in _prompt(found["prompt"])]
    return Pair(prompt, [_bare(t) for t in chosen], [_bare(t) for t in rejected], _tools(found))


def _implicit(found: dict[str, Any]) -> Pair:
    """The prompt is what both conversations have in common at their beginning."""
    chosen, rejected = ([_bare(t) for t in _turns(found[name], name)] for name in ("chosen", "rejected"))
    shared = next((i for i, (a, b) in enumerate(zip(chosen, rejected, strict=False)) if a != b), -1)
    if shared < 0:
        raise _Unfit("`chosen` and `rejected` are the same, or one is the beginning of the other")
    if shared == 0:
        raise _Unfit("there is no `prompt`, and `chosen` and `rejected` do not begin with the same turn")
    for name, turns in (("chosen", chosen), ("rejected", rejected)):
        _ends_with_an_answer(turns[shared:], name)
    return Pair(chosen[:shared], chosen[shared:], rejected[shared:], _tools(found))


def _labelled(found: dict[str, Any]) -> Labelled:
    if not isinstance(found["label"], bool):
        raise _Unfit("`label` is not true or false")
    prompt, completion = _prompt(found["prompt"]), _answer(found["completion"], "completion")
    return Labelled([_bare(t) for t in prompt], [_bare(t) for t in completion], found["label"], _tools(found))


def _prompt_alone(found: dict[str, Any]) -> Prompt:
    prompt = [_bare(turn) for turn in _prompt(found["prompt"])]
    if prompt[-1]["role"] == "assistant":
        raise _Unfit("the last turn of `prompt` is the assistant's")
    return Prompt(prompt, _tools(found))


_READERS: dict[Rows, Callable[[dict[str, Any]], Row]] = {
    "chat": _chat,
    "text": _text,
    "pairs": _pair,
    "labelled": _labelled,
    "prompts": _prompt_alone,
}


def _prompt(given: Any) -> list[Turn]:
    return [{"role": "user", "content": given}] if _is_text(given, "prompt") else _turns(given, "prompt")


def _answer(given: Any, name: str) -> list[Turn]:
    if _is_text(given, name):
        return [{"role": "assistant", "content": given}]
    turns = _turns(given, name)
    _ends_with_an_answer(turns, name)
    return turns


def _ends_with_an_answer(turns: list[Turn], name: str) -> None:
    if turns[-1]["role"] != "assistant":
        raise _Unfit(f"the last turn of `{name}` is not the assistant's")


def _is_text(given: Any, name: str) -> bool:
    if isinstance(given, str) and not given.strip():
        raise _Unfit(f"`{name}` is empty")
    return isinstance(given, str)


def _turns(given: Any, name: str) -> list[Turn]:
    if not isinstance(given, list) or not given:
        raise _Unfit(f"`{name}` is not a list of turns")
    return [_turn(turn, f"{name}[{i}]") for i, turn in enumerate(given)]


def _turn(given: Any, where: str) -> Turn:
    if not isinstance(given, dict) or given.get("role") not in ROLES:
        raise _Unfit(f"`{where}` has no role out of {', '.join(sorted(ROLES))}")
    content = given.get("content")
    if isinstance(content, list):  # OpenAI's parts
        if not all(isinstance(part, dict) and isinstance(part.get("text"), str) for part in content):
            raise _Unfit(f"`{where}.content` holds something that is not text")
        content = "".join(part["text"] for part in content)
    calls = given.get("tool_calls")
    if calls is not None and not (isinstance(calls, list) and all(isinstance(call, dict) for call in calls)):
        raise _Unfit(f"`{where}.tool_calls` is not a list of objects")
    if not isinstance(content, str) and not (content is None and calls):
        raise _Unfit(f"`{where}.content` is not text")
    if given["role"] == "assistant" and not calls and not (content and content.strip()):
        raise _Unfit(f"`{where}.content` is empty: there is nothing to learn")
    return {**given, "content": content or ""}


def _bare(turn: Turn) -> Turn:
    """A turn without what no template reads."""
    return {name: value for name, value in turn.items() if name != "weight" and value is not None}


def _tools(found: dict[str, Any]) -> list[Any] | None:
    tools = found.get("tools")
    if isinstance(tools, str):
        try:
            tools = orjson.loads(tools)
        except orjson.JSONDecodeError:
            raise _Unfit("`tools` is a string that is not JSON") from None
    if tools is not None and not (isinstance(tools, list) and all(isinstance(tool, dict) for tool in tools)):
        raise _Unfit("`tools` is not a list of objects")
    return tools or None
