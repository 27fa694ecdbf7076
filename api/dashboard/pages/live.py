"""The stream that tells an open page to look again."""

from collections.abc import AsyncIterator, Callable
from contextlib import aclosing

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool
from sse_starlette import ServerSentEvent

from activities.store.database import Database
from api.dashboard.changes import ProjectChanges
from api.dashboard.page_route import PageRoute
from api.dashboard.session import SignedOut, VisitorDep, visitor_of
from api.dependencies import DatabaseDep
from api.evaluation.stream import event_stream
from domain.text import Slug

router = APIRouter(prefix="/projects/{project}/live", route_class=PageRoute, include_in_schema=False)


@router.get("")
async def follow(request: Request, project: Slug, visitor: VisitorDep, database: DatabaseDep) -> Response:
    """Stream an event whenever something in the project has changed. What has changed is read from the page, with its session."""
    visitor.caller.must_see(project)
    changes: ProjectChanges = request.app.state.project_changes
    return event_stream(_events(changes, project, lambda: _may_see(request, database, project)))


async def _events(changes: ProjectChanges, project: str, may_see: Callable[[], bool]) -> AsyncIterator[ServerSentEvent]:
    """Yield an event for each change. The stream ends with the session: the page then looks again, and asks for the key."""
    async with aclosing(changes.of(project)) as numbers:
        async for number in numbers:
            yield ServerSentEvent(data="look", id=str(number))
            if not await run_in_threadpool(may_see):
                return


def _may_see(request: Request, database: Database, project: str) -> bool:
    try:
        return visitor_of(request, database).caller.access.sees(project)
    except SignedOut:
        return False
