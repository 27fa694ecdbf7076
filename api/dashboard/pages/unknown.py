"""Addresses at which there is no page."""

from http import HTTPStatus

from fastapi import APIRouter, FastAPI, Request, Response
from starlette.exceptions import HTTPException

from api.dashboard.error_pages import unknown_path_page
from api.dashboard.page_route import PageRoute
from api.dashboard.session import VisitorDep
from api.problems import http_error
from domain.errors import NotFound

router = APIRouter(prefix="/projects", route_class=PageRoute, include_in_schema=False)

_PAGES = (HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED)
"""The failures of which a browser is told on a page."""


@router.api_route("/{rest:path}", methods=["GET", "POST"])
def show_unknown(_visitor: VisitorDep) -> Response:
    """Say that there is no such page."""
    raise NotFound("There is no such page. Perhaps the address is misspelt, or the page was moved.")


def answer_unknown_paths(app: FastAPI) -> None:
    """Register the handler that answers unknown paths and methods: browsers with a page, and all others with a problem document."""
    app.exception_handler(HTTPException)(_answer)


def _answer(request: Request, error: HTTPException) -> Response:
    status = HTTPStatus(error.status_code)
    shows_page = status in _PAGES and _wants_page(request)
    response = unknown_path_page(request, status) if shows_page else http_error(request, error)
    response.headers.update(error.headers or {})
    response.headers["Vary"] = "Accept"
    return response


def _wants_page(request: Request) -> bool:
    accepted = request.headers.get("accept", "").lower().split(",")
    return "text/html" in {each.partition(";")[0].strip() for each in accepted}
