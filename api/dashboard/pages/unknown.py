"""Addresses below a project at which there is no page."""

from fastapi import APIRouter, Response

from api.dashboard.page_route import PageRoute
from api.dashboard.session import VisitorDep
from domain.errors import NotFound

router = APIRouter(prefix="/projects", route_class=PageRoute, include_in_schema=False)


@router.api_route("/{rest:path}", methods=["GET", "POST"])
def show_unknown(_visitor: VisitorDep) -> Response:
    """Say that there is no such page."""
    raise NotFound("There is no such page. Perhaps the address is misspelt, or the page was moved.")
