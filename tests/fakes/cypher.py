"""Questions and Cypher over the graph of a prompt, as a model would write them, and Cypher told as a question."""

import re

_NODES = re.compile(r"^\(:(\w+) \{([^{}]*)\}\)  // \d+; (.*)$", re.M)
_NUMBERED = re.compile(r"^\d+\. MATCH .*? \((?=[a-z])(.+)\)$", re.M)
_CHOSEN = re.compile(r"^\d+\. ('[^']*'|-?[\d.]+), the (\w+) of \(:(\w+)\) in (.*)$", re.M)
_CYPHER = re.compile(r"^Cypher: (.+)$", re.M)
_WANTS = re.compile(r"^MATCH \(n:(\w+)\) WHERE n\.(\w+) = (.+?) RETURN (count\(n\)|n)")
_SHAPES = (
    (
        "How many {label} are there whose {name} is {value}?",
        "MATCH (n:{label}) WHERE n.{name} = {value} RETURN count(n) AS number",
    ),
    (
        "Which different {name} do the {label} have, in order?",
        "MATCH (n:{label}) WITH DISTINCT n.{name} AS found RETURN found ORDER BY found",
    ),
)


def question_and_cypher(document: str, instruction: str, number: int, position: int) -> dict[str, str]:
    """The pair for the answer chosen at `position`, else the first from the `number`-th that was not asked yet."""
    chosen = _CHOSEN.findall(instruction)
    if position < len(chosen):
        value, name, label, _ = chosen[position]
        return _pair(0, label, name, value) | {"cypher": f"MATCH (n:{label}) WHERE n.{name} = {value} RETURN n"}
    found = [
        (label, name, value)
        for label, _, said in _NODES.findall(document)
        for name, values in (one.split(": ", 1) for one in said.split("; "))
        for value in values.split(", ")
    ]
    for following in range(number, number + 200 if found else number):
        turn, at = divmod(following, len(found))
        pair = _pair(turn, *found[at])
        if f"- {pair['question']}\n" not in f"{instruction}\n":
            return pair
    return {}


def _pair(turn: int, label: str, name: str, value: str) -> dict[str, str]:
    wording, cypher = _SHAPES[turn % len(_SHAPES)]
    filled = {"label": label, "name": name, "value": value}
    return {"question": wording.format(**filled), "cypher": cypher.format(**filled)}


def worded(instruction: str, position: int) -> str | None:
    """The question for the `position`-th query of a list, from the stiff description that stands behind it."""
    said = _NUMBERED.findall(instruction)
    return f"Tell me {said[position]}, please." if position < len(said) else None


def told(instruction: str) -> str:
    """What the prompt's query asks."""
    cypher = _CYPHER.search(instruction)
    wants = _WANTS.search(cypher[1]) if cypher else None
    if wants:
        return _SHAPES[0][0].format(label=wants[1], name=wants[2], value=wants[3])
    return f"What does it give: {cypher[1] if cypher else ''}"[:400]
