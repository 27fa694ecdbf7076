"""Routes that answer with pages: refusals become pages as well, and every answer carries the security headers."""

from collections.abc import Callable, Coroutine
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import structlog
from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import RedirectResponse
from fastapi.routing import APIRoute
from pydantic import ValidationError
from starlette.datastructures import URL
from starlette.exceptions import HTTPException

from api.dashboard.rendering import render
from api.dashboard.session import SignedOut
from api.problems import OUTAGES, status_of
from api.rate_limit import TooManyRequests
from api.validation_messages import message_of
from domain.errors import ApprovalMoved, DraftExists, Refusal, StageMoved
from workflows.service.client import TemporalUnavailable

SECURITY_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}

_CAUGHT = (Refusal, RequestValidationError, ValidationError, TooManyRequests, TemporalUnavailable, HTTPException, *OUTAGES)

log = structlog.get_logger()


class PageRoute(APIRoute):
    """A route whose failures are shown as pages."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Wrap the handler."""
        handle = super().get_route_handler()

        async def show(request: Request) -> Response:
            try:
                response = await handle(request)
            except SignedOut:
                response = _to_sign_in(request)
            except _CAUGHT as error:
                response = _error_page(request, error)
            return with_security_headers(response)

        return show


def with_security_headers(response: Response) -> Response:
    """Set the headers of every page that the answer does not have yet."""
    for name, value in SECURITY_HEADERS.items():
        response.headers.setdefault(name, value)
    return response


def unknown_path_page(request: Request, status: HTTPStatus) -> Response:
    """Return the page for an address or a method that does not exist, which anybody may see."""
    context = {"heading": _HEADINGS.get(status, status.phrase), "messages": ["There is no such page."], "project_key": None}
    return with_security_headers(render(request, "error.html", code=status, release_id=None, draft=None, **context))


def _to_sign_in(request: Request) -> Response:
    """Ask for the key. A link from another site arrives without the strict cookie, so such a visit is first repeated from here."""
    if request.headers.get("sec-fetch-site") == "cross-site" and request.method == "GET":
        return render(request, "again.html")
    page = request.url if request.method == "GET" else _page_of_form(request)
    here = f"{page.path}?{page.query}" if page.query else page.path
    to = f"?to={quote(here, safe='')}" if here not in ("", "/") else ""
    return RedirectResponse(f"/sign-in{to}", HTTPStatus.SEE_OTHER)


def _page_of_form(request: Request) -> URL:
    """Return the page whose form was sent, as far as the browser says."""
    referrer = URL(request.headers.get("referer", ""))
    return referrer if referrer.netloc == request.url.netloc else URL("")


def _error_page(request: Request, error: Exception) -> Response:
    status, heading, messages = _explained(error)
    request.state.problem = error.code() if isinstance(error, Refusal) else status.phrase
    release = request.path_params.get("release") if isinstance(error, Refusal) and status is not HTTPStatus.NOT_FOUND else None
    context = {"heading": heading, "messages": messages, "project_key": request.path_params.get("project"), "release_id": release}
    context["draft"] = error.details["draft"] if isinstance(error, DraftExists) else None
    return render(request, "error.html", code=status, **context)


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
    HTTPStatus.UNPROCESSABLE_ENTITY: "Please check your input",
}
