"""`prompt_logprobs` as vLLM 0.32 gives them: an entry for each token of the prompt by its id, the first one null."""

import re
from hashlib import sha256
from typing import Any

_PIECE = re.compile(r"\s*\S{1,4}|\s+")


def prompt_logprobs(prompt: str) -> list[dict[str, dict[str, Any]] | None]:
    """Tokens are up to four characters with the white space before them. A token that came before is expected (-0.2);
    a new one costs 1 to 9 nats, by its own hash, so that a text's loss depends on its words and on what precedes them.
    """
    entries: list[dict[str, dict[str, Any]] | None] = []
    seen: set[str] = set()
    for piece in _PIECE.findall(prompt):
        digest = sha256(piece.encode()).digest()
        logprob = -0.2 if piece in seen else -(1 + digest[0] / 32)
        number = str(int.from_bytes(digest[1:3]))
        first = not entries
        entries.append(None if first else {number: {"logprob": logprob, "rank": 1, "decoded_token": piece}})
        seen.add(piece)
    return entries
