"""Which server a model is asked at."""

from app.db import reading
from app.errors import NotFound
from app.llm.pool import targets
from app.serving import service
from app.settings import settings

ROLES = ("generator", "judge", "trainee")


class Upstream:
    """A model server: where it is, and its key, which is never logged."""

    __slots__ = ("api_key", "url")

    def __init__(self, url: str, api_key: str) -> None:
        self.url, self.api_key = url.rstrip("/"), api_key

    @property
    def headers(self) -> dict[str, str]:
        found = {"content-type": "application/json", "accept-encoding": "identity"}
        return found | ({"authorization": f"Bearer {self.api_key}"} if self.api_key else {})


def servers(model: str) -> list[Upstream]:
    """The servers that have a model of this name by the settings."""
    found = {
        target.url: Upstream(target.url, target.api_key)
        for role in ROLES
        for target in targets(settings(), role)
        if target.model == model
    }
    return list(found.values())


def target(tenant_id: str, model: str) -> Upstream:
    """Raises NotFound for a model that is not served, or not for this tenant."""
    if model.startswith("ft:"):
        with reading() as session:
            serving = service.served(session, tenant_id, model)
            base = service.job_of(session, serving).model if serving else ""
            urls = serving.servers if serving else []
        known = {upstream.url: upstream for upstream in servers(root(base))}
        found = [known[url] for url in urls if url in known]
    else:
        found = servers(model)
    if not found:
        raise NotFound(f"model {model} is not served", param="model")
    return found[0]


def root(base: str) -> str:
    """The base model of a base model: one that was trained further is served on the same servers."""
    return base.split(":")[1] if base.startswith("ft:") else base
