"""The one table from refusals to HTTP, and the bodies that say what is wrong (RFC 9457)."""

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

from domain import errors
from workflows.client import TemporalUnavailable

log = structlog.get_logger()

STATUS_OF: dict[type[errors.Refusal], HTTPStatus] = {
    errors.NotAuthenticated: HTTPStatus.UNAUTHORIZED,
    errors.NotAllowed: HTTPStatus.FORBIDDEN,
    errors.NotFound: HTTPStatus.NOT_FOUND,
    errors.Conflict: HTTPStatus.CONFLICT,
    errors.DraftChanged: HTTPStatus.PRECONDITION_FAILED,
    errors.Invalid: HTTPStatus.UNPROCESSABLE_ENTITY,
}

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER = {"Retry-After": "5"}
_OUTAGES = (OperationalError, InterfaceError, PoolTimeout)


def problem(
    status: HTTPStatus,
    code: str,
    detail: str,
    *,
    problems: list[dict[str, Any]] | None = None,
    headers: dict[str, str] | None = None,
    **more: Any,
) -> JSONResponse:
    """A problem document; `type` names its explanation in docs/problems.md."""
    body = {"type": f"/problems#{code}", "title": status.phrase, "status": status.value, "code": code, "detail": detail}
    return JSONResponse(jsonable_encoder(body | {"errors": problems or []} | more), status, headers, MEDIA_TYPE)


def status_of(kind: type[errors.Refusal]) -> HTTPStatus:
    """The HTTP status of a refusal: that of the nearest class in the table."""
    return next(STATUS_OF[each] for each in kind.__mro__ if each in STATUS_OF)


def answer_problems(app: FastAPI) -> None:
    """Let every refusal, mistake and outage be answered by a problem document."""
    app.exception_handler(errors.Refusal)(_refused)
    app.exception_handler(RequestValidationError)(_not_understood)
    app.exception_handler(HTTPException)(_http)
    app.add_exception_handler(TemporalUnavailable, _temporal_down)
    for outage in _OUTAGES:
        app.add_exception_handler(outage, _database_down)
    app.add_exception_handler(Exception, _defect)


def _refused(_request: Request, refusal: errors.Refusal) -> JSONResponse:
    status = status_of(type(refusal))
    headers = {"WWW-Authenticate": "Bearer"} if status is HTTPStatus.UNAUTHORIZED else None
    problems = [each.model_dump() | {"in": "body"} for each in refusal.problems]
    more = {"details": refusal.details} if refusal.details else {}
    return problem(status, refusal.code(), refusal.message, problems=problems, headers=headers, **more)


def _not_understood(_request: Request, error: RequestValidationError) -> JSONResponse:
    problems = [_problem_at(each, error.body) for each in error.errors()]
    if any(each["code"] == "json_invalid" for each in problems):
        return problem(HTTPStatus.BAD_REQUEST, "json_invalid", "The body is not valid JSON: send one JSON document.", problems=problems)
    if all(each["in"] == "path" for each in problems):
        return problem(HTTPStatus.NOT_FOUND, "not_found", "There is nothing with such a key: keys are slugs.", problems=problems)
    detail = "; ".join(f"{each['pointer'] or '/'}: {each['message']}" for each in problems[:3])
    return problem(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid", detail, problems=problems)


def _problem_at(error: Any, body: Any) -> dict[str, Any]:
    where, *path = error["loc"] or ("body",)
    message = error["msg"].removeprefix("Value error, ")
    if error["type"] == "extra_forbidden":
        message = "There is no such field: leave it out, or look for a misspelling."
    if error["type"] == "json_invalid":
        return {"in": "body", "pointer": "", "code": "json_invalid", "message": str(error.get("ctx", {}).get("error", message))}
    pointer = _pointer(path, body) if where == "body" else f"/{'/'.join(map(str, path))}"
    return {"in": where, "pointer": pointer, "code": error["type"], "message": message}


def _pointer(path: list[Any], body: Any) -> str:
    """A JSON pointer; pydantic's path also names the members of unions, which the document does not have."""
    parts: list[str] = []
    here = body
    for number, part in enumerate(path):
        is_last = number == len(path) - 1
        if isinstance(here, dict) and (part in here or is_last):
            here = here.get(part)
        elif isinstance(here, list) and isinstance(part, int) and part < len(here):
            here = here[part]
        elif not (is_last and here is None):
            continue
        parts.append(str(part).replace("~", "~0").replace("/", "~1"))
    return "".join(f"/{part}" for part in parts)


def _http(_request: Request, error: HTTPException) -> JSONResponse:
    status = HTTPStatus(error.status_code)
    code = {404: "not_found", 405: "method_not_allowed", 400: "json_invalid"}.get(status.value, "refused")
    return problem(status, code, str(error.detail), headers=dict(error.headers or {}))


def _temporal_down(_request: Request, error: Exception) -> JSONResponse:
    detail = f"{error} Nothing was changed for certain: try again with the same Idempotency-Key."
    return problem(HTTPStatus.SERVICE_UNAVAILABLE, "temporal_unavailable", detail, headers=RETRY_AFTER)


def _database_down(_request: Request, error: Exception) -> JSONResponse:
    log.warning("database_unavailable", error=str(error))
    return problem(
        HTTPStatus.SERVICE_UNAVAILABLE, "database_unavailable", "The database can't be reached now: try again.", headers=RETRY_AFTER
    )


def _defect(request: Request, error: Exception) -> JSONResponse:
    log.error("request_failed", path=request.url.path, exc_info=error)
    detail = "A defect of Flaghoist: please report it with the log of this request."
    return problem(HTTPStatus.INTERNAL_SERVER_ERROR, "defect", detail)
