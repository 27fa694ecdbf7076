"""Controls: what a person can do with a release under way."""

from collections.abc import Callable
from typing import Annotated

import structlog
from fastapi import APIRouter, Depends
from fastapi.concurrency import run_in_threadpool

from activities.commands.approve import DecideOnRelease, approve_release, reject_release
from activities.commands.pause_remove import EndOrPauseRelease, check_may_steer, pause_release, remove_release
from activities.commands.request_rollback import RollBackRelease, forecast_rollback, request_rollback
from activities.store.database import Store
from api.dependencies import CallerDep, DatabaseDep, OutboxRelayDep, ReleasesDep, TemporalUiDep, WritingDep, now
from api.routes.releases import view_of
from api.schemas.releases import Approve, ControlRequest, ReleaseView, Restart, Retry, RollBack, Viewer
from api.schemas.rollbacks import RollbackPreview, rollback_preview
from domain.errors import Refusal
from domain.pipelines.pipeline import stage_to_restart
from domain.releases.control import Control, check_allowed
from domain.releases.release import Release
from domain.releases.status import ReleaseStatus
from domain.text import Name, Slug
from workflows.messages import RestartRelease, RetryRelease, SteerRelease

log = structlog.get_logger()
router = APIRouter(prefix="/projects/{project}/releases/{release}", tags=["releases"])


class Steering:
    """The release that a caller steers, and all that it takes."""

    def __init__(
        self,
        project: Slug,
        release: Slug,
        caller: CallerDep,
        writing: WritingDep,
        database: DatabaseDep,
        delivery: OutboxRelayDep,
        releases: ReleasesDep,
        temporal_ui: TemporalUiDep,
    ) -> None:
        caller.must_see(project)
        self.project = project
        self.release = release
        self.caller = caller
        self.writing = writing
        self.database = database
        self.delivery = delivery
        self.releases = releases
        self.temporal_ui = temporal_ui

    def stop(self, stopping: Callable[..., Release], body: ControlRequest) -> ReleaseView:
        """Let the record alone decide that the release does not act."""
        return self.decide(stopping, EndOrPauseRelease(release=self.release, reason=body.reason, expected=body.expected))

    def decide(self, deciding: Callable[..., Release], wanted: EndOrPauseRelease | RollBackRelease | DecideOnRelease) -> ReleaseView:
        """Let the record alone decide."""
        at = now()
        with self.writing.transaction() as store:
            owner = store.projects.get(self.project, lock="share")
            stopped = deciding(store, self.caller, owner, wanted, at)
            answer = self.writing.answer(store, view_of(store, Viewer(self.temporal_ui, at), stopped))
        self.delivery.wake()
        log.info(f"release_{stopped.status}", project=self.project, release=stopped.id, feature=stopped.feature, stage=stopped.stage)
        return answer

    async def send(self, control: Control, body: ControlRequest, build: type[SteerRelease] = SteerRelease, **more: object) -> ReleaseView:
        """Send a control into the workflow; the answer comes when the record shows its effect."""
        found = await run_in_threadpool(self._look, body)
        message = build.model_validate(
            {"by": self.caller.person, "reason": body.reason, "expected": body.expected.or_visit(found.visit)} | more
        )
        try:
            if found.is_finished or found.status in (ReleaseStatus.STARTING, ReleaseStatus.ROLLING_BACK):
                check_allowed(control, found.status)
            await self.releases.send_control(found, control, message, self.writing.update_id(control))
        except Refusal:
            await run_in_threadpool(self.writing.unclaim)
            raise
        return await run_in_threadpool(self._answer)

    def _look(self, body: ControlRequest) -> Release:
        with self.database.reading() as store:
            release = store.releases.get(self.release, store.projects.get(self.project).id)
            check_may_steer(store, self.caller, release, _restarts_at(store, release, body.stage) if isinstance(body, Restart) else None)
        self.writing.claim()
        return release

    def _answer(self) -> ReleaseView:
        with self.writing.transaction() as store:
            release = store.releases.get(self.release, store.projects.get(self.project).id)
            return self.writing.answer(store, view_of(store, Viewer(self.temporal_ui, now()), release))


def _restarts_at(store: Store, release: Release, stage: str) -> int:
    stages = store.pipelines.version(release.pipeline.id).definition.stages
    return stage_to_restart(stages, range(release.starting_stage, release.stage_index + 1), stage)


SteeringOf = Annotated[Steering, Depends()]


@router.post("/remove")
def remove(steering: SteeringOf, body: ControlRequest = ControlRequest()) -> ReleaseView:
    """Take a flag out of its pipeline: it stops at once, also while Temporal is down; what was changed stays."""
    return steering.stop(remove_release, body)


@router.post("/approve")
def approve(steering: SteeringOf, body: Approve = Approve()) -> ReleaseView:
    """Say yes to exactly what the stage would apply now, also before it is due; with `shown`, only if that is what was shown."""
    wanted = DecideOnRelease(release=steering.release, reason=body.reason, expected=body.expected, shown=body.shown)
    return steering.decide(approve_release, wanted)


@router.post("/reject")
def reject(steering: SteeringOf, body: ControlRequest = ControlRequest()) -> ReleaseView:
    """Say no to what the stage would apply: the release blocks, and a retry asks everybody anew."""
    return steering.decide(reject_release, DecideOnRelease(release=steering.release, reason=body.reason, expected=body.expected))


@router.post("/pause")
def pause(steering: SteeringOf, body: ControlRequest = ControlRequest()) -> ReleaseView:
    """Stop the clock of the stage, also while Temporal is down; what is left of its wait is kept."""
    return steering.stop(pause_release, body)


@router.get("/rollback")
def preview_rollback(
    project: Slug, release: Slug, caller: CallerDep, database: DatabaseDep, to_stage: Name | None = None, force: bool = False
) -> RollbackPreview:
    """What a rollback would put back now, and what it would leave alone. It is refused as the rollback itself would be."""
    caller.must_see(project)
    wanted = RollBackRelease(release=release, to_stage=to_stage, force=force)
    with database.reading() as store:
        return rollback_preview(forecast_rollback(store, caller, store.projects.get(project), wanted, now()))


@router.post("/rollback", status_code=202)
def roll_back(steering: SteeringOf, body: RollBack = RollBack()) -> ReleaseView:
    """Put back what the release changed, or what it changed after `to_stage`. It is taken at once, also while Temporal is down."""
    wanted = RollBackRelease(release=steering.release, reason=body.reason, expected=body.expected, to_stage=body.to_stage, force=body.force)
    return steering.decide(request_rollback, wanted)


@router.post("/resume")
async def resume(steering: SteeringOf, body: ControlRequest = ControlRequest()) -> ReleaseView:
    """Let the clock of a paused stage go on; answers when the record shows it."""
    return await steering.send(Control.RESUME, body)


@router.post("/advance")
async def advance(steering: SteeringOf, body: ControlRequest = ControlRequest()) -> ReleaseView:
    """Cut the wait of a stage short: it acts at once."""
    return await steering.send(Control.ADVANCE, body)


@router.post("/skip")
async def skip(steering: SteeringOf, body: ControlRequest = ControlRequest()) -> ReleaseView:
    """Pass over the stage, which does not act; the release enters the next one."""
    return await steering.send(Control.SKIP, body)


@router.post("/retry")
async def retry(steering: SteeringOf, body: Retry = Retry()) -> ReleaseView:
    """Try a blocked stage again, `overwrite` also over what was changed by hand; answers when the record shows it."""
    return await steering.send(Control.RETRY, body, RetryRelease, overwrite=body.overwrite)


@router.post("/restart")
async def restart(steering: SteeringOf, body: Restart) -> ReleaseView:
    """Go back to an earlier stage, or to the beginning of this one; nothing is undone, and the stages act again."""
    return await steering.send(Control.RESTART, body, RestartRelease, stage=body.stage)
