"""What tests of workers share: a real broker for this process."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from app.settings import settings
from app.stack import valkey
from app.stack.sockets import socket_path
from tests.service import wait


@pytest.fixture
def broker(environment: pytest.MonkeyPatch) -> Iterator[redis.Redis]:
    folder: Path = settings().data_dir
    server = subprocess.Popen(valkey.prepare(folder), stdout=subprocess.DEVNULL)
    wait(lambda: valkey.answers(folder), 20)
    with redis.Redis(unix_socket_path=str(socket_path(folder))) as client:
        yield client
    server.kill()
    server.wait()
