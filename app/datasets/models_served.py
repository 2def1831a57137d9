"""Is the model that a dataset wants one that the configured server has?"""

from typing import Any

import httpx
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.errors import InvalidRequest
from app.llm.pool import targets
from app.models import Serving
from app.settings import settings

PROBE_SECONDS = 2.0


def served(url: str, api_key: str) -> list[str] | None:
    """Model names of an OpenAI-compatible server, or None when it cannot be asked now."""
    headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
    try:
        reply = httpx.get(url.rstrip("/") + "/models", headers=headers, timeout=PROBE_SECONDS, trust_env=False)
        reply.raise_for_status()
        return [str(model["id"]) for model in reply.json()["data"]]
    except (httpx.HTTPError, ValueError, KeyError, TypeError):
        return None


def ask(wanted: str | None, others: object = None) -> list[str] | None:
    """The models there are to choose from, if one was chosen or there are `others`.

    To be asked outside of any transaction, for it may take seconds.
    """
    found = targets(settings(), "generator", wanted) if wanted or others else []
    return served(found[0].url, found[0].api_key) if found else None


def usable(session: Session, tenant_id: str, names: list[str] | None) -> list[str] | None:
    """Of the names a server has, those that this tenant may use: adapters (`ft:...`) are their tenant's alone."""
    return None if names is None else [name for name in names if _may_use(session, tenant_id, name)]


def check_adapters(session: Session, tenant_id: str, model: str | None, options: dict[str, Any]) -> None:
    """Raises InvalidRequest for an adapter that is not served, or not this tenant's; also while its server is down."""
    named = [("model", model), *((f"options.models.{i}", name) for i, name in enumerate(options.get("models", ())))]
    for param, name in named:
        if name and not _may_use(session, tenant_id, name):
            message = f"{param}: {name!r} is not served"
            raise InvalidRequest(message, param=param, fields=[("/" + param.replace(".", "/"), message)])


def _may_use(session: Session, tenant_id: str, name: str) -> bool:
    if not name.startswith("ft:"):
        return True
    mine = (Serving.tenant_id == tenant_id, Serving.model == name, Serving.status == "served")
    return session.scalar(select(Serving.id).where(*mine)) is not None


def check_model(wanted: str | None, splitter: str, names: list[str] | None) -> str:
    """The generator's model name. Raises InvalidRequest for one that is not among `names`, those its server has.

    A server that is down (None) is no reason to refuse: the dataset will wait for it.
    """
    found = targets(settings(), "generator", wanted)
    if not found:
        message = "no model server is configured; set CORPUSMITH_GENERATOR_URL and CORPUSMITH_GENERATOR_MODEL"
        raise InvalidRequest(message, param="model")
    if splitter == "tokens" and not settings().generator_tokenizer:
        message = "chunking.splitter: `tokens` needs CORPUSMITH_GENERATOR_TOKENIZER, a folder with tokenizer.json"
        raise InvalidRequest(message, param="chunking.splitter", fields=[("/chunking/splitter", message)])
    target = found[0]
    if names is not None and target.model not in names:
        message = f"model: {target.model!r} is not served; served: {', '.join(names) or 'none'}"
        raise InvalidRequest(message, param="model", fields=[("/model", message)])
    return target.model


def check_others(options: dict[str, Any], names: list[str] | None) -> None:
    """Raises InvalidRequest for a model of `options["models"]` that the generator's server does not have."""
    for i, name in enumerate(options.get("models", ())):
        if names is not None and name not in names:
            message = f"options.models.{i}: {name!r} is not served; served: {', '.join(names) or 'none'}"
            raise InvalidRequest(message, param=f"options.models.{i}", fields=[(f"/options/models/{i}", message)])
