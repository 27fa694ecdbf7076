"""Routes that answer with pages: refusals become pages as well, and every answer carries the security headers."""

from collections.abc import Callable, Collection, Coroutine
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import RedirectResponse
from fastapi.routing import APIRoute
from pydantic import ValidationError
from starlette.datastructures import URL
from starlette.exceptions import HTTPException

from activities.providers.errors import ProviderError
from api.dashboard.error_pages import address_on_site, error_page, internal_error_page
from api.dashboard.rendering import render, with_security_headers
from api.dashboard.session import SignedOut
from api.problems import OUTAGES
from api.rate_limit import TooManyRequests
from domain.errors import Refusal
from workflows.service.client import TemporalUnavailable

_READING = ("GET", "HEAD")

_CAUGHT = (Refusal, RequestValidationError, ValidationError, TooManyRequests, TemporalUnavailable, ProviderError, HTTPException, *OUTAGES)


class PageRoute(APIRoute):
    """A route whose failures are shown as pages. HEAD is answered like GET; the server leaves out the body."""

    def __init__(self, *args: Any, methods: Collection[str], **options: Any) -> None:
        super().__init__(*args, methods={*methods, "HEAD"} if "GET" in methods else set(methods), **options)

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Wrap the handler."""
        handle = super().get_route_handler()

        async def show(request: Request) -> Response:
            try:
                response = await handle(request)
            except SignedOut:
                response = _to_sign_in(request)
            except _CAUGHT as error:
                response = error_page(request, error)
            except Exception as error:
                response = internal_error_page(request, error)
            return with_security_headers(response)

        return show


def _to_sign_in(request: Request) -> Response:
    """Ask for the key. A link from another site arrives without the strict cookie, so such a visit is first repeated from here."""
    if request.headers.get("sec-fetch-site") == "cross-site" and request.method in _READING:
        return render(request, "again.html")
    page = request.url if request.method in _READING else _page_of_form(request)
    here = address_on_site(page)
    to = f"?to={quote(here, safe='')}" if here not in ("", "/") else ""
    return RedirectResponse(f"/sign-in{to}", HTTPStatus.SEE_OTHER)


def _page_of_form(request: Request) -> URL:
    """Return the page whose form was sent, as far as the browser says."""
    referrer = URL(request.headers.get("referer", ""))
    return referrer if referrer.netloc == request.url.netloc else URL("")
