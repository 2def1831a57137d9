"""From a raw reply body to a checked reply: what was said, or why it cannot be used."""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import json_repair
import orjson
from pydantic import ValidationError

from app.replies import Reply

# What a judge says beside its grades, what is looked up in the text, and what is thought before a question is written.
_ASIDE = frozenset({"reason", "flaw", "computes", "lost", "added", "own_answer", "quote", "quotes", "further_quotes",
                    "facts", "sentences", "plan", "link", "summary", "description"})  # fmt: skip
A_SENTENCE = 100  # characters: what may not be longer than this is a name or a label, and needs no full stop
_SENTENCE_END = re.compile(r"[.!?…]+[\"'»“”)\]]*(?=\s+[^\sa-zß-öø-ÿа-яё])|[。！？।؟]")
_ENDED = re.compile(r"[.!?…。！？।؟)\]}»”\"'`|>*]\s*$")


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one call, as the server counts them; `cached` is the part of `prompt` that its prefix cache had."""

    prompt: int = 0
    cached: int = 0
    completion: int = 0


class BadReply(Exception):
    """The reply cannot be used. `reason` is truncated, parse_error or model_changed; `detail` is one sentence."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason, self.detail = reason, detail


def usage(body: Any) -> Usage:
    """The `usage` member of a reply, zeros where the server gives none."""
    found = body.get("usage") if isinstance(body, dict) else None
    if not isinstance(found, dict):
        return Usage()
    details = found.get("prompt_tokens_details")
    cached = details.get("cached_tokens") if isinstance(details, dict) else 0
    return Usage(int(found.get("prompt_tokens") or 0), int(cached or 0), int(found.get("completion_tokens") or 0))


def envelope(raw: bytes) -> Any:
    """The JSON of a reply body, or None."""
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError:
        return None


def content(body: Any) -> str:
    """The text of the first choice. Raises BadReply: `finish_reason` length is never success."""
    try:
        choice = body["choices"][0]
        text = choice["message"]["content"]
    except (TypeError, KeyError, IndexError):
        raise BadReply("parse_error", "the body is not a chat completion") from None
    if choice.get("finish_reason") == "length":
        raise BadReply("truncated", "the reply ran into max_tokens")
    if not isinstance(text, str) or not text.strip():
        raise BadReply("parse_error", "the reply is empty")
    return text


def reply(text: str, shape: type[Reply], count: int | None) -> Reply:
    """`text` as `shape`: strict JSON first, then what json-repair can make of it. Raises BadReply."""
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        if _breaks_off(text):  # repaired, it would pass for whole
            raise BadReply("parse_error", "the reply breaks off within a text") from None
        value = _repaired(text[:100_000])
    try:
        value = _clean(value)
    except RecursionError:
        raise BadReply("parse_error", "the reply is nested too deeply") from None
    schema = shape.schema_for(count)
    if len(text) >= _shortest_limit(shape):
        value = _whole(schema, schema, value)
    try:
        parsed = shape.model_validate(value)
    except ValidationError as error:
        first = error.errors()[0]
        where = "/".join(str(part) for part in first["loc"]) or "reply"
        raise BadReply("parse_error", f"{where}: {first['msg']}") from None
    if shape.counted and count is not None and len(getattr(parsed, shape.counted)) < count:
        raise BadReply("parse_error", f"{shape.counted}: fewer than {count}")
    return parsed


@cache
def _shortest_limit(shape: type[Reply]) -> float:
    """Of all texts in which a cut matters, the lowest `maxLength`: a reply that is shorter holds none that is cut."""

    def limits(node: Any, name: str) -> Iterator[int]:
        if isinstance(node, list):
            for part in node:
                yield from limits(part, name)
        elif isinstance(node, dict):
            if isinstance(most := node.get("maxLength"), int) and most >= A_SENTENCE and name not in _ASIDE:
                yield most
            for key, part in node.items():
                inner = part.items() if key in ("properties", "$defs") else [(name, part)]
                for of, found in inner:
                    yield from limits(found, of)

    return min(limits(shape.schema_for(), ""), default=math.inf)


def _whole(root: dict[str, Any], node: Any, value: Any, name: str = "") -> Any:
    """The value without what a server closed at its `maxLength`, within a sentence.

    An answer is cut back to its last whole sentence, if that is half of it or more: whether that still answers is for
    the judge to say. Raises BadReply for any other text that is not whole.
    """
    while "$ref" in node:
        node = root["$defs"][node["$ref"].rpartition("/")[2]]
    if isinstance(value, str):
        most = node.get("maxLength", math.inf)
        if len(value) < most or most < A_SENTENCE or name in _ASIDE or _ENDED.search(value):
            return value
        ends = [found.end() for found in _SENTENCE_END.finditer(value)] if name == "answer" and "`" not in value else []
        if not ends or ends[-1] < most / 2:
            raise BadReply("truncated", f"{name}: as long as it may be, and it ends within a sentence")
        return value[: ends[-1]]
    if isinstance(value, list):
        return [_whole(root, node.get("items", {}), item, name) for item in value]
    if isinstance(value, dict):
        known = node.get("properties", {})
        return {key: _whole(root, known.get(key, {}), item, key) for key, item in value.items()}
    return value


def _breaks_off(text: str) -> bool:
    """Does it end within a string? A stop string may stand in one: so many spaces in a row, in code or a table."""
    return re.sub(r"\\.", "", text, flags=re.S).count('"') % 2 == 1 and text.rstrip(" `\n\t")[-1:] not in ("}", "]")


def _repaired(text: str) -> Any:
    try:
        return json_repair.loads(text)
    except (RecursionError, ValueError):
        raise BadReply("parse_error", "the reply is not JSON") from None


def _clean(value: Any) -> Any:
    """Without what a database refuses (NUL, lone surrogates) and what no JSON reader should see (NaN)."""
    if isinstance(value, str):
        return value.replace("\x00", "").encode("utf-8", "ignore").decode()
    if isinstance(value, dict):
        return {key: _clean(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_clean(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
