"""Runs one part and leaves none of its processes behind, however the part or the supervisor ends.

A script of the standard library alone, one per part: `guard.py GRACE SILENCE argv...`. Its stdin is a pipe whose other
end only the supervisor holds, so end of file means the supervisor is gone, even by SIGKILL. Where SILENCE is not `inf`,
the supervisor must send a byte at least so often: one that is frozen, or may not go on, loses its part as well.
On Linux it adopts every orphan of the part.
"""

import contextlib
import ctypes
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36
LINUX = sys.platform == "linux"


def command(grace: float, argv: Sequence[str], silence: float = float("inf")) -> list[str]:
    """`argv`, run under a guard. Start it with stdin=PIPE, or it ends at once."""
    return [sys.executable, "-I", "-S", __file__, str(grace), str(silence), *argv]


def _prctl(option: int, value: int) -> None:
    if LINUX:
        ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0)


def _die_with_guard() -> None:
    _prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def _children() -> list[int]:
    """Processes whose parent is this one: the part, and orphans of it that came to us."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat") if LINUX else ():
        with contextlib.suppress(OSError):  # it ended while we looked
            if int(stat.read_text().rpartition(")")[2].split()[1]) == os.getpid():
                found.append(int(stat.parent.name))
    return found


def _kill_everything(group: int) -> None:
    """SIGKILL the part's group, then, generation by generation, whatever left that group."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)
    while left := _children():
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        for pid in left:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, 0)


def main(grace: float, silence: float, argv: Sequence[str]) -> int:
    """Run `argv` until it ends or we are told to stop: SIGTERM to it alone, SIGKILL to all after `grace` seconds.

    Nothing on stdin for `silence` seconds is being told to stop, too.
    """
    wake_read, wake_write = os.pipe()
    os.set_blocking(wake_write, False)
    signal.set_wakeup_fd(wake_write)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD):
        signal.signal(number, lambda *_: None)
    _prctl(PR_SET_CHILD_SUBREAPER, 1)
    part = subprocess.Popen(argv, stdin=subprocess.DEVNULL, start_new_session=True, preexec_fn=_die_with_guard)
    watched, deadline, heard = [wake_read, sys.stdin.fileno()], float("inf"), time.monotonic()
    while part.poll() is None and time.monotonic() < deadline:
        until = min(deadline, heard + silence)
        timeout = None if until == float("inf") else max(0.0, until - time.monotonic())
        readable, _, _ = select.select(watched, [], [], timeout)
        heard = time.monotonic() if sys.stdin.fileno() in readable else heard
        stop = time.monotonic() - heard >= silence
        if wake_read in readable:
            stop = stop or bool({signal.SIGTERM, signal.SIGINT} & set(os.read(wake_read, 4096)))
        if sys.stdin.fileno() in readable and not os.read(sys.stdin.fileno(), 4096):
            watched.remove(sys.stdin.fileno())
            stop = True
        if stop and deadline == float("inf"):
            # To the part alone: a pool child killed by our SIGTERM would lose work its parent could still finish.
            part.terminate()
            deadline, silence = time.monotonic() + grace, float("inf")
    _kill_everything(part.pid)
    return part.wait()


if __name__ == "__main__":
    status = main(float(sys.argv[1]), float(sys.argv[2]), sys.argv[3:])
    sys.exit(status if status >= 0 else 128 - status)
