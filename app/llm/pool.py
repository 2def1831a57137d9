"""The servers of one role. A context goes to the one with the most room, and stays where its prefix is cached."""

import aiohttp

from app.llm.endpoint import Endpoint, Target
from app.llm.lane import Lane
from app.llm.window import Window
from app.settings import Settings

IDLE_SHARE = 0.125  # of a server's window: while more than that is free there, a queue at home is not worth its cache


class Pool:
    """One lane for each endpoint of a role."""

    def __init__(self, lanes: list[Lane]) -> None:
        self.lanes = lanes

    def lane(self, home: Lane | None = None) -> Lane:
        """Where the next call of a context goes. `home`: where its last one went, None for the first.

        It leaves home when that is down, or has a queue while another server runs empty.
        """
        usable = [lane for lane in self.lanes if not lane.down] or self.lanes
        best = max(usable, key=lambda lane: lane.room)
        if home in usable and not (home.room < 0 and best.room > IDLE_SHARE * best.limit):
            return home
        return best

    @property
    def down(self) -> str | None:
        """Why no server of this role can be reached, or None while one can."""
        reasons = [lane.down for lane in self.lanes]
        return reasons[0] if all(reasons) else None


def targets(settings: Settings, role: str, model: str | None = None) -> list[Target]:
    """The endpoints of `role` (generator, judge or trainee; the latter two are the generator where they are not set).

    `model`: the generator's model name that a dataset chose. Empty: no server is configured.
    """
    own = {
        "judge": (settings.judge_url, settings.judge_model, settings.judge_api_key),
        "trainee": (settings.trainee_url, settings.trainee_model, settings.trainee_api_key),
    }
    urls, name, key = settings.generator_url, model or settings.generator_model, settings.generator_api_key
    if role in own:
        own_url, own_name, own_key = own[role]
        name = own_name or name
        if own_url:
            urls, key = own_url, own_key
    return [Target(url.strip(), name, key.get_secret_value()) for url in urls.split(",") if url.strip()]


class Roles:
    """The models of one dataset by role: its servers as a pool, and the name they are served under.

    `models` names those that shape every row; the trainee is among them where it is a model of its own.
    """

    def __init__(self, pools: "Pools", model: str) -> None:
        self.pools, self.model = pools, model
        self._pools: dict[str, Pool] = {}
        self._names: dict[str, str] = {}
        self.models = {role: self.name(role) for role in ("generator", "judge")}
        if self.name("trainee") != self.name("generator"):
            self.models["trainee"] = self.name("trainee")
        for role in ("generator", "judge"):  # the trainee's server is reached for when something asks it
            self.pool(role)

    def name(self, role: str) -> str:
        if role not in self._names:
            self._names[role] = targets(self.pools.settings, role, self.model)[0].model
        return self._names[role]

    def pool(self, role: str) -> Pool:
        """Raises IndexError or KeyError for no known role: a mistake of ours, not of a user's."""
        if role not in self._pools:
            self._pools[role] = self.pools.pool(targets(self.pools.settings, role, self.model))
        return self._pools[role]


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
