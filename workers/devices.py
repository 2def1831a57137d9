"""What this machine can train on, and the right to use it: one run at a time on each device."""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from app.settings import settings
from app.stack.locks import try_lock
from workers import training_files


@dataclass(frozen=True, slots=True)
class Device:
    """`name` is `cpu` or `cuda:0`; `lock` is an open descriptor, which a run's guard holds as well while it lives."""

    name: str
    lock: int

    @property
    def place(self) -> str:
        """For people: the machine and the device."""
        return f"{socket.gethostname()[:60]}/{self.name}"

    @property
    def environment(self) -> dict[str, str]:
        """What makes a child see this device alone."""
        return {"CUDA_VISIBLE_DEVICES": self.name.partition(":")[2]}


def names() -> list[str]:
    """Devices by the settings; `auto`: every GPU there is, or the CPU. Torch is not asked: it would take the device."""
    wanted = settings().train_devices
    if wanted != "auto":
        return [name.strip() for name in wanted.split(",") if name.strip()]
    gpus = sorted(int(path.name[6:]) for path in Path("/dev").glob("nvidia[0-9]*") if path.name[6:].isdigit())
    return [f"cuda:{number}" for number in gpus] or ["cpu"]


@contextmanager
def free() -> Iterator[Device | None]:
    """A device that nobody on this machine uses, locked; None: all are in use.

    The lock belongs to the open file: it ends with the last process that has it, so neither a killed worker nor a run
    that outlives it for a moment lets another run begin on the same device.
    """
    for name in names():
        lock = try_lock(training_files.root() / f".device-{name.replace(':', '-')}.lock")
        if lock is not None:
            try:
                yield Device(name, lock)
            finally:
                os.close(lock)
            return
    yield None
