"""Render every error as RFC 9457 problem+json, with the `error` member that OpenAI clients read."""

import json
import re
import sqlite3
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from pydantic import BaseModel, Field
from sqlalchemy.exc import DataError, OperationalError, TimeoutError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from app.errors import Busy, InvalidRequest, NoSpace, Problem, UploadIncomplete, pointer

log = structlog.get_logger()

_BY_STATUS = {400: "bad_request", 401: "unauthorized", 404: "not_found", 405: "method_not_allowed", 413: "too_large"}
# OpenAI's clients have another exception for 422 than the one that people catch for a request that is not valid.
_OPENAI = re.compile(r"/v1/(files|uploads|fine_tuning|models|chat|batches)(/.*)?", re.DOTALL)
_IN_PARAM = ("query", "path", "header", "cookie")


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
    def problem(request: Request, error: Problem) -> Response:
        status = _status(request, error.status) if isinstance(error, InvalidRequest) else error.status
        return render(request, status, error.code, error.title, error.detail, error.param, error.fields, error.headers)

    @app.exception_handler(RequestValidationError)
    def invalid(request: Request, error: RequestValidationError) -> Response:
        fields = [_field(found) for found in error.errors()]
        first = fields[0] if fields else ("", "the request is not valid")
        param = _param(first[0])
        detail = f"{param or 'body'}: {first[1]}"
        kind = InvalidRequest
        return render(request, _status(request, kind.status), kind.code, kind.title, detail, param, fields)

    @app.exception_handler(HTTPException)
    def http(request: Request, error: HTTPException) -> Response:
        code = _BY_STATUS.get(error.status_code, "http_error")
        headers = dict(error.headers or {})
        return render(request, error.status_code, code, str(error.detail), str(error.detail), None, (), headers)

    @app.exception_handler(ClientDisconnect)
    def went_away(request: Request, error: ClientDisconnect) -> Response:
        kind = UploadIncomplete  # nobody is there to read this; it keeps a broken upload out of the log of our errors
        return render(request, kind.status, kind.code, kind.title, "the client went away before the end of the body")

    @app.exception_handler(DataError)
    @app.exception_handler(UnicodeEncodeError)
    def not_storable(request: Request, error: Exception) -> Response:
        detail = "a text holds a character that cannot be stored (such as NUL), or a number is too large"
        log.warning("request.not_storable", error=type(error).__name__)
        kind = InvalidRequest
        return render(request, kind.status, kind.code, kind.title, detail)

    @app.exception_handler(OperationalError)
    @app.exception_handler(TimeoutError)
    def database_away(request: Request, error: Exception) -> Response:
        if _is_full(getattr(error, "orig", None)):
            return render(request, NoSpace.status, NoSpace.code, NoSpace.title, "the database has no room left")
        log.warning("database.away", error=type(getattr(error, "orig", error)).__name__)
        detail = "The database does not answer; try again."
        return render(request, Busy.status, Busy.code, Busy.title, detail, None, (), {"Retry-After": "2"})

    @app.exception_handler(Exception)
    def unexpected(request: Request, error: Exception) -> Response:
        log.error("request.failed", error=type(error).__name__, exc_info=error)
        detail = "An error on our side; the request id names it in the log."
        # This one is rendered outside of all middleware, so that the id must be set here.
        headers = {"x-request-id": request.scope.get("state", {}).get("request_id", "")}
        return render(request, 500, Problem.code, Problem.title, detail, None, (), headers)

    described = app.openapi

    def openapi() -> dict[str, Any]:
        schema = described()
        schemas = schema.setdefault("components", {}).setdefault("schemas", {})
        if "Problem" not in schemas:
            problem = ProblemBody.model_json_schema(ref_template="#/components/schemas/{model}")
            schemas.update(problem.pop("$defs"), Problem=problem | {"title": "Problem"})
        return schema

    app.openapi = openapi  # type: ignore[method-assign]


def _status(request: Request, status: int) -> int:
    return 400 if _OPENAI.fullmatch(request.scope["path"]) else status


def _field(found: Any) -> tuple[str, str]:
    """(JSON pointer, message) of one validation error; what is not JSON at all has a place in no document."""
    if found["type"] == "json_invalid":
        return "", f"not JSON: {found['ctx']['error']} at character {found['loc'][-1]}"
    return pointer(found["loc"]), found["msg"]


def _param(where: str) -> str | None:
    """The field's name as OpenAI clients show it: `chunking.size`; where a query parameter stands is left out."""
    parts = where.strip("/").split("/")
    return ".".join(parts[1:] if parts[0] in _IN_PARAM and len(parts) > 1 else parts) or None


def _is_full(error: Any) -> bool:
    """Does the database say that its disk is full (SQLITE_FULL, or PostgreSQL's 53100)?"""
    return getattr(error, "sqlite_errorcode", 0) == sqlite3.SQLITE_FULL or getattr(error, "sqlstate", "") == "53100"


def render(
    request: Request,
    status: int,
    code: str,
    title: str,
    detail: str,
    param: str | None = None,
    fields: Any = (),
    headers: dict[str, str] | None = None,
) -> Response:
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
    # What a client sent comes back in messages, also what no UTF-8 can carry (half of a surrogate pair).
    text = json.dumps(body.model_dump(), ensure_ascii=True)
    return Response(text, status, headers, media_type="application/problem+json")
