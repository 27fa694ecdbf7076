"""The pages that say why a request was refused or failed."""

from http import HTTPStatus
from typing import Any

import structlog
from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from starlette.datastructures import URL
from starlette.exceptions import HTTPException
from structlog.contextvars import get_contextvars

from activities.providers.errors import ProviderError
from api.body_limits import LARGEST_BODY
from api.dashboard.rendering import render, with_security_headers
from api.problems import internal_error, status_of
from api.rate_limit import TooManyRequests
from api.validation_messages import message_of
from domain.errors import ApprovalMoved, DraftExists, Refusal, StageMoved
from workflows.service.client import TemporalUnavailable

log = structlog.get_logger()


def unknown_path_page(request: Request, status: HTTPStatus) -> Response:
    """Return the page for an address or a method that does not exist, which anybody may see."""
    return with_security_headers(_plain_error_page(request, status, "There is no such page."))


def too_large_page(request: Request) -> Response:
    """Return the page for a form that is too large. The form is still in the browser, one page back."""
    request.state.problem = "body_too_large"
    limit = f"A form may have at most {LARGEST_BODY // 1024} KiB, and this one has more. Nothing was done."
    remedy = "To shorten what you entered, go back in your browser. To begin again, open the page again."
    page = _plain_error_page(request, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, limit, remedy, back=address_on_site(request.url))
    return with_security_headers(page)


def error_page(request: Request, error: Exception) -> Response:
    """Return the page for a refusal, an input that can't be read, or an outage."""
    status, heading, messages = _explained(error)
    request.state.problem = error.code() if isinstance(error, Refusal) else status.phrase
    release = request.path_params.get("release") if isinstance(error, Refusal) and status is not HTTPStatus.NOT_FOUND else None
    context: dict[str, Any] = {"heading": heading, "messages": messages, "back": ""}
    context |= {"project_key": request.path_params.get("project"), "release_id": release}
    context["draft"] = error.details["draft"] if isinstance(error, DraftExists) else None
    return render(request, "error.html", code=status, **context)


def internal_error_page(request: Request, error: Exception) -> Response:
    """Log an unexpected exception, and return a page without its details."""
    request.state.problem = internal_error(error).code
    message = f"Internal error. Please report it, including the request id: {get_contextvars()['request_id']}."
    return _plain_error_page(request, HTTPStatus.INTERNAL_SERVER_ERROR, message, back=address_on_site(request.url))


def address_on_site(url: URL) -> str:
    """Return a URL without its host."""
    return f"{url.path}?{url.query}" if url.query else url.path


def _plain_error_page(request: Request, status: HTTPStatus, *messages: str, back: str = "") -> Response:
    """Return a page that belongs to no project. `back` is the address of the page to open again, if any."""
    context = {"heading": _HEADINGS.get(status, status.phrase), "messages": messages, "project_key": None, "back": back}
    return render(request, "error.html", code=status, release_id=None, draft=None, **context)


def _explained(error: Exception) -> tuple[HTTPStatus, str, list[str]]:
    """Return the status, a heading and the messages for a failure."""
    match error:
        case Refusal():
            return _explained_refusal(error)
        case RequestValidationError():
            return HTTPStatus.NOT_FOUND, _HEADINGS[HTTPStatus.NOT_FOUND], ["There is no such page."]
        case ValidationError():
            messages = [f"{'.'.join(map(str, each['loc'])) or 'Form'}: {message_of(each)}" for each in error.errors()]
            return HTTPStatus.UNPROCESSABLE_ENTITY, _HEADINGS[HTTPStatus.UNPROCESSABLE_ENTITY], messages
        case HTTPException():
            message = f"{error.detail} Go back, reload the page, and try again."
            return HTTPStatus(error.status_code), "The form can't be read", [message]
        case _:
            return _explained_outage(error)


def _explained_outage(error: Exception) -> tuple[HTTPStatus, str, list[str]]:
    match error:
        case TooManyRequests():
            return HTTPStatus.TOO_MANY_REQUESTS, "Too many requests", [f"Try again in {error.retry_after} s."]
        case TemporalUnavailable():
            message = f"{error} The request may still take effect: look at the release before you try again."
            return HTTPStatus.SERVICE_UNAVAILABLE, "Temporal can't be reached", [message]
        case ProviderError():
            message = f"The system in which the flags of this project are kept can't be asked now. {error} Try again later."
            return HTTPStatus.SERVICE_UNAVAILABLE, "The provider can't be reached", [message]
        case _:
            log.warning("database_unavailable", error=str(error))
            return HTTPStatus.SERVICE_UNAVAILABLE, "The database can't be reached", ["Try again later."]


def _explained_refusal(refusal: Refusal) -> tuple[HTTPStatus, str, list[str]]:
    status = status_of(type(refusal))
    heading = "It has moved on" if isinstance(refusal, StageMoved | ApprovalMoved) else _HEADINGS.get(status, status.phrase)
    return status, heading, list(dict.fromkeys([refusal.message, *(each.message for each in refusal.problems)]))


_HEADINGS = {
    HTTPStatus.FORBIDDEN: "Not allowed",
    HTTPStatus.NOT_FOUND: "Not found",
    HTTPStatus.CONFLICT: "Not possible now",
    HTTPStatus.PRECONDITION_FAILED: "Changed in the meantime",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "The form is too large",
    HTTPStatus.UNPROCESSABLE_ENTITY: "Please check your input",
    HTTPStatus.INTERNAL_SERVER_ERROR: "Something went wrong",
}
