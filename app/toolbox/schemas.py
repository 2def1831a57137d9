"""JSON schemas that users bring: are they schemas, small and closed in themselves, and does a value meet one?

Patterns are matched in linear time and nothing is fetched, so neither a schema nor a value can hold a worker up.
"""

from functools import lru_cache
from typing import Any

import jsonschema_rs
import orjson

MOST_BYTES = 20_000
MOST_NODES = 2_000  # of a schema whose references are written out
MOST_DEPTH = 40

Place = tuple[str | int, ...]
Fault = tuple[Place, str]  # where in the schema, and what is wrong there


def fault(schema: Any) -> Fault | None:
    """What keeps `schema` from being used, or None."""
    if not isinstance(schema, dict):
        return (), "a JSON schema is an object"
    try:
        raw = orjson.dumps(schema)
    except (TypeError, ValueError, RecursionError) as error:
        return (), f"not JSON: {error}"
    if len(raw) > MOST_BYTES:
        return (), f"larger than {MOST_BYTES} bytes"
    try:
        _count(schema, schema, (), frozenset(), [0])
        jsonschema_rs.meta.validate(schema)
        _compiled(raw)
    except _Unusable as found:
        return found.place, found.why
    except jsonschema_rs.ValidationError as error:
        return tuple(error.instance_path), error.message[:300]
    except (ValueError, jsonschema_rs.ReferencingError) as error:
        return (), str(error)[:300]
    return None


def faults(schema: dict[str, Any], value: Any) -> list[str]:
    """`/pointer: what is wrong there` for all that keeps `value` from meeting a schema in which `fault` found none."""
    found = _compiled(orjson.dumps(schema)).iter_errors(value)
    return [f"{''.join(f'/{part}' for part in error.instance_path) or '/'}: {error.message[:200]}" for error in found]


class _Unusable(Exception):
    def __init__(self, place: Place, why: str) -> None:
        super().__init__(why)
        self.place, self.why = place, why


@lru_cache(maxsize=1024)
def _compiled(raw: bytes) -> Any:
    return jsonschema_rs.validator_for(
        orjson.loads(raw), offline=True, pattern_options=jsonschema_rs.RegexOptions(), validate_formats=False
    )


def _count(root: Any, node: Any, place: Place, open_refs: frozenset[str], seen: list[int]) -> None:
    """Walk the schema with its references written out. Raises _Unusable: too large, deep, endless, not closed."""
    seen[0] += 1
    if seen[0] > MOST_NODES:
        raise _Unusable((), f"with its references written out it has more than {MOST_NODES} parts")
    if len(place) > MOST_DEPTH:
        raise _Unusable((), f"nested more than {MOST_DEPTH} deep")
    if isinstance(node, list):
        for number, one in enumerate(node):
            _count(root, one, (*place, number), open_refs, seen)
    elif isinstance(node, dict):
        for name in ("$ref", "$dynamicRef"):
            if isinstance(ref := node.get(name), str):
                _follow(root, ref, (*place, name), open_refs, seen)
        for name, inner in node.items():
            if name not in ("$defs", "definitions"):  # counted where they are used
                _count(root, inner, (*place, name), open_refs, seen)


def _follow(root: Any, ref: str, place: Place, open_refs: frozenset[str], seen: list[int]) -> None:
    if ref in open_refs:
        raise _Unusable(place, "a schema that refers to itself cannot be used")
    target = resolve(root, ref)
    if target is None:
        raise _Unusable(place, f"{ref!r} leads nowhere in this schema, and nothing is fetched")
    _count(root, target, place, open_refs | {ref}, seen)


def resolve(root: Any, ref: str) -> Any:
    """What a reference such as `#/$defs/day` leads to in `root`; None if it leads nowhere, or elsewhere."""
    if ref != "#" and not ref.startswith("#/"):
        return None
    found = root
    for part in ref.split("/")[1:]:
        name = part.replace("~1", "/").replace("~0", "~")
        if isinstance(found, dict):
            found = found.get(name)
        elif isinstance(found, list) and name.isdecimal() and int(name) < len(found):
            found = found[int(name)]
        else:
            return None
    return found
