"""A TCP proxy in a thread that a test can cut, blind, slow down, or cut at one exact moment of a protocol."""

import asyncio
import socket
import struct
import threading
from collections.abc import Coroutine
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Literal, Self

Direction = Literal["up", "down"]
Target = tuple[str, int] | str


@dataclass(eq=False)
class _Connection:
    client: asyncio.StreamWriter
    upstream: asyncio.StreamWriter | None = None
    cut: bool = False
    deaf: bool = False
    tail: bytes = b""


@dataclass
class _Trap:
    """Cuts one connection: after `left` bytes, or at the pattern once it was let through `spared` times."""

    direction: Direction
    left: int = 0
    pattern: bytes = b""
    spared: int = 0
    deliver: bool = True
    sprung: threading.Event = field(default_factory=threading.Event)


class FaultProxy:
    """Forwards `127.0.0.1:port` to `(host, port)` or to a unix socket path. Every method may be called from any thread.

    "up" is from the client to the target, "down" is back.
    """

    def __init__(self, target: Target) -> None:
        self.target = target
        self.port = 0
        self.connections = 0
        self.cuts = 0
        self.bytes: dict[Direction, int] = {"up": 0, "down": 0}
        self._latency = 0.0
        self._trap: _Trap | None = None
        self._live: set[_Connection] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._placeholder: socket.socket | None = None
        self._server: asyncio.Server | None = None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="fault-proxy", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self._do(self._listen())
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._do(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def cut(self) -> None:
        """Reset what is open and refuse what comes, until `heal`."""
        self._do(self._cut_all())

    def drop(self) -> None:
        """Reset what is open; new connections are welcome."""
        self._do(self._drop_all())

    def blackhole(self) -> None:
        """Accept and forward nothing, in either direction, nor any end of connection, until `heal`."""
        self._do(self._set_flow(False))

    def deafen(self) -> None:
        """What is open now stays open and carries nothing any more, for good; new connections are as ever.

        So does a connection look whose other end is gone without a word (half-open).
        """
        self._do(self._deafen_all())

    def latency(self, seconds: float) -> None:
        """Hold each piece of data back for so long, both ways."""
        self._latency = seconds

    def cut_after_bytes(self, count: int, direction: Direction = "down") -> None:
        """Once: let `count` more bytes pass that way, then reset the connection they passed on."""
        self._trap = _Trap(direction, left=count)

    def cut_on_pattern(
        self, pattern: bytes, direction: Direction = "up", *, deliver: bool = True, spare: int = 0
    ) -> None:
        """Once: reset the client's connection when `pattern` has passed, so that it never reads the reply.

        With `deliver` the target still gets everything up to then, whole; without, the piece with the pattern is lost.
        The first `spare` pieces with the pattern pass unharmed.
        """
        self._trap = _Trap(direction, pattern=pattern, spared=spare, deliver=deliver)

    def wait_for_cut(self, timeout: float = 10.0) -> bool:
        """Wait until the `cut_after_bytes` or `cut_on_pattern` set last has happened."""
        assert self._trap is not None, "no cut was asked for"
        return self._trap.sprung.wait(timeout)

    def heal(self) -> None:
        """Forward again, at once, everything."""
        self._latency = 0.0
        self._trap = None
        self._do(self._heal())

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    async def _listen(self) -> None:
        self._flow = asyncio.Event()
        self._flow.set()
        await self._open(self._bound())

    def _bound(self) -> socket.socket:
        """A socket that holds the port and, as long as it does not listen, refuses."""
        sock = socket.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(("127.0.0.1", self.port))
        self.port = sock.getsockname()[1]
        return sock

    async def _open(self, sock: socket.socket) -> None:
        self._server = await asyncio.start_server(self._accept, sock=sock, backlog=1024)

    async def _close(self) -> None:
        await self._cut_all()
        if self._placeholder is not None:
            self._placeholder.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _cut_all(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
            self._placeholder = self._bound()
        await self._drop_all()

    async def _drop_all(self) -> None:
        for connection in list(self._live):
            self._sever(connection)

    async def _deafen_all(self) -> None:
        for connection in self._live:
            connection.deaf = True

    async def _set_flow(self, flows: bool) -> None:
        if flows:
            self._flow.set()
        else:
            self._flow.clear()

    async def _heal(self) -> None:
        await self._set_flow(True)
        if self._placeholder is not None:
            sock, self._placeholder = self._placeholder, None
            await self._open(sock)

    async def _accept(self, reader: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        connection = _Connection(client)
        self._live.add(connection)
        self.connections += 1
        try:
            await self._flow.wait()
            if connection.cut:
                return
            up_reader, connection.upstream = await self._connect()
            async with asyncio.TaskGroup() as both:
                both.create_task(self._pump(reader, connection.upstream, connection, "up"))
                both.create_task(self._pump(up_reader, client, connection, "down"))
        except* OSError:
            # A side that is gone, or a target that refuses: the other side sees its connection reset.
            self._sever(connection)
        finally:
            self._live.discard(connection)
            client.close()
            if connection.upstream is not None:
                connection.upstream.close()

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if isinstance(self.target, str):
            return await asyncio.open_unix_connection(self.target)
        return await asyncio.open_connection(*self.target)

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, connection: _Connection, way: Direction
    ) -> None:
        while data := await reader.read(65_536):
            if self._latency:
                await asyncio.sleep(self._latency)
            await self._flow.wait()
            if connection.cut or connection.deaf:
                # Read on and throw away: to close with data unread would reset the target, and it may still be reading.
                continue
            data, last = self._judge(data, connection, way)
            # No reply may slip through while the last piece is on its way up.
            connection.cut = last and way == "up"
            self.bytes[way] += len(data)
            writer.write(data)
            await writer.drain()
            if last:
                self._sever(connection)
        await self._flow.wait()
        if not (connection.cut or connection.deaf) and writer.can_write_eof():
            writer.write_eof()

    def _judge(self, data: bytes, connection: _Connection, way: Direction) -> tuple[bytes, bool]:
        """What of `data` passes, and whether it is the last that does."""
        trap = self._trap
        if trap is None or trap.direction != way or trap.sprung.is_set() or connection.cut:
            return data, False
        if trap.pattern:
            window = connection.tail + data
            connection.tail = window[len(window) - len(trap.pattern) + 1 :] if len(trap.pattern) > 1 else b""
            if trap.pattern not in window:
                return data, False
            connection.tail = b""
            if trap.spared:
                trap.spared -= 1
                return data, False
            data = data if trap.deliver else b""
        elif trap.left > len(data):
            trap.left -= len(data)
            return data, False
        else:
            data = data[: trap.left]
        trap.sprung.set()
        return data, True

    def _sever(self, connection: _Connection) -> None:
        """Reset the client; end the target's side in order, so that what was sent to it is still read."""
        if not connection.client.is_closing():
            self.cuts += 1
            sock = connection.client.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.client.transport.abort()
        connection.cut = True
        if connection.upstream is not None and not connection.upstream.is_closing():
            connection.upstream.write_eof()
