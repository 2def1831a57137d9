"""Extract JSON from the context by the user's schema, and drop every value that does not stand in the text."""

import json
import re
from dataclasses import dataclass, field
from typing import Any

from app.catalog.tasks.extract import ExtractOptions
from app.domain import Context, Dropped, Sample, Span
from app.llm.protocol import Refused
from app.replies.text import Extracted
from workers.recipes.work import Work
from workers.steps.locate import locate, span_of
from workers.steps.nullable import DERIVED, asked, part
from workers.steps.requests import request

PROMPT = "extract/value@1"
KIND = "extract"
EXACT = 100.0  # of `locate`: white space and the case of letters aside
_NUMBER = re.compile(r"\d[\d.,\u00a0\u202f' ]*\d|\d")
_GONE = object()


@dataclass(slots=True)
class Values:
    """What became of the values: found at a place, derived (not to be looked up), or dropped; by JSON pointer."""

    located: dict[str, Span] = field(default_factory=dict)
    derived: list[str] = field(default_factory=list)
    dropped: dict[str, Any] = field(default_factory=dict)


async def extract(work: Work, options: ExtractOptions, *, ahead: int) -> Sample | Dropped:
    """A row, not measured yet: its value holds nothing that is neither in the text nor derived from it."""
    schema = asked(options.json_schema)
    shown = schema if options.absent == "null" else options.json_schema
    told = f"{request(work.context.language, 'json')}\n{written(shown)}"
    about: dict[str, Any] = {
        "kind": KIND,
        "question": f"{told}\n\n{work.context.text}",
        "attributes": {"request": told, "schema": shown},
        "lineage": work.lineage((PROMPT,)),
    }
    try:
        reply = await work.model.ask(
            PROMPT,
            context=work.context,
            ahead=ahead,
            sample=work.round,
            fields={"value": schema},
            schema=written(schema),
        )
    except Refused as refusal:
        return Dropped(reason=refusal.reason, detail=refusal.detail, **about)
    assert isinstance(reply, Extracted)
    found = Values()
    value = _kept(options.json_schema, options.json_schema, reply.value, work.context, "", found)
    if options.absent == "omit":
        value = _without_nulls(value)
    about["attributes"] |= {
        "value": value,
        "located": {pointer: [span.start, span.end] for pointer, span in found.located.items()},
        "derived": found.derived,
        "dropped_values": found.dropped,
    }
    places = {(span.document_id, span.start, span.end): span for span in found.located.values()}
    return Sample(answer=written(value), sources=tuple(places.values()), **about)


def written(value: Any) -> str:
    """As JSON on one line."""
    return json.dumps(value, ensure_ascii=False)


def _kept(root: dict[str, Any], node: Any, value: Any, context: Context, pointer: str, found: Values) -> Any:
    """The value with null in place of what is not in the text; such items of a list are left out."""
    if isinstance(value, dict):
        return {
            name: _plain(_kept(root, part(root, node, name), inner, context, f"{pointer}/{_escaped(name)}", found))
            for name, inner in value.items()
        }
    if isinstance(value, list):
        items = [
            _kept(root, part(root, node, i), inner, context, f"{pointer}/{i}", found) for i, inner in enumerate(value)
        ]
        return [item for item in items if item is not _GONE]
    if value is None or value == "":
        return _GONE
    if isinstance(value, bool) or _is_derived(node):
        found.derived.append(pointer)
        return value
    span = _place(value, context)
    if span is None:
        found.dropped[pointer] = value
        return _GONE
    found.located[pointer] = span
    return value


def _plain(value: Any) -> Any:
    return None if value is _GONE else value


def _is_derived(node: Any) -> bool:
    """A choice among given words, a value of a fixed form, or what the user says follows from the text."""
    return isinstance(node, dict) and bool(node.get(DERIVED) or {"enum", "const", "format"} & node.keys())


def _place(value: Any, context: Context) -> Span | None:
    if isinstance(value, str):
        if len(value) < 3:
            return _word(value, context)
        span = locate(context, value)
        return span if span and span.score >= EXACT else None
    for chunk in context.chunks:
        for match in _NUMBER.finditer(chunk.text):
            if any(number == abs(value) for number in _read(match.group())):
                return span_of(chunk, match.start(), match.end())
    return None


def _word(value: str, context: Context) -> Span | None:
    """A text too short to be looked for anywhere must stand there as a word."""
    for chunk in context.chunks:
        if match := re.search(rf"(?<!\w){re.escape(value)}(?!\w)", chunk.text):
            return span_of(chunk, match.start(), match.end())
    return None


def _read(digits: str) -> set[float]:
    """The numbers that these digits can mean: 1,200 is 1200 in one country and 1.2 in another."""
    plain = re.sub(r"[\u00a0\u202f' ]", "", digits)
    forms = {plain.replace(",", ""), plain.replace(".", "").replace(",", "."), plain.replace(",", ".")}
    found = set()
    for form in forms:
        try:
            found.add(float(form))
        except ValueError:
            continue
    return found


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_nulls(inner) for name, inner in value.items() if inner is not None}
    return [_without_nulls(inner) for inner in value] if isinstance(value, list) else value


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")
