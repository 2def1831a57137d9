"""A run in several processes, one a device, as `accelerate launch` or `torchrun` start them: who is who, and agreement.

Weights are replicated (DDP): every process sees another part of each batch, and the gradients are averaged. The first
process alone tells events, hears wishes and writes files. One process is a world of one, and costs nothing.
"""

import os
from typing import Any

_OURS = ("RANK", "LOCAL_RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")


def world() -> int:
    """How many processes."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def first() -> bool:
    """Whether this is the process that speaks for all."""
    return int(os.environ.get("RANK", "0")) == 0


def device() -> int:
    """The number of this process's GPU on its machine."""
    return int(os.environ.get("LOCAL_RANK", "0"))


def meet() -> None:
    """Goes on when all processes are here."""
    if world() > 1:
        import torch

        torch.distributed.barrier()


def agreed(mine: Any) -> Any:
    """What the first process has, in all of them."""
    if world() == 1:
        return mine
    import torch

    box = [mine]
    torch.distributed.broadcast_object_list(box)
    return box[0]


def total(mine: int) -> int:
    """The sum over all processes."""
    if world() == 1:
        return mine
    import torch

    every: list[int] = [0] * world()
    torch.distributed.all_gather_object(every, mine)
    return sum(every)


def alone() -> dict[str, str]:
    """The environment for a helper that is not one of them."""
    dropped = ("ACCELERATE_", "TORCHELASTIC_", "GROUP_", "ROLE_")
    return {k: v for k, v in os.environ.items() if k not in _OURS and not k.startswith(dropped)}
