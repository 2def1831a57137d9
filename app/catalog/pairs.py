"""What a preference row says: what both ways have in common, and the two ways on from there."""

from typing import NamedTuple

from app.domain import Sample

Turns = list[dict[str, str]]


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
