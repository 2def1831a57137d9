"""What can go wrong in a command: one line for the person, and an exit code for the script."""

from typing import Any

import httpx

FAILED, USAGE, UNREACHABLE, REFUSED, CANCELLED, INTERRUPTED = 1, 2, 3, 4, 5, 130


class Failure(Exception):
    """Ends the command with `exit_code`. `code` is the service's own where it gave one."""

    def __init__(
        self, exit_code: int, code: str, message: str, *, param: str | None = None, request_id: str | None = None
    ) -> None:
        super().__init__(message)
        self.exit_code, self.code, self.message, self.param, self.request_id = (
            exit_code, code, message, param, request_id
        )  # fmt: skip

    def line(self) -> str:
        """All of it in one line."""
        facts = [self.code]
        if self.param:
            facts.append(f"field {self.param}")
        if self.request_id:
            facts.append(f"request {self.request_id}")
        return f"{self.message} ({', '.join(facts)})"

    def record(self) -> dict[str, Any]:
        """All of it for `--json`."""
        names = ("code", "message", "param", "request_id", "exit_code")
        return {"error": {name: getattr(self, name) for name in names}}


def _words(body: Any) -> str:
    """A detail may be no more than the name of what is missing; the title then says the rest."""
    title, detail = str(body["title"]), str(body["detail"])
    return detail if detail == title else f"{title}: {detail}"


def usage(message: str) -> Failure:
    """The command was called wrongly."""
    return Failure(USAGE, "usage", message)


def unreachable(url: str, error: Exception) -> Failure:
    """The service gave no reply."""
    why = str(error) or type(error).__name__
    return Failure(UNREACHABLE, "unreachable", f"The service at {url} cannot be reached: {why}")


def not_ours(url: str) -> Failure:
    """Something answers there, but not as the service would."""
    return Failure(UNREACHABLE, "not_corpusmith", f"What answers at {url} is not a Corpusmith service")


def refusal(reply: httpx.Response) -> Failure:
    """An error reply (its body read) as a failure: a problem+json, or whatever stood between us and the service."""
    exit_code = UNREACHABLE if reply.status_code >= 500 else REFUSED
    try:
        body = reply.json()
        code, param, message = str(body["error"]["code"]), body["error"]["param"], _words(body)
        request_id = str(body["request_id"])
        others = [f"{found['pointer'] or '/'}: {found['detail']}" for found in body["errors"][1:]]
    except (ValueError, KeyError, TypeError):
        message = f"{reply.url.copy_with(query=None)} answered {reply.status_code} {reply.reason_phrase}".rstrip()
        return Failure(exit_code, f"http_{reply.status_code}", message)
    message = "; ".join([message, *others])
    return Failure(exit_code, code, message, param=param and str(param), request_id=request_id)
