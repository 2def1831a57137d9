"""Where the service is: as told, else where `corpusmith up` says it runs, else on the usual port."""

from pathlib import Path
from typing import TYPE_CHECKING

import httpx

from app.cli.failures import USAGE, Failure, usage

if TYPE_CHECKING:
    from app.settings import Settings


def find(given: str) -> str:
    """The service's URL. Raises Failure for one that is not, and for settings that are not valid."""
    if given:
        return checked(given)
    found = settings()
    return running(found.data_dir) or f"http://127.0.0.1:{found.port}"


def checked(url: str) -> str:
    """`url` without a slash at its end. Raises Failure unless it is an http(s) URL with a host."""
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise usage(f"--url {url!r} is not a URL: {error}") from None
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise usage(f"--url {url!r} must look like http://host:port")
    return url.rstrip("/")


def running(data_dir: Path) -> str | None:
    """The URL of the stack that runs on this data directory, if one does."""
    from app.stack import running as stacks

    try:
        found = stacks.find(data_dir)
    except (OSError, ValueError) as error:
        message = f"{data_dir / 'run' / 'up.json'} cannot be read ({error}); give --url"
        raise Failure(USAGE, "up_file", message) from None
    return str(found["url"]) if found else None


def settings(**given: object) -> "Settings":
    """The settings of this machine, with `given` before the environment. Raises Failure when they are not valid."""
    from pydantic import ValidationError

    from app.settings import Settings

    try:
        return Settings.model_validate(given)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "CORPUSMITH_*"
        message = f"The settings in the environment are not valid: {where}: {first['msg']}"
        raise Failure(USAGE, "settings", message) from None
