"""The one table from refusals to HTTP, and the bodies that say what is wrong (RFC 9457)."""

import json
from collections.abc import Iterator, Sequence
from http import HTTPStatus
from itertools import islice
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

from api.json_pointer import path_of
from api.known_fields import known_fields
from api.rate_limit import TooManyRequests
from api.validation_messages import message_of
from domain import errors
from domain.json_pointer import pointer_to
from workflows.service.client import TemporalUnavailable

log = structlog.get_logger()

STATUS_OF: dict[type[errors.Refusal], HTTPStatus] = {
    errors.NotAuthenticated: HTTPStatus.UNAUTHORIZED,
    errors.NotAllowed: HTTPStatus.FORBIDDEN,
    errors.NotFound: HTTPStatus.NOT_FOUND,
    errors.Conflict: HTTPStatus.CONFLICT,
    errors.DraftChanged: HTTPStatus.PRECONDITION_FAILED,
    errors.Invalid: HTTPStatus.UNPROCESSABLE_ENTITY,
}

MOST_PROBLEMS = 100
"""How many mistakes of one document are named."""

RETRY_AFTER = {"Retry-After": "5"}
OUTAGES = (OperationalError, InterfaceError, PoolTimeout)
"""What the database raises when it can't be reached."""

_PLACES: dict[type[errors.Refusal], tuple[str, str]] = {
    errors.CursorInvalid: ("query", "/cursor"),
    errors.IdempotencyKeyReused: ("header", "/idempotency-key"),
}
"""Where outside the body a refusal lies."""

_OF_HTTP = {
    HTTPStatus.BAD_REQUEST: ("json_invalid", "The body is not valid JSON: send one JSON document."),
    HTTPStatus.NOT_FOUND: ("not_found", "There is no such path: /openapi.json lists those that there are."),
    HTTPStatus.METHOD_NOT_ALLOWED: ("method_not_allowed", "This path has no such method: the header Allow lists those that it has."),
}


class ProblemResponse(JSONResponse):
    """A problem document, in ASCII: what was sent, and is quoted, need not be valid Unicode."""

    media_type = "application/problem+json"

    def render(self, content: Any) -> bytes:
        """Write the document."""
        self.code: str = content["code"]
        return json.dumps(content, separators=(",", ":")).encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the document, and leave its code to whoever counts problems."""
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
    """A problem document; `type` leads to its explanation, which this API serves."""
    body = {"type": f"/problems#{code}", "title": status.phrase, "status": status.value, "code": code, "detail": detail}
    return ProblemResponse(jsonable_encoder(body | {"errors": problems or []} | _request_id() | more), status, headers)


def _request_id() -> dict[str, str]:
    bound = structlog.contextvars.get_contextvars().get("request_id")
    return {"request_id": bound} if bound else {}


def status_of(kind: type[errors.Refusal]) -> HTTPStatus:
    """The HTTP status of a refusal: that of the nearest class in the table."""
    return next(STATUS_OF[each] for each in kind.__mro__ if each in STATUS_OF)


def answer_problems(app: FastAPI) -> None:
    """Let every refusal, mistake and outage be answered by a problem document."""
    app.exception_handler(errors.Refusal)(_refused)
    app.exception_handler(RequestValidationError)(_not_understood)
    app.exception_handler(HTTPException)(_http)
    app.add_exception_handler(TemporalUnavailable, _temporal_down)
    for outage in OUTAGES:
        app.add_exception_handler(outage, _database_down)
    app.exception_handler(TooManyRequests)(_too_many)


def _refused(_request: Request, refusal: errors.Refusal) -> ProblemResponse:
    status = status_of(type(refusal))
    headers = {"WWW-Authenticate": "Bearer"} if status is HTTPStatus.UNAUTHORIZED else None
    problems = [{"in": "body"} | each.model_dump() for each in refusal.problems]
    if type(refusal) in _PLACES:
        where, pointer = _PLACES[type(refusal)]
        problems = [{"in": where, "pointer": pointer, "code": refusal.code(), "message": refusal.message}]
    more = {"details": refusal.details} if refusal.details else {}
    return problem(status, refusal.code(), refusal.message, problems=problems, headers=headers, **more)


def _not_understood(request: Request, error: RequestValidationError) -> ProblemResponse:
    problems = [_problem_at(each, request, error.body) for each in islice(_own_mistakes(error.errors()), MOST_PROBLEMS)]
    if all(each["in"] == "path" for each in problems):
        return problem(HTTPStatus.NOT_FOUND, "not_found", "There is nothing with such a key: keys are slugs.", problems=problems)
    detail = "; ".join(f"{each['pointer'] or each['in']}: {each['message']}" for each in problems[:3])
    return problem(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid", _shortened(detail, 1_000), problems=problems)


def _own_mistakes(found: Sequence[Any]) -> Iterator[Any]:
    """Without the lists that are too short only because their items are wrong."""
    for error in found:
        place = error["loc"]
        if error["type"] != "too_short" or not any(each["loc"][: len(place)] == place for each in found if each is not error):
            yield error


def _problem_at(error: Any, request: Request, body: Any) -> dict[str, Any]:
    where, *path = error["loc"]
    fields: list[str] = []
    if where == "body":
        path = path_of(path, body)
        fields = known_fields(request, path[:-1], body) if error["type"] == "extra_forbidden" else []
    return {"in": where, "pointer": pointer_to(path), "code": error["type"], "message": _shortened(message_of(error, fields), 500)}


def _shortened(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _http(_request: Request, error: HTTPException) -> ProblemResponse:
    status = HTTPStatus(error.status_code)
    code, detail = _OF_HTTP.get(status, ("refused", str(error.detail)))
    return problem(status, code, detail, headers=dict(error.headers or {}))


def _temporal_down(_request: Request, error: Exception) -> ProblemResponse:
    detail = f"{error} It may still take effect: look at the release before you try again; under the same Idempotency-Key it is done once."
    return problem(HTTPStatus.SERVICE_UNAVAILABLE, "temporal_unavailable", detail, headers=RETRY_AFTER)


def _database_down(_request: Request, error: Exception) -> ProblemResponse:
    log.warning("database_unavailable", error=str(error))
    return problem(
        HTTPStatus.SERVICE_UNAVAILABLE, "database_unavailable", "The database can't be reached now: try again.", headers=RETRY_AFTER
    )


def _too_many(_request: Request, error: TooManyRequests) -> ProblemResponse:
    detail = f"This key has sent {error.limit} requests: wait for {error.retry_after} s."
    headers = {"Retry-After": str(error.retry_after)}
    return problem(HTTPStatus.TOO_MANY_REQUESTS, "too_many_requests", detail, headers=headers)


def internal_error(error: Exception) -> ProblemResponse:
    """The answer to what nobody expected; the log has all of it."""
    log.error("request_failed", exc_info=error)
    detail = "A defect of Flaghoist: please report it with the log of this request, found by its `request_id`."
    return problem(HTTPStatus.INTERNAL_SERVER_ERROR, "internal_error", detail)
