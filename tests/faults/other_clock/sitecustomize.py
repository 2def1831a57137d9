"""Imported by every Python process that has this folder on its PYTHONPATH: gives it a wall clock of its own.

The file that FAULT_CLOCK names holds the seconds by which the clock is wrong; as long as there is no such file it is
right. The monotonic clock goes on as ever, and so do the clocks of databases and brokers. Each process that has told a
wrong time leaves a file beside it, so that a test can see that it did.
"""

import copyreg
import datetime as datetimes
import os
import time
from datetime import datetime as _real
from pathlib import Path
from typing import Any

_file = Path(os.environ["FAULT_CLOCK"])
_time, _time_ns = time.time, time.time_ns


def _wrong_by() -> float:
    try:
        seconds = float(_file.read_text())
    except FileNotFoundError:
        return 0.0
    _file.with_name(f"{_file.name}-{os.getpid()}").touch()
    return seconds


class _AlsoReal(type):
    """Times made by C code are of the real class: they count as ours, too."""

    def __instancecheck__(cls, value: object) -> bool:
        return isinstance(value, _real)

    def __subclasscheck__(cls, other: type) -> bool:
        return issubclass(other, _real)


class datetime(_real, metaclass=_AlsoReal):  # noqa: N801  (stands in for the one of the standard library)
    def __new__(cls, *args: Any, **named: Any) -> Any:
        return _real(*args, **named)

    @classmethod
    def now(cls, tz: Any = None) -> Any:
        return _real.fromtimestamp(time.time(), tz)

    @classmethod
    def utcnow(cls) -> Any:
        return _real.fromtimestamp(time.time(), datetimes.UTC).replace(tzinfo=None)


for _name in ("fromtimestamp", "utcfromtimestamp", "fromisoformat", "strptime", "combine", "fromordinal"):
    setattr(datetime, _name, getattr(_real, _name))
# Under its old name pickle would find ours, and refuse.
copyreg.pickle(_real, lambda value: (datetime, value.__reduce_ex__(2)[1]))  # type: ignore[arg-type, return-value]
time.time = lambda: _time() + _wrong_by()
time.time_ns = lambda: _time_ns() + int(_wrong_by() * 1e9)
datetimes.datetime = datetime  # type: ignore[misc]
