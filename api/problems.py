"""The HTTP status of every refusal, and problem documents (RFC 9457)."""

import json
from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.encoders import jsonable_encoder
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException
from starlette.types import Receive, Scope, Send

from activities.providers.errors import ProviderError, ProviderThrottled
from api.document_problems import UNKNOWN_FIELD, problem_at, relevant, shortened
from api.json_pointer import path_of
from api.known_fields import known_fields
from api.rate_limit import TooManyRequests
from domain import errors
from workflows.service.client import TemporalUnavailable

log = structlog.get_logger()

STATUS_OF: dict[type[errors.Refusal], HTTPStatus] = {
    errors.NotAuthenticated: HTTPStatus.UNAUTHORIZED,
    errors.NotAllowed: HTTPStatus.FORBIDDEN,
    errors.NotFound: HTTPStatus.NOT_FOUND,
    errors.Conflict: HTTPStatus.CONFLICT,
    errors.ResourceChanged: HTTPStatus.PRECONDITION_FAILED,
    errors.Invalid: HTTPStatus.UNPROCESSABLE_ENTITY,
}

RETRY_AFTER = {"Retry-After": "5"}
INTERNAL_ERROR = "internal_error"
OUTAGES = (OperationalError, InterfaceError, PoolTimeout)
"""The exceptions of a database that can't be reached."""

_LOCATIONS: dict[type[errors.Refusal], tuple[str, str]] = {
    errors.CursorInvalid: ("query", "/cursor"),
    errors.IdempotencyKeyReused: ("header", "/idempotency-key"),
}
"""The refusals of something outside the body, with its location."""

_OF_HTTP = {
    HTTPStatus.BAD_REQUEST: ("json_invalid", "The body must be one valid JSON document."),
    HTTPStatus.NOT_FOUND: ("not_found", "Unknown path: /openapi.json lists all paths."),
    HTTPStatus.METHOD_NOT_ALLOWED: (
        "method_not_allowed",
        "This path does not support the method: the Allow header lists the supported ones.",
    ),
}


class ProblemResponse(JSONResponse):
    """A problem document, in ASCII: it may quote invalid Unicode from the request."""

    media_type = "application/problem+json"

    def render(self, content: Any) -> bytes:
        """Serialize the document."""
        self.code: str = content["code"]
        return json.dumps(content, separators=(",", ":")).encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the document, and leave its code in the scope for logs and metrics."""
        scope.setdefault("state", {})["problem"] = self.code
        await super().__call__(scope, receive, send)


def problem(
    status: HTTPStatus,
    code: str,
    detail: str,
    *,
    problems: list[dict[str, Any]] | None = None,
    headers: dict[str, str] | None = None,
    **more: Any,
) -> ProblemResponse:
    """Build a problem document. Its `type` links to the explanation, which this API serves."""
    body = {"type": f"/problems#{code}", "title": status.phrase, "status": status.value, "code": code, "detail": detail}
    return ProblemResponse(jsonable_encoder(body | {"errors": problems or []} | _request_id() | more), status, headers)


def _request_id() -> dict[str, str]:
    bound = structlog.contextvars.get_contextvars().get("request_id")
    return {"request_id": bound} if bound else {}


def status_of(kind: type[errors.Refusal]) -> HTTPStatus:
    """Return the HTTP status of a refusal, from the nearest base class in the table."""
    return next(STATUS_OF[each] for each in kind.__mro__ if each in STATUS_OF)


def answer_problems(app: FastAPI) -> None:
    """Register the handlers that answer refusals, invalid requests and outages with a problem document."""
    app.exception_handler(errors.Refusal)(_refused)
    app.exception_handler(RequestValidationError)(_invalid)
    app.exception_handler(HTTPException)(http_error)
    app.add_exception_handler(TemporalUnavailable, _temporal_down)
    for outage in OUTAGES:
        app.add_exception_handler(outage, _database_down)
    app.add_exception_handler(ProviderError, _provider_down)
    app.exception_handler(TooManyRequests)(_too_many)


def _refused(_request: Request, refusal: errors.Refusal) -> ProblemResponse:
    status = status_of(type(refusal))
    headers = {"WWW-Authenticate": "Bearer"} if status is HTTPStatus.UNAUTHORIZED else None
    problems = [{"in": "body"} | each.model_dump() for each in refusal.problems]
    if type(refusal) in _LOCATIONS:
        where, pointer = _LOCATIONS[type(refusal)]
        problems = [{"in": where, "pointer": pointer, "code": refusal.code(), "message": refusal.message}]
    more = {"details": refusal.details} if refusal.details else {}
    return problem(status, refusal.code(), refusal.message, problems=problems, headers=headers, **more)


def _invalid(request: Request, error: RequestValidationError) -> ProblemResponse:
    problems = [_problem_at(each, request, error.body) for each in relevant(error.errors())]
    if all(each["in"] == "path" for each in problems):
        detail = "Not found: keys may contain only a-z, 0-9, '-' and '_'."
        return problem(HTTPStatus.NOT_FOUND, "not_found", detail, problems=problems)
    detail = "; ".join(f"{each['pointer'] or each['in']}: {each['message']}" for each in problems[:3])
    return problem(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid", shortened(detail, 1_000), problems=problems)


def _problem_at(error: Any, request: Request, body: Any) -> dict[str, Any]:
    where, *path = error["loc"]
    fields: list[str] = []
    if where == "body":
        path = path_of(path, body)
        fields = known_fields(request, path[:-1], body) if error["type"] == UNKNOWN_FIELD else []
    return {"in": where} | problem_at(path, error, fields).model_dump()


def http_error(_request: Request, error: HTTPException) -> ProblemResponse:
    """Return the problem document for an unknown path, an unknown method and a body that can't be read."""
    status = HTTPStatus(error.status_code)
    code, detail = _OF_HTTP.get(status, ("http_error", str(error.detail)))
    return problem(status, code, detail, headers=dict(error.headers or {}))


def _temporal_down(_request: Request, error: Exception) -> ProblemResponse:
    retry = "Check the release before you try again, or use the same Idempotency-Key: then it is carried out once."
    detail = f"{error} The request may still take effect. {retry}"
    return problem(HTTPStatus.SERVICE_UNAVAILABLE, "temporal_unavailable", detail, headers=RETRY_AFTER)


def _database_down(_request: Request, error: Exception) -> ProblemResponse:
    log.warning("database_unavailable", error=str(error))
    detail = "The database can't be reached: try again later."
    return problem(HTTPStatus.SERVICE_UNAVAILABLE, "database_unavailable", detail, headers=RETRY_AFTER)


def _provider_down(_request: Request, error: Exception) -> ProblemResponse:
    log.warning("provider_unavailable", error=str(error))
    code = "provider_throttled" if isinstance(error, ProviderThrottled) else "provider_unavailable"
    detail = f"The system in which the flags of this project are kept can't be asked now. {error}"
    return problem(HTTPStatus.SERVICE_UNAVAILABLE, code, detail, headers=RETRY_AFTER)


def _too_many(_request: Request, error: TooManyRequests) -> ProblemResponse:
    detail = f"The API key exceeded its rate limit ({error.limit}): try again in {error.retry_after} s."
    headers = {"Retry-After": str(error.retry_after)}
    return problem(HTTPStatus.TOO_MANY_REQUESTS, "too_many_requests", detail, headers=headers)


def internal_error(error: Exception) -> ProblemResponse:
    """Log an unexpected exception, and return a problem document without its details."""
    log.error("request_failed", exc_info=error)
    detail = "Internal error. Please report it, including the request_id."
    return problem(HTTPStatus.INTERNAL_SERVER_ERROR, INTERNAL_ERROR, detail)
