"""A fake OpenAI-compatible model server: `python -m tests.fakes.model_server --port 0 --bill PATH --script PATH`.

It answers from the prompt's own document, keeps a bill of what it sent whole, and breaks as its script says.
"""

import argparse
import asyncio
import signal
import sys
from pathlib import Path

import uvloop
from aiohttp import web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.http import RawRequestMessage
from aiohttp.streams import StreamReader
from aiohttp.web_protocol import RequestHandler

from tests.fakes.server import ModelServer

MAX_BODY = 256 * 1024 * 1024


def options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="tests.fakes.model_server", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--port-file", type=Path, help="gets the port once the server listens")
    parser.add_argument("--bill", type=Path, help="JSONL, appended: one line per reply sent whole")
    parser.add_argument("--planted", type=Path, help="JSONL, appended: one line per planted fault")
    parser.add_argument("--script", type=Path, help="JSON: what goes wrong")
    parser.add_argument("--model", help="the only model served; empty accepts any name")
    parser.add_argument("--max-model-len", type=int, default=32_768, help="longest prompt, in tokens of 4 characters")
    parser.add_argument("--latency-ms", type=float, default=0.0)
    parser.add_argument("--slots", type=int, default=1_000_000, help="requests answered at once; the others wait")
    parser.add_argument("--no-prompt-logprobs", action="store_true", help="be a server that does not know the option")
    parser.add_argument("--until-stdin-closes", action="store_true", help="end with the process that holds the pipe")
    return parser


async def serve(arguments: argparse.Namespace) -> None:
    """Serve until SIGTERM, SIGINT or (if asked) the end of stdin."""
    loop = asyncio.get_running_loop()
    fake = ModelServer(arguments)

    def make_request(
        message: RawRequestMessage,
        payload: StreamReader,
        protocol: RequestHandler,
        writer: AbstractStreamWriter,
        task: "asyncio.Task[None]",
    ) -> web.BaseRequest:
        return web.BaseRequest(message, payload, protocol, writer, task, loop, client_max_size=MAX_BODY)

    # Without cancellation a client that hangs up would be answered, and billed, all the same.
    server = web.Server(fake.handle, request_factory=make_request, handler_cancellation=True, access_log=None)
    runner = web.ServerRunner(server, shutdown_timeout=0.2)
    await runner.setup()
    site = web.TCPSite(runner, arguments.host, arguments.port, backlog=4096, reuse_address=True)
    await site.start()
    port = runner.addresses[0][1]
    if arguments.port_file:
        partial = arguments.port_file.with_suffix(".partial")
        partial.write_text(str(port))
        partial.replace(arguments.port_file)
    sys.stdout.write(f"http://{arguments.host}:{port}/v1\n")
    sys.stdout.flush()

    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    if arguments.until_stdin_closes:
        loop.add_reader(sys.stdin.fileno(), stop.set)
    await stop.wait()
    await runner.cleanup()
    fake.close()


if __name__ == "__main__":
    uvloop.run(serve(options().parse_args()))
