"""The service as the commands see it: requests that outlive its restarts, and replies that are checked."""

import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote

import httpx

from app.cli import address
from app.cli.failures import not_ours, refusal, unreachable, usage
from app.cli.terminal import Terminal, speaking

Json = dict[str, Any]

PATIENCE_SECONDS = 60.0  # how long a service that has answered before may be away
PAGE = 100
# 409: an earlier try of the same request is still being carried out.
_PASSING = (409, 429, 502, 503, 504)
_LOOPBACK = ("127.0.0.1", "::1", "localhost")


class Service:
    """A client. A service that never answered is reported at once; one that did is waited for."""

    def __init__(self, url: str, api_key: str, terminal: Terminal) -> None:
        if not (api_key.isascii() and api_key.isprintable()):
            raise usage("--api-key holds characters that no key has")
        self.url, self._terminal, self._answered = url, terminal, False
        self.hopeless: Callable[[], bool] = lambda: False
        self.http = httpx.Client(
            base_url=url,
            headers={"Authorization": f"Bearer {api_key.strip()}"} if api_key.strip() else {},
            timeout=httpx.Timeout(60.0, connect=5.0),
            # A proxy that is set for the internet must not stand between us and this machine.
            trust_env=httpx.URL(url).host not in _LOOPBACK,
        )

    def send(
        self,
        method: str,
        path: str,
        *,
        content: Callable[[], Iterator[bytes]] | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
        **more: Any,
    ) -> httpx.Response:
        """One request, sent again while the service is away. Raises Failure for every reply but 2xx and 304.

        Whatever is sent here may arrive twice: creating requests carry an Idempotency-Key, the others are idempotent.
        """
        patience = self.patience()
        while True:
            try:
                reply = self.http.request(
                    method,
                    path,
                    content=content() if content else None,
                    headers=headers,
                    timeout=timeout or httpx.USE_CLIENT_DEFAULT,
                    **more,
                )
            except httpx.RequestError as error:
                patience.wait(error)
                continue
            self._answered = True
            if reply.is_success or reply.status_code == 304:
                return reply
            if reply.status_code not in _PASSING or not patience.left():
                raise refusal(reply)
            patience.wait(refusal(reply))

    def get(self, path: str, **params: Any) -> Json:
        given = {name: value for name, value in params.items() if value is not None}
        return self.read(self.send("GET", path, params=given))

    def post(self, path: str, body: Json | None = None) -> Json:
        """A POST that happens once, however often it is sent."""
        return self.read(self.send("POST", path, json=body, headers={"Idempotency-Key": str(uuid.uuid4())}))

    def each(self, path: str, limit: int | None = None, **params: Any) -> Iterator[Json]:
        """The items of a list, page by page, up to `limit`."""
        left, after = limit, None
        while left is None or left > 0:
            page = self.get(path, after=after, limit=PAGE if left is None else min(PAGE, left), **params)
            yield from page["data"]
            if not page["has_more"]:
                return
            after, left = page["last_id"], None if left is None else left - len(page["data"])

    def read(self, reply: httpx.Response) -> Json:
        """The JSON object of a reply. Raises Failure when it is none."""
        try:
            body = reply.json()
        except ValueError:
            raise not_ours(self.url) from None
        if not isinstance(body, dict):
            raise not_ours(self.url)
        return body

    def patience(self) -> "Patience":
        """For one request, or for a download that goes on."""
        return Patience(self, PATIENCE_SECONDS if self._answered else 0.0)

    def away(self, error: Exception) -> None:
        self._terminal.progress(f"The service at {self.url} does not answer ({error}); trying again")


class Patience:
    """Waits between tries, longer each time; raises when the time is over or there is no hope."""

    def __init__(self, service: Service, seconds: float) -> None:
        self._service, self._until, self._delay = service, time.monotonic() + seconds, 0.25

    def left(self) -> bool:
        return time.monotonic() < self._until and not self._service.hopeless()

    def wait(self, error: Exception) -> None:
        """Raises Failure (unreachable) instead of waiting when no patience is left."""
        if not self.left():
            raise unreachable(self._service.url, error) from None
        if self._delay >= 1.0:  # the first tries are nobody's business
            self._service.away(error)
        time.sleep(self._delay)
        self._delay = min(2.0, 2 * self._delay)


def segment(name: str) -> str:
    """One part of a path, whatever it holds."""
    return quote(name, safe="") or "-"


@contextmanager
def connected(url: str, api_key: str, as_json: bool) -> Iterator[tuple[Terminal, Service]]:
    """A terminal and the service, for one command."""
    with speaking(as_json) as terminal:
        service = Service(address.find(url), api_key, terminal)
        with service.http:
            yield terminal, service
