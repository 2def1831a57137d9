"""What a jailed process may not do, asked of the Linux kernel; each wall stands where the kernel allows it.

Rlimits always hold. The other walls are best effort, since old kernels and tight containers refuse some of them:
an own, empty network namespace; Landlock (no writing, and reading only of the installed software); a system call
filter (no sockets, no new programs, no looking into other processes). Not covered: code that breaks out of a parser
may still use memory and processor time up to the limits, and wait until the clock ends it.
"""

import ctypes
import errno
import os
import platform
import resource
import signal
import struct
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

_libc = ctypes.CDLL(None, use_errno=True)

_NEW_NETWORK, _NEW_USER = 0x40000000, 0x10000000
_SET_PARENT_DEATH_SIGNAL, _NO_NEW_PRIVILEGES, _SET_SECCOMP, _FILTER = 1, 38, 22, 2
_LANDLOCK_CREATE, _LANDLOCK_ADD, _LANDLOCK_RESTRICT = 444, 445, 446
_RUN, _READ_FILE_AND_FOLDER = 1 << 0, 1 << 2 | 1 << 3
_FILE_RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15}
_NEWEST_FILE_RIGHTS = 16

# socket, execve, execveat, ptrace, process_vm_readv, process_vm_writev, io_uring_setup (it can open sockets as well)
_FORBIDDEN_CALLS = {
    "x86_64": (0xC000003E, (41, 59, 322, 101, 310, 311, 425)),
    "aarch64": (0xC00000B7, (198, 221, 281, 117, 270, 271, 425)),
}
_LEAVING_CALLS = {"x86_64": (0xC000003E, (109, 112)), "aarch64": (0xC00000B7, (154, 157))}  # setpgid, setsid
_LOAD, _JUMP_EQUAL, _JUMP_AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06
_ALLOW, _REFUSE, _KILL = 0x7FFF0000, 0x00050000 | errno.EACCES, 0x80000000


def raise_walls(readable: Sequence[str] = ()) -> tuple[str, ...]:
    """Shut in this process and all it forks, for good, and name the walls that stand. `readable`: folders it may read.

    Call it before a thread starts: a wall holds only the thread that built it and those which that starts.
    """
    _must(_libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0))
    standing = []
    for name, build in (("network", leave_network), ("files", lambda: lock_files(readable)), ("calls", _filter_calls)):
        try:
            build()
        except OSError:
            continue  # not offered here: the caller learns which walls stand
        standing.append(name)
    return tuple(standing)


def limit(*, cpu_seconds: int, address_space: int) -> None:
    """Bound this process: processor time, bytes of address space in all, no core and no file that grows."""
    _lower(resource.RLIMIT_CPU, cpu_seconds, cpu_seconds + 1)
    _lower(resource.RLIMIT_AS, address_space, address_space)
    _lower(resource.RLIMIT_FSIZE, 0, 0)
    _lower(resource.RLIMIT_CORE, 0, 0)
    _lower(resource.RLIMIT_NOFILE, 64, 64)


def die_with_parent() -> None:
    """Let the kernel kill this process when the one that forked it is gone."""
    _must(_libc.prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGKILL, 0, 0, 0))


def stay_in_group() -> None:
    """Bind this process and all it forks to its process group, so that one signal to the group ends them all."""
    with suppress(OSError):  # not offered here
        _refuse(_LEAVING_CALLS)


def _lower(what: int, soft: int, hard: int) -> None:
    ceiling = resource.getrlimit(what)[1]
    if ceiling != resource.RLIM_INFINITY:
        soft, hard = min(soft, ceiling), min(hard, ceiling)
    resource.setrlimit(what, (soft, hard))


def leave_network() -> None:
    """Move this process into a network of its own that has nothing in it. Raises OSError where that is not allowed."""
    if _libc.unshare(_NEW_NETWORK):
        _must(_libc.unshare(_NEW_USER | _NEW_NETWORK))


def lock_files(readable: Sequence[str] = (), writable: Sequence[str] = ()) -> None:
    """Let this process read and run only the installed software and `readable`, and write only below `writable`.

    Raises OSError where Landlock is not offered.
    """
    version = _must(_libc.syscall(_LANDLOCK_CREATE, None, 0, 1))
    every = (1 << _FILE_RIGHTS.get(version, _NEWEST_FILE_RIGHTS)) - 1
    rules = _must(_libc.syscall(_LANDLOCK_CREATE, struct.pack("=Q", every), 8, 0))
    here = Path(__file__).parent
    software = (sys.prefix, sys.base_prefix, "/usr", "/lib", "/lib64", str(here), str(here.parents[1] / "app"))
    rights = _READ_FILE_AND_FOLDER | (_RUN if readable or writable else 0)
    for folder, allowed in [(one, rights) for one in (*software, *readable)] + [(one, every) for one in writable]:
        if Path(folder).is_dir():
            opened = os.open(folder, os.O_PATH | os.O_DIRECTORY)
            _must(_libc.syscall(_LANDLOCK_ADD, rules, 1, struct.pack("=Qi", allowed, opened), 0))
            os.close(opened)
    _must(_libc.syscall(_LANDLOCK_RESTRICT, rules, 0))
    os.close(rules)


def _filter_calls() -> None:
    _refuse(_FORBIDDEN_CALLS)


def _refuse(forbidden: Mapping[str, tuple[int, tuple[int, ...]]]) -> None:
    if platform.machine() not in forbidden:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
    architecture, calls = forbidden[platform.machine()]
    steps = [(_LOAD, 0, 0, 4), (_JUMP_EQUAL, 1, 0, architecture), (_RETURN, 0, 0, _KILL), (_LOAD, 0, 0, 0)]
    steps += [(_JUMP_EQUAL, len(calls) - at + 1, 0, call) for at, call in enumerate(calls)]
    # The x32 calls of an x86_64 kernel are the same calls under numbers from here on.
    steps += [(_JUMP_AT_LEAST, 1, 0, 0x40000000), (_RETURN, 0, 0, _ALLOW), (_RETURN, 0, 0, _REFUSE)]
    program = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *step) for step in steps))
    head = struct.pack("@HP", len(steps), ctypes.addressof(program))
    _must(_libc.prctl(_SET_SECCOMP, _FILTER, head, 0, 0))


def _must(result: int) -> int:
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result
