"""The projects, and the board of each."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from activities.store.database import Store
from activities.store.paging import MOST, Slice
from api.dashboard.page_route import PageRoute
from api.dashboard.rendering import render
from api.dashboard.session import VisitorDep
from api.dashboard.site import SiteDep
from api.dependencies import DatabaseDep, TemporalHealthDep, TemporalUiDep, now
from api.routes.pipelines import COMPLETED_WITHIN, SHOWN_IN_A_STAGE
from api.routes.projects import list_projects
from api.routes.releases import viewer_for
from api.schemas.releases import ReleaseSummary
from domain.pipelines.pipeline import Pipeline, PipelineStatus, Stage
from domain.releases.release import Release
from domain.releases.status import ReleaseStatus

router = APIRouter(route_class=PageRoute, include_in_schema=False)

COMPLETED_SHOWN = 8


@dataclass(frozen=True)
class Column:
    """A stage with its flags. `count` includes those that are not shown."""

    stage: Stage
    count: int
    flags: list[ReleaseSummary]


@dataclass(frozen=True)
class Board:
    """A pipeline version with its flags."""

    pipeline: Pipeline
    columns: list[Column]
    completed_count: int
    completed: Sequence[Release]

    @property
    def blocked(self) -> list[ReleaseSummary]:
        """The flags that a person must get moving again."""
        return [flag for column in self.columns for flag in column.flags if flag.status == ReleaseStatus.BLOCKED]

    @property
    def is_empty(self) -> bool:
        """True if no flag is in it, and none has completed it lately."""
        return not self.completed_count and not any(column.count for column in self.columns)


@dataclass(frozen=True)
class _Flags:
    """The flags of one pipeline version, from the database."""

    pipeline: Pipeline
    counts: dict[int, int]
    releases: list[Release]
    completed_count: int
    completed: list[Release]


@router.get("/")
def show_projects(request: Request, visitor: VisitorDep, database: DatabaseDep) -> Response:
    """List the projects. With only one, go to its board."""
    projects = list_projects(visitor.caller, database, Slice(limit=MOST)).items
    if len(projects) == 1:
        return RedirectResponse(f"/projects/{projects[0].key}", HTTPStatus.SEE_OTHER)
    return render(request, "projects.html", visitor=visitor, projects=projects, active="projects", project=None)


@router.get("/projects/{project}")
def show_board(site: SiteDep, temporal_health: TemporalHealthDep, temporal_ui: TemporalUiDep) -> Response:
    """Show where every flag is, and why it isn't moving."""
    at = now()
    with site.database.reading() as store:
        project = store.projects.get(site.key)
        found = [_flags(store, pipeline, at) for pipeline in _shown(store.pipelines.page(project.id, Slice(limit=MOST)).items)]
        stops = store.stops.standing(project.id, at)
        freezes = [freeze for freeze in store.freezes.ahead(project.id, at) if freeze.starts_at <= at]
    viewer = viewer_for(temporal_ui, temporal_health, [release for each in found for release in each.releases])
    boards = [_board(each, [viewer.summary(release, is_newest=True) for release in each.releases]) for each in found]
    boards.sort(key=lambda board: (not board.blocked, board.pipeline.definition.name.casefold(), -board.pipeline.version))
    empty = [board for board in boards if board.is_empty and board.pipeline.status is PipelineStatus.PUBLISHED]
    return site.page(
        "board.html", "board", boards=[each for each in boards if not each.is_empty], empty=empty, stops=stops, freezes=freezes
    )


def _shown(pipelines: Sequence[Pipeline]) -> list[Pipeline]:
    """Return the versions that flags can be in, newest first."""
    return [each for each in pipelines if each.status is not PipelineStatus.DRAFT]


def _flags(store: Store, pipeline: Pipeline, at: datetime) -> _Flags:
    counts, releases = store.releases.in_stages(pipeline.id, SHOWN_IN_A_STAGE)
    completed_count, completed = store.releases.completed_on(pipeline.id, at - COMPLETED_WITHIN, COMPLETED_SHOWN)
    return _Flags(pipeline, dict(counts), releases, completed_count, completed)


def _board(found: _Flags, flags: list[ReleaseSummary]) -> Board:
    flags = sorted(flags, key=_urgency)
    columns = [
        Column(stage, found.counts.get(index, 0), [flag for flag in flags if flag.stage_index == index])
        for index, stage in enumerate(found.pipeline.definition.stages)
    ]
    return Board(found.pipeline, columns, found.completed_count, found.completed)


def _urgency(flag: ReleaseSummary) -> tuple[int, datetime]:
    """Order blocked flags first, then those that wait for a person, then by the time at which they act."""
    waits = flag.waiting_for.code if flag.waiting_for else ""
    needs_person = waits in ("approval", "paused", "unavailable", "no_worker")
    rank = 0 if flag.status == ReleaseStatus.BLOCKED else 1 if needs_person else 2
    return rank, flag.acts_at or flag.entered_at or flag.added_at
