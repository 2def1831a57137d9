"""How little a model expects a text: the mean negative log-likelihood of its tokens, from a server's prompt_logprobs.

The request is vLLM's `POST /v1/completions` with `prompt_logprobs`: a prefill and one token, so it is cheap. Each entry
of the reply names one token of the prompt with its text (`decoded_token`; empty for the first bytes of a character that
takes several tokens), so the texts together are the prompt and say where the prefix ends.
"""

import math
from typing import Any

from app.llm.parse import BadReply

PATH = "/completions"
STEP = "loss"


def request(model: str, prefix: str, text: str) -> dict[str, Any]:
    """The body that asks for the log-probability of every token of `prefix + text`, and for nothing else."""
    return {"model": model, "prompt": prefix + text, "max_tokens": 1, "temperature": 0.0, "prompt_logprobs": 0}


def has_logprobs(body: Any) -> bool:
    """Does this reply hold prompt log-probabilities at all? Servers that know no such option leave it out."""
    try:
        return isinstance(body["choices"][0]["prompt_logprobs"], list)
    except (TypeError, KeyError, IndexError):
        return False


def mean(body: Any, text: str) -> float:
    """Nats per token of `text`, which ends the prompt. Raises BadReply.

    Counted from the end, so that a start token that the server adds counts for nothing. A token across the border
    belongs to the text. The first token of a prompt has no probability and is left out.
    """
    tokens: list[tuple[str, float | None]] = []
    try:
        for entry in body["choices"][0]["prompt_logprobs"]:
            found = None if entry is None else next(iter(entry.values()))
            tokens.append(("", None) if found is None else (str(found["decoded_token"] or ""), float(found["logprob"])))
    except (AttributeError, KeyError, StopIteration, TypeError, ValueError):
        raise BadReply("parse_error", "prompt_logprobs is not a list of tokens with their log-probabilities") from None
    losses = []
    left = sum(len(piece) for piece, _ in tokens)  # characters from this token's first one to the end
    for piece, logprob in tokens:
        after = left - len(piece)
        if logprob is not None and (left <= len(text) or after < len(text)):
            losses.append(-logprob)
        left = after
    if not losses or not math.isfinite(sum(losses)):
        raise BadReply("too_short", "the text has no token whose probability the model gives")
    return sum(losses) / len(losses)
