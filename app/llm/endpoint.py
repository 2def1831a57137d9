"""One OpenAI-compatible server: post a request, tell back-pressure from refusal, read the server's own load."""

import re
from dataclasses import dataclass
from typing import NamedTuple

import aiohttp
import orjson

CHAT = "/chat/completions"
MAX_REPLY_BYTES = 1024 * 1024
_LOAD = re.compile(
    rb"^vllm:(num_requests_running|num_requests_waiting|iteration_tokens_total_count)\{[^}]*\} ([0-9.e+]+)", re.M
)
_CONTEXT_LENGTH = re.compile(r"context length|maximum.{0,20}length|too (long|many tokens)", re.I)


class Unavailable(Exception):
    """The server did not take the call (down, overloaded, broken connection): try again, the row is not to blame.

    `retry_after`: seconds the server asked for. `refused`: nothing listens there at all. `overload`: 429.
    """

    def __init__(self, detail: str, *, retry_after: float = 0.0, refused: bool = False, overload: bool = False) -> None:
        super().__init__(detail)
        self.detail, self.retry_after, self.refused, self.overload = detail, retry_after, refused, overload


class Rejected(Exception):
    """The server says the request itself is wrong: trying again is useless. `code` is one of our reasons."""

    def __init__(self, code: str, status: int, detail: str) -> None:
        super().__init__(f"{status} {code}: {detail}")
        self.code, self.status, self.detail = code, status, detail


@dataclass(frozen=True, slots=True)
class Target:
    """Where a model is: base URL ending in /v1, the name it is served under, and the key, if any."""

    url: str
    model: str
    api_key: str = ""


class Load(NamedTuple):
    """Requests that run and wait at a server, and how many steps it has made; None where it does not say."""

    running: float
    waiting: float
    steps: float | None = None


class Endpoint:
    """A server at `target.url`, over one pooled keep-alive session without a connection limit."""

    def __init__(self, target: Target, session: aiohttp.ClientSession) -> None:
        self.target, self.session = target, session
        self.headers = {"Content-Type": "application/json"}
        if target.api_key:
            self.headers["Authorization"] = f"Bearer {target.api_key}"
        self.base = target.url.rstrip("/")
        self.metrics = target.url.rstrip("/").removesuffix("/v1") + "/metrics"

    async def post(self, body: bytes, path: str = CHAT) -> bytes:
        """The raw reply body of one call to `path` below the base URL. Raises Unavailable or Rejected."""
        try:
            async with self.session.post(self.base + path, data=body, headers=self.headers) as response:
                data = await _read(response)
                if response.status == 200:
                    return data
                raise _failure(response, data)
        except aiohttp.ClientConnectorError as error:
            raise Unavailable(f"cannot connect ({error.os_error.strerror or 'refused'})", refused=True) from error
        except aiohttp.ClientError as error:
            raise Unavailable(f"connection broke ({type(error).__name__})") from error
        except TimeoutError as error:
            raise Unavailable("no reply within the time limit") from error

    async def load(self) -> Load | None:
        """From vLLM's /metrics, over all its engines, or None where the server has none."""
        try:
            async with self.session.get(self.metrics, timeout=aiohttp.ClientTimeout(total=5)) as response:
                if response.status != 200:
                    return None
                found = _LOAD.findall(await response.read())
        except (aiohttp.ClientError, TimeoutError):
            return None
        total: dict[bytes, float] = {}
        for name, value in found:
            total[name] = total.get(name, 0.0) + float(value)
        if b"num_requests_running" not in total:
            return None
        waiting = total.get(b"num_requests_waiting", 0.0)
        return Load(total[b"num_requests_running"], waiting, total.get(b"iteration_tokens_total_count"))

    async def alive(self) -> bool:
        """Does the server answer GET /models at all?"""
        try:
            url = self.target.url.rstrip("/") + "/models"
            async with self.session.get(url, headers=self.headers, timeout=aiohttp.ClientTimeout(total=5)) as response:
                return response.status < 500
        except (aiohttp.ClientError, TimeoutError):
            return False


async def _read(response: aiohttp.ClientResponse) -> bytes:
    """The body, cut at MAX_REPLY_BYTES (it will not parse then): a server gone mad must not fill our memory."""
    length = response.content_length
    if length is not None and length <= MAX_REPLY_BYTES:
        return await response.read()
    data = bytearray()
    async for part in response.content.iter_any():
        data += part
        if len(data) > MAX_REPLY_BYTES:
            response.close()
            break
    return bytes(data[:MAX_REPLY_BYTES])


def _failure(response: aiohttp.ClientResponse, data: bytes) -> Unavailable | Rejected:
    detail = _message(data)
    status = response.status
    if status == 429 or status == 408 or status >= 500:
        return Unavailable(f"HTTP {status}: {detail}", retry_after=_seconds(response), overload=status in (429, 503))
    if status == 404:
        return Rejected("model_not_found", status, detail)
    if status in (401, 403):
        return Rejected("model_auth", status, "the model server does not accept our API key")
    if status in (400, 413, 422) and _CONTEXT_LENGTH.search(detail):
        return Rejected("context_length_exceeded", status, detail)
    return Rejected("request_rejected", status, detail)


def _seconds(response: aiohttp.ClientResponse) -> float:
    try:
        return min(120.0, max(0.0, float(response.headers.get("Retry-After", 0))))
    except ValueError:
        return 0.0


def _message(data: bytes) -> str:
    try:
        body = orjson.loads(data)
        found = body.get("error", body) if isinstance(body, dict) else body
        text = str(found.get("message") or found) if isinstance(found, dict) else str(found)
    except orjson.JSONDecodeError:
        text = data[:200].decode("utf-8", "replace")
    return text[:300]
