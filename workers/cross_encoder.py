"""Sequence classifiers that read two texts at once, on the CPU of this process."""

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workers.batches import AT_ONCE, Batches

Logits = NDArray[np.float32]
MAX_TOKENS = 512


async def logits(name: str, one: str, other: str) -> Logits:
    """The raw logits of the pair, one a label. `name`: a folder or a hub id. Raises OSError if it cannot be loaded."""
    return await _batches(name).get((one, other))


def labels(name: str) -> list[str]:
    """The model's labels in the order of its logits, in small letters (`id2label` of its config)."""
    named: dict[int, str] = _model(name).config.id2label
    return [named[i].lower() for i in sorted(named)]


@cache
def _batches(name: str) -> Batches[tuple[str, str], Logits]:
    return Batches(f"cross-encoder {name}", lambda pairs: list(_predict(name, pairs)))


def _predict(name: str, pairs: list[tuple[str, str]]) -> Logits:
    """Shape (pairs, labels)."""
    from torch import nn

    raw = _model(name).predict(
        pairs, batch_size=AT_ONCE, activation_fn=nn.Identity(), convert_to_numpy=True, show_progress_bar=False
    )
    return np.asarray(raw, dtype=np.float32).reshape(len(pairs), -1)


@cache
def _model(name: str) -> Any:
    from sentence_transformers import CrossEncoder

    return CrossEncoder(name, device="cpu", max_length=MAX_TOKENS)
