"""Controls, with which people act on a release."""

from collections.abc import Callable
from typing import Annotated

import structlog
from fastapi import APIRouter, Depends
from fastapi.concurrency import run_in_threadpool

from activities.commands.approve import DecideOnRelease, approve_release, reject_release
from activities.commands.pause_remove import EndOrPauseRelease, check_may_control, pause_release, remove_release
from activities.commands.request_rollback import RollBackRelease, forecast_rollback, request_rollback
from activities.store.database import Store
from api.dependencies import CallerDep, DatabaseDep, FreshFlagsDep, OutboxRelayDep, ReleasesDep, TemporalUiDep, WritingDep, now
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


_LOGGED = {
    Control.PAUSE: "release_paused",
    Control.REMOVE: "release_removed",
    Control.ROLLBACK: "release_rolling_back",
    Control.APPROVE: "release_approved",
    Control.REJECT: "release_rejected",
}
"""The log events of the controls that the record alone decides. Workers log the others when they record their effect."""


class Steering:
    """A release, and everything that is needed to send it a control."""

    def __init__(
        self,
        project: Slug,
        release: Slug,
        caller: CallerDep,
        writing: WritingDep,
        database: DatabaseDep,
        fresh_flags: FreshFlagsDep,
        outbox_relay: OutboxRelayDep,
        releases: ReleasesDep,
        temporal_ui: TemporalUiDep,
    ) -> None:
        caller.must_see(project)
        self.project = project
        self.release = release
        self.caller = caller
        self.writing = writing
        self.database = database
        self.fresh_flags = fresh_flags
        self.outbox_relay = outbox_relay
        self.releases = releases
        self.temporal_ui = temporal_ui

    def refresh(self) -> None:
        """Read the flag anew if it is kept in another system, because the control decides about its present state."""
        with self.database.reading() as store:
            feature = store.releases.get(self.release, store.projects.get(self.project).id).feature
        self.fresh_flags.require(self.project, feature)

    def record(
        self, control: Control, command: Callable[..., Release], message: EndOrPauseRelease | RollBackRelease | DecideOnRelease
    ) -> ReleaseView:
        """Carry out a control that the record alone decides, in one transaction."""
        at = now()
        with self.writing.transaction() as store:
            owner = store.projects.get(self.project, lock="share")
            release = command(store, self.caller, owner, message, at)
            answer = self.writing.answer(store, view_of(store, Viewer(self.temporal_ui, at), release))
        self.outbox_relay.wake()
        log.info(_LOGGED[control], project=self.project, release=release.id, feature=release.feature, stage=release.stage)
        return answer

    async def send(self, control: Control, body: ControlRequest, build: type[SteerRelease] = SteerRelease, **more: object) -> ReleaseView:
        """Send a control to the workflow, and return when the record shows its effect."""
        found = await run_in_threadpool(self._check_and_claim, control, body)
        message = build.model_validate(
            {"by": self.caller.person, "reason": body.reason, "expected": body.expected.with_default_visit(found.visit)} | more
        )
        try:
            if found.is_finished or found.status in (ReleaseStatus.STARTING, ReleaseStatus.ROLLING_BACK):
                check_allowed(control, found.status)
            await self.releases.send_control(found, control, message, self.writing.update_id(control))
        except Refusal:
            await run_in_threadpool(self.writing.unclaim)
            raise
        return await run_in_threadpool(self._answer)

    def _check_and_claim(self, control: Control, body: ControlRequest) -> Release:
        with self.database.reading() as store:
            release = store.releases.get(self.release, store.projects.get(self.project).id)
            index = _restarts_at(store, release, body.stage) if isinstance(body, Restart) else None
            check_may_control(store, self.caller, release, control, index)
            if body.expected.is_ahead_of(
                release.visit, release.step
            ):  # A workflow would keep it for a stage whose rights are not checked here.
                body.expected.check(release.stage, release.visit, release.step)
        self.writing.claim()
        return release

    def _answer(self) -> ReleaseView:
        with self.writing.transaction() as store:
            release = store.releases.get(self.release, store.projects.get(self.project).id)
            return self.writing.answer(store, view_of(store, Viewer(self.temporal_ui, now()), release))


def _restarts_at(store: Store, release: Release, stage: str) -> int:
    stages = store.pipelines.version(release.pipeline.id).definition.stages
    return stage_to_restart(stages, range(release.starting_stage, release.stage_index + 1), stage)


SteeringDep = Annotated[Steering, Depends()]


def _end_or_pause(steering: Steering, body: ControlRequest) -> EndOrPauseRelease:
    return EndOrPauseRelease(release=steering.release, reason=body.reason, expected=body.expected)


@router.post("/remove")
def remove(steering: SteeringDep, body: ControlRequest = ControlRequest()) -> ReleaseView:
    """Remove a flag from its pipeline, at once and even while Temporal is down. Changes that were made stay."""
    return steering.record(Control.REMOVE, remove_release, _end_or_pause(steering, body))


@router.post("/approve")
def approve(steering: SteeringDep, body: Approve = Approve()) -> ReleaseView:
    """Approve exactly what the stage would apply now, even before it is due. With `shown`, it must be what was shown."""
    steering.refresh()
    message = DecideOnRelease(release=steering.release, reason=body.reason, expected=body.expected, shown=body.shown)
    return steering.record(Control.APPROVE, approve_release, message)


@router.post("/reject")
def reject(steering: SteeringDep, body: ControlRequest = ControlRequest()) -> ReleaseView:
    """Reject what the stage would apply. The release is blocked, and a retry requires all approvals again."""
    message = DecideOnRelease(release=steering.release, reason=body.reason, expected=body.expected)
    return steering.record(Control.REJECT, reject_release, message)


@router.post("/pause")
def pause(steering: SteeringDep, body: ControlRequest = ControlRequest()) -> ReleaseView:
    """Pause the wait of the stage, even while Temporal is down. The remaining time is kept."""
    return steering.record(Control.PAUSE, pause_release, _end_or_pause(steering, body))


@router.get("/rollback")
def preview_rollback(
    project: Slug,
    release: Slug,
    caller: CallerDep,
    database: DatabaseDep,
    fresh_flags: FreshFlagsDep,
    to_stage: Name | None = None,
    force: bool = False,
) -> RollbackPreview:
    """Preview a rollback: what it would restore now, and what it would leave alone. It is refused if the rollback would be."""
    caller.must_see(project)
    message = RollBackRelease(release=release, to_stage=to_stage, force=force)
    with database.reading() as store:
        feature = store.releases.get(release, store.projects.get(project).id).feature
    fresh_flags.prefer(project, feature)
    with database.reading() as store:
        return rollback_preview(forecast_rollback(store, caller, store.projects.get(project), message, now()))


@router.post("/rollback", status_code=202)
def roll_back(steering: SteeringDep, body: RollBack = RollBack()) -> ReleaseView:
    """Roll back all changes of the release, or those after `to_stage`. The request is accepted even while Temporal is down."""
    options = {"reason": body.reason, "expected": body.expected, "to_stage": body.to_stage, "force": body.force}
    return steering.record(Control.ROLLBACK, request_rollback, RollBackRelease(release=steering.release, **options))


@router.post("/resume")
async def resume(steering: SteeringDep, body: ControlRequest = ControlRequest()) -> ReleaseView:
    """Resume the wait of a paused stage. The response is sent when the record shows it."""
    return await steering.send(Control.RESUME, body)


@router.post("/advance")
async def advance(steering: SteeringDep, body: ControlRequest = ControlRequest()) -> ReleaseView:
    """End the wait of the stage, so that it acts at once."""
    return await steering.send(Control.ADVANCE, body)


@router.post("/skip")
async def skip(steering: SteeringDep, body: ControlRequest = ControlRequest()) -> ReleaseView:
    """Skip the stage without acting, and enter the next one."""
    return await steering.send(Control.SKIP, body)


@router.post("/retry")
async def retry(steering: SteeringDep, body: Retry = Retry()) -> ReleaseView:
    """Retry a blocked stage; `overwrite` also replaces manual changes. The response is sent when the record shows it."""
    return await steering.send(Control.RETRY, body, RetryRelease, overwrite=body.overwrite)


@router.post("/restart")
async def restart(steering: SteeringDep, body: Restart) -> ReleaseView:
    """Go back to an earlier stage, or to the beginning of the current one. Nothing is undone, and the stages act again."""
    return await steering.send(Control.RESTART, body, RestartRelease, stage=body.stage)
