"""Is the model that a dataset wants one that the configured server has?"""

from typing import Any

import httpx

from app.errors import InvalidRequest
from app.llm.pool import targets
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
