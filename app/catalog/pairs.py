"""What a preference row says: what both ways have in common, and the two ways on from there."""

from typing import Any, NamedTuple

from app.domain import Sample

Turns = list[dict[str, str]]
ALIKE = (0.67, 1.5)  # times as long as the rejected side: within, the two are about as long


class Pair(NamedTuple):
    """Chat messages. `prompt` ends with a user's turn, `chosen` and `rejected` begin and end with an assistant's."""

    prompt: Turns
    chosen: Turns
    rejected: Turns


def pair(sample: Sample) -> Pair:
    """The pair of a preference row.

    A row about one answer has the other one in `attributes["rejected"]`. A row about conversations (preferences over
    whole trajectories, arXiv 2405.14655) has in `attributes["rejected_turns"]` how the other one went on after the
    first `attributes["prompt_turns"]` messages, which both share.
    """
    told = sample.turns
    if other := sample.attributes.get("rejected_turns"):
        shared: int = sample.attributes["prompt_turns"]
        return Pair(told[:shared], told[shared:], other)
    return Pair(told[:-1], told[-1:], [{"role": "assistant", "content": sample.attributes["rejected"]}])


def size(turns: Turns) -> int:
    """Characters of the assistant's turns: what a preference for length is about."""
    return sum(len(turn["content"]) for turn in turns if turn["role"] == "assistant")


def alike(chosen: int, rejected: int) -> bool:
    """Are the two about as long?"""
    return ALIKE[0] <= chosen / max(1, rejected) <= ALIKE[1]


def rejected(attributes: dict[str, Any]) -> list[str]:
    """What the assistant says on the rejected side, turn by turn; nothing where the row is no pair."""
    if turns := attributes.get("rejected_turns"):
        return [turn["content"] for turn in turns if turn["role"] == "assistant"]
    return [attributes["rejected"]] if isinstance(attributes.get("rejected"), str) else []


def lengths(answer: str, attributes: dict[str, Any]) -> tuple[int, int] | None:
    """Characters of the assistant's turns on the chosen and on the rejected side; None where the row is no pair."""
    if not (other := rejected(attributes)):
        return None
    shared = attributes.get("prompt_turns")
    chosen = size(attributes["messages"][shared:]) if shared is not None else len(answer)
    return chosen, sum(map(len, other))
