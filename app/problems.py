"""Render every error as RFC 9457 problem+json, with the `error` member that OpenAI clients read."""

from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from sqlalchemy.exc import OperationalError, TimeoutError
from starlette.exceptions import HTTPException

from app.errors import Busy, InvalidRequest, Problem

log = structlog.get_logger()

_BY_STATUS = {401: "unauthorized", 404: "not_found", 405: "method_not_allowed", 413: "too_large"}


class FieldError(BaseModel):
    """One field at fault: a JSON pointer into the request, and what is wrong."""

    pointer: str
    detail: str


class OpenAiError(BaseModel):
    message: str
    type: str
    param: str | None
    code: str


class ProblemBody(BaseModel):
    """RFC 9457 problem details. `error` repeats them in the shape that OpenAI clients parse."""

    type: str = Field(examples=["/problems/unknown_catalog_entry"])
    title: str
    status: int
    detail: str
    instance: str
    request_id: str
    errors: list[FieldError] = []
    error: OpenAiError


def install(app: FastAPI) -> None:
    """Handle our own problems, the framework's, and those of a database that is away."""

    @app.exception_handler(Problem)
    def problem(request: Request, error: Problem) -> JSONResponse:
        return render(
            request, error.status, error.code, error.title, error.detail, error.param, error.fields, error.headers
        )

    @app.exception_handler(RequestValidationError)
    def invalid(request: Request, error: RequestValidationError) -> JSONResponse:
        fields = [(pointer(found["loc"]), found["msg"]) for found in error.errors()]
        first = fields[0] if fields else ("", "the request is not valid")
        detail = f"{first[0] or 'body'}: {first[1]}"
        kind = InvalidRequest
        return render(
            request, kind.status, kind.code, kind.title, detail, first[0].strip("/").replace("/", ".") or None, fields
        )

    @app.exception_handler(HTTPException)
    def http(request: Request, error: HTTPException) -> JSONResponse:
        code = _BY_STATUS.get(error.status_code, "http_error")
        headers = dict(error.headers or {})
        return render(request, error.status_code, code, str(error.detail), str(error.detail), None, (), headers)

    @app.exception_handler(OperationalError)
    @app.exception_handler(TimeoutError)
    def database_away(request: Request, error: Exception) -> JSONResponse:
        log.warning("database.away", error=type(getattr(error, "orig", error)).__name__)
        detail = "The database does not answer; try again."
        return render(request, Busy.status, Busy.code, Busy.title, detail, None, (), {"Retry-After": "2"})

    @app.exception_handler(Exception)
    def unexpected(request: Request, error: Exception) -> JSONResponse:
        log.error("request.failed", error=type(error).__name__, exc_info=error)
        detail = "An error on our side; the request id names it in the log."
        return render(request, 500, Problem.code, Problem.title, detail)


def pointer(location: tuple[int | str, ...]) -> str:
    """A pydantic error location as a JSON pointer; "body" itself is left out."""
    parts = [str(part) for part in location if part != "body"]
    return "".join("/" + part.replace("~", "~0").replace("/", "~1") for part in parts)


def render(
    request: Request,
    status: int,
    code: str,
    title: str,
    detail: str,
    param: str | None = None,
    fields: Any = (),
    headers: dict[str, str] | None = None,
) -> JSONResponse:
    """One problem as a response."""
    kind = "invalid_request_error" if 400 <= status < 500 else "server_error"
    body = ProblemBody(
        type=f"/problems/{code}",
        title=title,
        status=status,
        detail=detail,
        instance=request.scope["path"],
        request_id=request.scope.get("state", {}).get("request_id", ""),
        errors=[FieldError(pointer=where, detail=what) for where, what in fields],
        error=OpenAiError(message=detail, type=kind, param=param, code=code),
    )
    return JSONResponse(body.model_dump(), status, headers, media_type="application/problem+json")
