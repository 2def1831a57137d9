"""What can be said of a Cypher query before it is run: it only reads, and its names and directions are the graph's.

Graph databases do not mind an unknown name: the query runs and finds nothing. So names are checked here, by a reading
of the query's patterns and property accesses; whether it is Cypher at all is for the database to say.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class GraphSchema:
    """Label -> its property names, and relationship type -> its property names. Names are case-sensitive."""

    labels: dict[str, frozenset[str]]
    types: dict[str, frozenset[str]]
    ends: frozenset[tuple[str, str, str]] = field(default=frozenset())  # (label, type, label)


@dataclass(frozen=True, slots=True)
class _Step:
    """A relationship pattern: its types (none: any), its arrow heads, and whether it may be walked several times."""

    types: set[str]
    left: bool
    right: bool
    repeated: bool


class Bad(Exception):
    """The query is not run: (reason, detail)."""


_STRINGS = re.compile(r"'(?:\\.|[^'\\])*'|\"(?:\\.|[^\"\\])*\"", re.S)
_COMMENTS = re.compile(r"/\*.*?\*/|//[^\n]*", re.S)
_WRITES = re.compile(r"\b(create|merge|set|delete|detach|remove|drop|foreach|alter)\b", re.I)
_FILES = re.compile(r"\bload\s+csv\b|(?<![.:`])\bcall\s+(?!\s*[{(])[\w.`]+|\bapoc\.\w+", re.I)
_NAME = r"(?:`[^`]+`|[^\W\d]\w*)"
_NODE = re.compile(
    rf"\(\s*({_NAME})?\s*((?:\s*[:&|]\s*{_NAME})+)?\s*(\{{[^{{}}]*\}})?\s*(?:where\b[^()\[\]]*)?\)", re.I
)
_EDGE = re.compile(
    rf"\[\s*({_NAME})?\s*(:\s*{_NAME}(?:\s*\|\s*:?\s*{_NAME})*)?\s*(?:\*\s*\d*\s*(?:\.\.)?\s*\d*)?\s*(\{{[^{{}}]*\}})?\s*\]"
)
_TEST = re.compile(
    rf"(?<![\w`)\]])({_NAME})((?:\s*:\s*{_NAME})+)(?=\s*(?:and|or|xor|not|return|with|match|\)|,|$))", re.I
)
_ACCESS = re.compile(rf"(?<![\w.`])({_NAME})\s*\.\s*({_NAME})(?!\s*[\w.]*\()")
_ARROW = re.compile(r"\s*(?P<left><)?-\s*(?P<edge>\[[^\[\]]*\])?\s*-(?P<right>>)?\s*")
_KEY = re.compile(rf"({_NAME})\s*:")
_NAMES = re.compile(_NAME)


def check(cypher: str, schema: GraphSchema) -> tuple[set[str], set[str]]:
    """The labels and relationship types the query names. Raises Bad."""
    text = _COMMENTS.sub(" ", _STRINGS.sub("''", cypher)).strip().rstrip(";")
    if not text:
        raise Bad("syntax_error", "there is no query")
    if ";" in text:
        raise Bad("several_statements", "one query is allowed")
    if found := _FILES.search(text):
        raise Bad("file_access", f"{' '.join(found.group().split())} is not allowed")
    # A property may be called `set` or `delete`: a keyword does not follow a dot or a colon, nor stand before a colon.
    for found in _WRITES.finditer(text):
        before, after = text[: found.start()].rstrip()[-1:], text[found.end() :].lstrip()[:1]
        if before not in (".", ":", "`", "|") and after not in (":", "`"):
            raise Bad("write_statement", f"{found.group().upper()} is not allowed")
    labels_of: dict[str, set[str]] = {}
    types_of: dict[str, set[str]] = {}
    labels, types = _patterns(text, schema, labels_of, types_of)
    _accesses(text, schema, labels_of, types_of)
    for source, step, target in _steps(text, labels_of, types_of):
        _direction(source, step, target, schema)
    return labels, types


def _steps(
    text: str, labels_of: dict[str, set[str]], types_of: dict[str, set[str]]
) -> Iterator[tuple[set[str], "_Step", set[str]]]:
    """Each relationship pattern with the labels of its two ends, as far as they are known."""
    for node in _NODE.finditer(text):
        arrow = _ARROW.match(text, node.end())
        other = _NODE.match(text, arrow.end()) if arrow else None
        if arrow and other:
            inner = _EDGE.match(arrow["edge"] or "[]")
            variable, named = (inner[1], inner[2]) if inner else (None, None)
            types = {_bare(name) for name in _NAMES.findall(named or "")} or types_of.get(_bare(variable or ""), set())
            step = _Step(types if variable or named else set(), bool(arrow["left"]), bool(arrow["right"]),
                         "*" in (arrow["edge"] or ""))  # fmt: skip
            ends = [_labels(found, labels_of) for found in (node, other)]
            yield ends[0], step, ends[1]


def _labels(node: re.Match[str], labels_of: dict[str, set[str]]) -> set[str]:
    own = {_bare(name) for name in _NAMES.findall(node[2] or "")}
    return own or (labels_of.get(_bare(node[1]), set()) if node[1] else set())


def _direction(source: set[str], step: "_Step", target: set[str], schema: GraphSchema) -> None:
    """Raises Bad when no relationship of the graph fits the pattern, whatever the data."""
    ends = {end for end in schema.ends if not step.types or end[1] in step.types}
    starts, stops = {end[0] for end in ends}, {end[2] for end in ends}

    def fits(first: set[str], last: set[str]) -> bool:
        if step.repeated:
            return (not first or bool(first & starts)) and (not last or bool(last & stops))
        return any((not first or a in first) and (not last or b in last) for a, _, b in ends)

    if not schema.ends or step.left == step.right:
        if schema.ends and not step.repeated and not fits(source, target) and not fits(target, source):
            raise Bad("unknown_pattern", _said(source, step, target))
        return
    first, last = (target, source) if step.left else (source, target)
    if fits(first, last):
        return
    if fits(last, first):
        raise Bad("wrong_direction", f"{_said(source, step, target)}: it leads the other way")
    raise Bad("unknown_pattern", _said(source, step, target))


def _said(source: set[str], step: "_Step", target: set[str]) -> str:
    names = ["|".join(sorted(found)) for found in (source, step.types, target)]
    left, right = "<" if step.left else "", ">" if step.right else ""
    return f"no such relationship: (:{names[0]}){left}-[:{names[1]}]-{right}(:{names[2]})"


def _patterns(
    text: str, schema: GraphSchema, labels_of: dict[str, set[str]], types_of: dict[str, set[str]]
) -> tuple[set[str], set[str]]:
    labels: set[str] = set()
    types: set[str] = set()
    for variable, named, keys in _NODE.findall(text):
        mine = _known(named, schema.labels, "unknown_label", "label")
        labels |= mine
        labels_of.setdefault(_bare(variable), set()).update(mine)
        _keys(keys, mine, schema.labels)
    for variable, named, keys in _EDGE.findall(text):
        mine = _known(named, schema.types, "unknown_type", "relationship type")
        types |= mine
        types_of.setdefault(_bare(variable), set()).update(mine)
        _keys(keys, mine, schema.types)
    for variable, named in _TEST.findall(text):
        if _bare(variable) in labels_of:
            labels |= _known(named, schema.labels, "unknown_label", "label")
    return labels, types


def _known(named: str, there: dict[str, frozenset[str]], reason: str, what: str) -> set[str]:
    found = {_bare(name) for name in _NAMES.findall(named or "")}
    for name in sorted(found - set(there)):
        raise Bad(reason, f"no such {what}: {name}")
    return found


def _keys(literal: str, owners: set[str], there: dict[str, frozenset[str]]) -> None:
    for key in _KEY.findall(literal or ""):
        _property(_bare(key), owners, there)


def _property(name: str, owners: set[str], there: dict[str, frozenset[str]]) -> None:
    """`owners`: the labels or types of what is asked; none known means any may have it."""
    holders = owners or set(there)
    if not any(name in there[owner] for owner in holders):
        raise Bad("unknown_property", f"no such property: {name}{' of ' + ', '.join(sorted(owners)) if owners else ''}")


def _accesses(text: str, schema: GraphSchema, labels_of: dict[str, set[str]], types_of: dict[str, set[str]]) -> None:
    for variable, name in _ACCESS.findall(text):
        owner, key = _bare(variable), _bare(name)
        if owner in labels_of:
            _property(key, labels_of[owner], schema.labels)
        elif owner in types_of:
            _property(key, types_of[owner], schema.types)


def _bare(name: str) -> str:
    return name.strip("`")
