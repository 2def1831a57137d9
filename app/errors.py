"""Everything that can go wrong for a caller, by name. Knows no framework."""

from collections.abc import Sequence
from typing import Any, ClassVar


def pointer(location: tuple[int | str, ...]) -> str:
    """A pydantic error location as a JSON pointer; "body" itself is left out."""
    parts = [str(part) for part in location if part != "body"]
    return "".join("/" + part.replace("~", "~0").replace("/", "~1") for part in parts)


class Problem(Exception):
    """An error with a stable code. `param` names the field at fault; `fields` lists (JSON pointer, message) pairs."""

    status: ClassVar[int] = 500
    code: ClassVar[str] = "internal_error"
    title: ClassVar[str] = "Internal error"

    def __init__(
        self,
        detail: str,
        *,
        param: str | None = None,
        fields: Sequence[tuple[str, str]] = (),
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.detail, self.param, self.fields, self.headers = detail, param, tuple(fields), headers or {}

    @classmethod
    def responses(cls) -> dict[int | str, dict[str, Any]]:
        """For `responses=` on a route, so that OpenAPI tells the truth."""
        content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
        return {cls.status: {"description": f"{cls.title} (`{cls.code}`)", "content": content}}


class Unauthorized(Problem):
    status, code, title = 401, "unauthorized", "A valid API key is needed"


class NotFound(Problem):
    status, code, title = 404, "not_found", "Not found"


class InvalidRequest(Problem):
    status, code, title = 422, "invalid_request", "The request is not valid"


BAD_REQUEST: dict[int | str, dict[str, Any]] = {
    400: {**InvalidRequest.responses()[422], "description": "The request is not valid, or not possible now"}
}
"""For routes that OpenAI's clients call: what is 422 elsewhere is 400 there, and raises BadRequestError in them."""


class UnknownCatalogEntry(InvalidRequest):
    code, title = "unknown_catalog_entry", "No such catalogue entry"


class MissingExtra(InvalidRequest):
    code, title = "missing_extra", "This needs an optional part that is not installed"


class RefusedCombination(InvalidRequest):
    code, title = "refused_combination", "These choices do not go together"


class EmptyCorpus(InvalidRequest):
    code, title = "empty_corpus", "The corpus has no document to work on"


class NotReady(Problem):
    status, code, title = 400, "not_ready", "Not ready yet"


class WrongState(Problem):
    status, code, title = 400, "wrong_state", "Not possible in the present state"


class TooLarge(Problem):
    status, code, title = 413, "too_large", "The body is over the limit"


class UploadIncomplete(Problem):
    status, code, title = 400, "upload_incomplete", "The upload ended before its announced length"


class ArchiveRefused(InvalidRequest):
    code, title = "archive_refused", "The archive is damaged, encrypted or over a limit"


class NoSpace(Problem):
    status, code, title = 507, "no_space", "No room left to store this"


class Busy(Problem):
    """A dependency (database) does not answer; the caller should try again."""

    status, code, title = 503, "busy", "Temporarily unavailable"


class KeyInFlight(Problem):
    status, code, title = 409, "idempotency_key_in_flight", "The same request is being carried out"


class KeyReused(Problem):
    status, code, title = 422, "idempotency_key_reused", "This Idempotency-Key was used with another request"


class RangeNotSatisfiable(Problem):
    status, code, title = 416, "range_not_satisfiable", "The range lies outside the file"
