"""What this machine can train on, and the right to use it: one run at a time on each device."""

import os
import socket
from pathlib import Path

from app.settings import settings
from app.stack.locks import try_lock
from workers import training_files


class Device:
    """One device of this machine: `cpu` or `cuda:0`. Its lock is held from `take` to `free`.

    The lock belongs to an open file, and ends with the last process that has it. A run's guard is given it and the
    worker lets its own copy go: so it lasts exactly as long as something trains, be the worker alive, dead or frozen.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.lock: int | None = None

    def take(self) -> bool:
        """Whether it is ours now; False: another run on this machine has it."""
        if self.lock is None:
            self.lock = try_lock(training_files.root() / f".device-{self.name.replace(':', '-')}.lock")
        return self.lock is not None

    def free(self) -> None:
        """Let our copy of the lock go."""
        if self.lock is not None:
            os.close(self.lock)
            self.lock = None

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


def take() -> Device | None:
    """A device that nobody on this machine uses, ours now; None: all are in use."""
    return next((device for device in map(Device, names()) if device.take()), None)
