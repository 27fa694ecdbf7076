"""The state of the system."""

from fastapi import APIRouter, Request, Response

from api.dashboard.page_route import PageRoute
from api.dashboard.rendering import render
from api.dashboard.session import VisitorDep
from api.dependencies import DatabaseDep, TemporalHealthDep, TemporalUiDep
from api.routes.status import get_status

router = APIRouter(route_class=PageRoute, include_in_schema=False)


@router.get("/status")
def show_status(
    request: Request, visitor: VisitorDep, database: DatabaseDep, temporal_health: TemporalHealthDep, temporal_ui: TemporalUiDep
) -> Response:
    """Show the workers, overdue releases, and whether something is wrong."""
    status = get_status(request, visitor.caller, database, temporal_health)
    return render(request, "status.html", visitor=visitor, status=status, temporal_ui=temporal_ui, active="status", project=None)
