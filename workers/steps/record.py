"""Read a record that somebody uploaded as a row: chat in five shapes, preference pairs in five, plain text."""

import json
import math
from collections.abc import Callable
from typing import Any

from app.domain import Sample
from workers.parse.cleaning import clean

UNREADABLE = "unreadable_row"
_ROLES = {
    "user": "user", "human": "user", "prompter": "user",
    "assistant": "assistant", "gpt": "assistant", "model": "assistant", "bot": "assistant", "chatgpt": "assistant",
    "function_call": "assistant",
    "system": "system", "developer": "system",
    "tool": "tool", "observation": "tool", "function": "tool", "function_response": "tool",
}  # fmt: skip
_KEPT = ("tool_calls", "tool_call_id", "name")  # of a message, beside role and content

Turn = dict[str, Any]


class NoRow(Exception):
    """Why a record is none of the rows that are asked for."""


def parsed(text: str) -> Any:
    """The JSON value of one record, of which every string and number can be stored. Raises ValueError, RecursionError.

    NaN and Infinity are no JSON; NUL and lone surrogates are left out of strings; integers over 64 bits become floats.
    """
    return _storable(json.loads(text.lstrip("\ufeff"), parse_constant=_refused, parse_int=_int))


def _refused(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


def _int(digits: str) -> int | float:
    return int(digits) if len(digits) < 19 else float(digits)


def _storable(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "ignore").decode().replace("\0", "")
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError("a number is too large")
    if isinstance(value, list):
        return [_storable(one) for one in value]
    if isinstance(value, dict):
        return {_storable(name): _storable(one) for name, one in value.items()}
    return value


def read(record: Any, records: str) -> Sample | str:
    """The row of a record, or why it is none. `records`: what was asked for, see app.catalog.tasks.import_rows."""
    if not isinstance(record, dict):
        return "it is no object"
    try:
        return _READERS[records](record)
    except NoRow as fault:
        return str(fault)


def _chat(record: dict[str, Any]) -> Sample:
    turns = _talk(record)
    if any(turn["role"] == "tool" or turn.get("tool_calls") for turn in turns):
        raise NoRow("it calls tools: import it with `records: tools`")
    return _row(turns)


def _tools(record: dict[str, Any]) -> Sample:
    turns, tools = _talk(record), record.get("tools")
    if not isinstance(tools, list) or not tools:
        raise NoRow("it has no list of `tools`")
    row = _row(turns)
    return row.model_copy(update={"attributes": {"messages": turns, "tools": tools}})


def _preference(record: dict[str, Any]) -> Sample:
    chosen, rejected = (
        _way(_first(record, *names)) for names in (("chosen", "preferred_output"), ("rejected", "non_preferred_output"))
    )
    prompt = _shared(record)
    if not prompt:  # TRL's implicit prompt: both ways begin with it
        while len(chosen) > 1 and len(rejected) > 1 and chosen[0] == rejected[0]:
            prompt.append(chosen.pop(0))
            rejected.pop(0)
    if len(chosen) != 1 or len(rejected) != 1 or {chosen[0]["role"], rejected[0]["role"]} != {"assistant"}:
        raise NoRow("its chosen and its rejected way are not one answer each to the same prompt")
    if chosen == rejected:
        raise NoRow("the chosen and the rejected answer are the same")
    row = _row([*prompt, *chosen])
    return row.model_copy(update={"attributes": row.attributes | {"rejected": rejected[0]["content"]}})


def _text(record: dict[str, Any]) -> Sample:
    found = _said(_first(record, "text", "content"))
    if not found:
        raise NoRow("it has no `text`")
    return Sample(kind="original", question="", answer=found)


_READERS: dict[str, Callable[[dict[str, Any]], Sample]] = {
    "chat": _chat, "tools": _tools, "preference": _preference, "text": _text,
}  # fmt: skip


def _row(turns: list[Turn]) -> Sample:
    """A conversation as a row: the last request and its answer, and all turns where there are more than these two."""
    spoken = [turn for turn in turns if turn["role"] != "system"]
    if not spoken or spoken[0]["role"] != "user":
        raise NoRow("nobody asks first")
    if spoken[-1]["role"] != "assistant" or not (spoken[-1]["content"] or spoken[-1].get("tool_calls")):
        raise NoRow("it does not end with an answer")
    asked = [turn["content"] for turn in spoken if turn["role"] == "user"]
    if not all(asked):
        raise NoRow("a request is empty")
    whole = {"messages": turns} if len(turns) > 2 else {}
    return Sample(kind="original", question=asked[-1], answer=spoken[-1]["content"], attributes=whole)


def _talk(record: dict[str, Any]) -> list[Turn]:
    """The turns of a chat record in any of its shapes, the answer last. Raises NoRow."""
    told = _first(record, "messages", "conversations", "conversation")
    if told is not None:
        system = _said(record.get("system"))
        return [*([{"role": "system", "content": system}] if system else []), *_turns(told)]
    return [*_shared(record), *_way(_first(record, "completion", "output", "response", "answer"))]


def _shared(record: dict[str, Any]) -> list[Turn]:
    """What stands before the answer: turns, or an instruction with its input, system text and history; or nothing."""
    given = record.get("input")
    told = given.get("messages") if isinstance(given, dict) else _first(record, "prompt", "messages", "conversations")
    if isinstance(told, list):
        return _turns(told)
    asked, work_on = _said(_first(record, "instruction", "prompt", "question")), _said(given)
    asked = f"{asked}\n\n{work_on}" if asked and work_on else asked or work_on
    if not asked:
        return []
    found = [{"role": "system", "content": text} for text in [_said(record.get("system"))] if text]
    for pair in record.get("history") or ():
        if not isinstance(pair, list | tuple) or len(pair) != 2:
            raise NoRow("its `history` is no list of pairs")
        found += [{"role": "user", "content": _said(pair[0])}, {"role": "assistant", "content": _said(pair[1])}]
    return [*found, {"role": "user", "content": asked}]


def _way(value: Any) -> list[Turn]:
    """An answer: text, one message, or messages."""
    if isinstance(value, list) and all(isinstance(one, dict) and ("role" in one or "from" in one) for one in value):
        return _turns(value)
    if isinstance(value, dict):
        return _turns([value])
    answer = _said(value)
    if not answer:
        raise NoRow("it has no answer")
    return [{"role": "assistant", "content": answer}]


def _turns(told: Any) -> list[Turn]:
    if not isinstance(told, list) or not told:
        raise NoRow("it has no turns")
    found = []
    for turn in told:
        if not isinstance(turn, dict):
            raise NoRow("a turn is no object")
        said_by = str(_first(turn, "role", "from", "author"))
        role = _ROLES.get(said_by.lower())
        if role is None:
            raise NoRow(f"a turn is by {said_by[:40]!r}, who is nobody known")
        kept = {name: turn[name] for name in _KEPT if turn.get(name)}
        found.append({"role": role, "content": _said(_first(turn, "content", "value"))} | kept)
    return found


def _first(record: dict[str, Any], *names: str) -> Any:
    return next((record[name] for name in names if record.get(name) not in (None, "", [])), None)


def _said(value: Any) -> str:
    """A string, or the text parts of a message's content, cleaned as documents are."""
    if isinstance(value, list):
        value = "\n".join(
            part["text"] for part in value if isinstance(part, dict) and isinstance(part.get("text"), str)
        )
    return clean(value).strip() if isinstance(value, str) else ""
