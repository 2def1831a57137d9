"""The servers of one role, balanced by context so that a context keeps the server that has its prefix cached."""

import hashlib

import aiohttp

from app.llm.endpoint import Endpoint, Target
from app.llm.lane import Lane
from app.llm.window import Window
from app.settings import Settings


class Pool:
    """One lane for each endpoint of a role."""

    def __init__(self, lanes: list[Lane]) -> None:
        self.lanes = lanes

    def lane(self, context_key: str) -> Lane:
        """Rendezvous hashing: the same context goes to the same server while that is up, and spreads when it is not."""
        usable = [lane for lane in self.lanes if not lane.down] or self.lanes
        if len(usable) == 1:
            return usable[0]
        return max(usable, key=lambda lane: hashlib.blake2b((context_key + lane.endpoint.target.url).encode()).digest())

    @property
    def down(self) -> str | None:
        """Why no server of this role can be reached, or None while one can."""
        reasons = [lane.down for lane in self.lanes]
        return reasons[0] if all(reasons) else None

    @property
    def slots(self) -> int:
        return sum(lane.window.size for lane in self.lanes)


def targets(settings: Settings, role: str, model: str | None = None) -> list[Target]:
    """The endpoints of `role` ("generator" or "judge"; an unset judge is the generator). Empty: none is configured."""
    own_server = role == "judge" and bool(settings.judge_url)
    urls = settings.judge_url if own_server else settings.generator_url
    key = settings.judge_api_key if own_server else settings.generator_api_key
    name = model or settings.generator_model
    if role == "judge" and (own_server or settings.judge_model):
        name = settings.judge_model or name
    return [Target(url.strip(), name, key.get_secret_value()) for url in urls.split(",") if url.strip()]


class Pools:
    """All lanes of one process, by target: roles that name the same server share its lane and window."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.lanes: dict[str, Lane] = {}
        self.by_targets: dict[tuple[Target, ...], Pool] = {}
        timeout = aiohttp.ClientTimeout(
            total=settings.call_idle_timeout_seconds, sock_connect=settings.call_connect_timeout_seconds
        )
        self.session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=60),
            timeout=timeout,
            cookie_jar=aiohttp.DummyCookieJar(),
        )

    def pool(self, role_targets: list[Target]) -> Pool:
        """The lanes of these targets, started where they are new."""
        key = tuple(role_targets)
        if key not in self.by_targets:
            self.by_targets[key] = Pool([self._lane(target) for target in role_targets])
        return self.by_targets[key]

    @property
    def down(self) -> str | None:
        """Why some role cannot be reached at all, or None."""
        return next((pool.down for pool in self.by_targets.values() if pool.down), None)

    def _lane(self, target: Target) -> Lane:
        if target.url not in self.lanes:
            window = Window(self.settings.window_start, self.settings.window_max)
            lane = Lane(Endpoint(target, self.session), window, self.settings.model_probe_seconds)
            lane.start()
            self.lanes[target.url] = lane
        return self.lanes[target.url]

    def forget(self, flow: str) -> None:
        for lane in self.lanes.values():
            lane.forget(flow)

    async def close(self) -> None:
        for lane in self.lanes.values():
            await lane.close()
        await self.session.close()
