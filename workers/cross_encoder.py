"""Sequence classifiers that read two texts at once, on the CPU of this process: one thread a model, which batches.

Rows ask one at a time. While a batch is computed the next rows gather, and go into the next batch together.
"""

import asyncio
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

Logits = NDArray[np.float32]
BATCH = 32
MAX_TOKENS = 512

_Waiting = deque[tuple[tuple[str, str], "Future[Logits]"]]


async def logits(name: str, one: str, other: str) -> Logits:
    """The raw logits of the pair, one a label. `name`: a folder or a hub id. Raises OSError if it cannot be loaded."""
    thread, waiting = _lane(name)
    answer: Future[Logits] = Future()
    waiting.append(((one, other), answer))
    thread.submit(_work, name, waiting)
    return await asyncio.wrap_future(answer)


def labels(name: str) -> list[str]:
    """The model's labels in the order of its logits, in small letters (`id2label` of its config)."""
    named: dict[int, str] = _model(name).config.id2label
    return [named[i].lower() for i in sorted(named)]


def _work(name: str, waiting: _Waiting) -> None:
    """One batch of what has gathered; nothing, when an earlier batch took it all."""
    taken = [waiting.popleft() for _ in range(min(BATCH, len(waiting)))]
    taken = [item for item in taken if item[1].set_running_or_notify_cancel()]
    if not taken:
        return
    try:
        found = _predict(name, [pair for pair, _ in taken])
    except Exception as error:
        for _, answer in taken:
            answer.set_exception(error)
        return
    for (_, answer), row in zip(taken, found, strict=True):
        answer.set_result(row)


def _predict(name: str, pairs: list[tuple[str, str]]) -> Logits:
    """Shape (pairs, labels)."""
    from torch import nn

    raw = _model(name).predict(
        pairs, batch_size=BATCH, activation_fn=nn.Identity(), convert_to_numpy=True, show_progress_bar=False
    )
    return np.asarray(raw, dtype=np.float32).reshape(len(pairs), -1)


@cache
def _lane(name: str) -> tuple[ThreadPoolExecutor, _Waiting]:
    return ThreadPoolExecutor(max_workers=1, thread_name_prefix=f"cross-encoder {name}"), deque()


@cache
def _model(name: str) -> Any:
    from sentence_transformers import CrossEncoder

    return CrossEncoder(name, device="cpu", max_length=MAX_TOKENS)
