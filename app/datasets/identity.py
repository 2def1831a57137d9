"""What makes a row the same row in two datasets, and what tells that it says something else there."""

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

import orjson

# How a row came about, and where; the rest of its attributes is what is trained on, or says what it is.
_ABOUT = frozenset({"unlocated_quotes", "repaired_from", "repaired_reason", "seed", "rounds", "record", "mixed_from"})


def identity(question: str, answer: str, attributes: Mapping[str, Any], documents: Iterable[str]) -> str:
    """32 hexadecimal digits of what is asked and the names of the documents it is asked about, whatever their ids.

    A conversation is known by all that is not the model's, and a row that asks nothing (plain text) by its text.
    """
    asked = _others(attributes) or question or answer
    return _digest("\0".join([asked, *sorted(set(documents))]).encode())


def content(answer: str, attributes: Mapping[str, Any]) -> str:
    """32 hexadecimal digits of all that a row says: its answer and whatever its task adds (choices, turns, tools)."""
    said = {name: value for name, value in attributes.items() if name not in _ABOUT}
    return _digest(orjson.dumps([answer, said], option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS))


def _others(attributes: Mapping[str, Any]) -> str:
    turns = attributes.get("messages")
    said = [turn for turn in turns if turn.get("role") != "assistant"] if isinstance(turns, list) else []
    return "\0".join(str(turn.get("content") or "") for turn in said)


def _digest(data: bytes) -> str:
    return hashlib.blake2b(data, digest_size=16).hexdigest()
