"""The stream that tells an open page to look again."""

from collections.abc import AsyncIterator
from contextlib import aclosing

from fastapi import APIRouter, Request, Response
from sse_starlette import ServerSentEvent

from api.dashboard.changes import OpenPage, ProjectChanges
from api.dashboard.page_route import PageRoute
from api.dashboard.session import VisitorDep, session_of
from api.evaluation.stream import event_stream
from domain.text import Slug

router = APIRouter(prefix="/projects/{project}/live", route_class=PageRoute, include_in_schema=False)


@router.get("")
async def follow(request: Request, project: Slug, visitor: VisitorDep) -> Response:
    """Stream an event whenever something in the project has changed. What has changed is read from the page, with its session."""
    visitor.caller.must_see(project)
    if request.method == "HEAD":  # Its answer has no body, so a stream would never end.
        return Response(media_type="text/event-stream")
    return event_stream(_events(request.app.state.project_changes, OpenPage(project, session_of(request))))


async def _events(changes: ProjectChanges, page: OpenPage) -> AsyncIterator[ServerSentEvent]:
    """Yield an event for each change. The stream ends with the session: the page then looks again, and asks for the key."""
    async with aclosing(changes.of(page)) as numbers:
        async for number in numbers:
            yield ServerSentEvent(data="look", id=str(number))
