"""The stream that tells an open page to look again."""

from collections.abc import AsyncIterator

from fastapi import APIRouter, Request, Response
from sse_starlette import ServerSentEvent

from api.dashboard.changes import ProjectChanges
from api.dashboard.page_route import PageRoute
from api.dashboard.session import VisitorDep
from api.evaluation.stream import event_stream
from domain.text import Slug

router = APIRouter(prefix="/projects/{project}/live", route_class=PageRoute, include_in_schema=False)


@router.get("")
async def follow(request: Request, project: Slug, visitor: VisitorDep) -> Response:
    """Stream an event whenever something in the project has changed. What has changed is read from the page, with its session."""
    visitor.caller.must_see(project)
    changes: ProjectChanges = request.app.state.project_changes
    return event_stream(_events(changes, project))


async def _events(changes: ProjectChanges, project: str) -> AsyncIterator[ServerSentEvent]:
    async for number in changes.of(project):
        yield ServerSentEvent(data="look", id=str(number))
