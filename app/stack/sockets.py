"""Where the embedded broker listens: a unix socket, whose path must be short, and free TCP ports."""

import hashlib
import os
import socket
import stat
import tempfile
from pathlib import Path

LONGEST = 100  # bytes; the system's own limit is 108 on Linux and 104 on macOS


def socket_path(data_dir: Path) -> Path:
    """Below `data_dir`, or, where that is too deep, in a short folder of this user named after it."""
    direct = data_dir / "run" / "valkey.sock"
    if len(os.fsencode(direct)) <= LONGEST:
        return direct
    name = f"{hashlib.sha256(os.fsencode(data_dir)).hexdigest()[:16]}.sock"
    folder = f"corpusmith-{os.getuid()}"
    short = Path(tempfile.gettempdir()) / folder / name
    return short if len(os.fsencode(short)) <= LONGEST else Path("/tmp") / folder / name


def make_private(folder: Path) -> None:
    """Create the folder for this user only; PermissionError when it exists and is somebody else's."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = folder.stat(follow_symlinks=False)
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        raise PermissionError(f"{folder} does not belong to this user")
    folder.chmod(0o700)


def free_port(host: str = "127.0.0.1") -> int:
    """A TCP port that nobody listens on at this moment."""
    with socket.create_server((host, 0)) as server:
        return int(server.getsockname()[1])


def port_is_free(host: str, port: int) -> bool:
    """Whether one could listen there now."""
    try:
        with socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET):
            return True
    except OSError:
        return False
