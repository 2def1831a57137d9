"""Quantised weights on a CPU are never run outside training while they are still to be trained.

bitsandbytes repacks a 4-bit layer for inference at its first forward pass in eval mode on a CPU that has AVX512-BF16.
From then on gradients no longer pass through the layer, for good, without an error, and also back in train mode. Hence
a run puts a guard on every quantised layer: such a pass raises. Held-out loss is measured by another process, from the
saved adapter (heldout.py).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class WouldSpoilTraining(RuntimeError):
    """A quantised model on a CPU was run in eval mode and is still to be trained."""


@contextmanager
def guarded(model: Any) -> Iterator[int]:
    """Raises WouldSpoilTraining at any eval-mode forward pass of a quantised layer; gives how many there are."""
    hooks = [layer.register_forward_pre_hook(_refuse) for layer in quantised_layers(model)]
    try:
        yield len(hooks)
    finally:
        for hook in hooks:
            hook.remove()


def quantised_layers(model: Any) -> list[Any]:
    """The layers that bitsandbytes made."""
    from bitsandbytes.nn import Linear4bit, Linear8bitLt

    return [layer for layer in model.modules() if isinstance(layer, Linear4bit | Linear8bitLt)]


def _refuse(layer: Any, _: Any) -> None:
    if not layer.training:
        raise WouldSpoilTraining("a quantised model on CPU must not run in eval mode while it is still to be trained")
