"""Controls: each shows what it will do before it is carried out."""

import re
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from inspect import iscoroutinefunction
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse

from activities.commands.pause_remove import check_may_control
from activities.store.database import Store
from api.dashboard.page_route import PageRoute
from api.dashboard.session import FormDep, FormFields
from api.dashboard.site import Site, SiteDep
from api.dependencies import OutboxRelayDep, ReleasesDep, TemporalHealthDep, TemporalUiDep
from api.routes import controls
from api.routes.releases import get_release
from api.schemas.releases import Approve, ControlRequest, ReleaseView, Restart, Retry, RollBack
from domain.errors import ControlNotAllowed
from domain.pipelines.pipeline import PipelineDefinition
from domain.releases.approval import check_may_decide, gate_to_approve
from domain.releases.control import APPROVAL_CONTROLS, Control, not_allowed_in_words
from domain.releases.status import FINISHED
from domain.text import Slug

router = APIRouter(prefix="/projects/{project}/releases/{release}", route_class=PageRoute, include_in_schema=False)

Act = Callable[[controls.Steering, Any], ReleaseView | Awaitable[ReleaseView]]

ACTS: dict[Control, Act] = {
    Control.PAUSE: controls.pause,
    Control.RESUME: controls.resume,
    Control.ADVANCE: controls.advance,
    Control.SKIP: controls.skip,
    Control.RETRY: controls.retry,
    Control.RESTART: controls.restart,
    Control.APPROVE: controls.approve,
    Control.REJECT: controls.reject,
    Control.ROLLBACK: controls.roll_back,
    Control.REMOVE: controls.remove,
}
"""Each control with the function of the API that carries it out."""

_NUMBER = re.compile(r"[0-9]{1,9}")

_BODIES: dict[Control, type[ControlRequest]] = {
    Control.APPROVE: Approve,
    Control.RETRY: Retry,
    Control.RESTART: Restart,
    Control.ROLLBACK: RollBack,
}


def _steering(
    site: SiteDep, release: Slug, outbox_relay: OutboxRelayDep, releases: ReleasesDep, temporal_ui: TemporalUiDep
) -> controls.Steering:
    return controls.Steering(
        site.key, release, site.caller, site.writing(), site.database, site.fresh_flags, outbox_relay, releases, temporal_ui
    )


SteeringDep = Annotated[controls.Steering, Depends(_steering)]


@router.get("/{control}")
def show_control(
    site: SiteDep,
    release: Slug,
    control: Control,
    temporal_health: TemporalHealthDep,
    temporal_ui: TemporalUiDep,
    to_stage: str = "",
    force: bool = False,
) -> Response:
    """Show what the control would do now, and ask. It is refused if the control would be."""
    view = get_release(site.key, release, site.caller, site.database, temporal_ui, temporal_health)
    with site.database.reading() as store:
        definition = store.pipelines.version(view.pipeline.id).definition
        _check_right(store, site, control, release)
    if control not in view.allowed:
        raise ControlNotAllowed(not_allowed_in_words(control, view.status, view.allowed), status=view.status, allowed=view.allowed)
    preview = None
    if control is Control.ROLLBACK:
        preview = controls.preview_rollback(site.key, release, site.caller, site.database, site.fresh_flags, to_stage or None, force)
    passed = [] if view.status in FINISHED else [stage.name for stage in definition.stages[: view.stage_index]]
    visited = [each.name for each in view.stages[: view.stage_index + 1] if each.outcome != "not_run"]
    choices = {"passed": passed, "visited": visited, "next_stage": _next_stage(definition, view)}
    return site.page("control.html", "board", release=view, control=control, preview=preview, definition=definition, **choices)


@router.post("/{control}")
async def carry_out(control: Control, steering: SteeringDep, fields: FormDep) -> Response:
    """Carry out the control, and return to the release."""
    act, body = ACTS[control], body_of(control, fields)
    if iscoroutinefunction(act):
        await act(steering, body)
    else:
        await run_in_threadpool(act, steering, body)
    return RedirectResponse(f"/projects/{steering.project}/releases/{steering.release}?done={control}", HTTPStatus.SEE_OTHER)


def body_of(control: Control, fields: FormFields) -> ControlRequest:
    """Return what the form says as the API's body. Raises pydantic's ValidationError."""
    typed: dict[str, Any] = dict(fields)
    typed |= {name: int(fields[name]) for name in ("expected_visit", "expected_step") if _NUMBER.fullmatch(fields.get(name, ""))}
    typed |= {name: True for name in ("overwrite", "force") if name in fields}
    return _BODIES.get(control, ControlRequest).model_validate(typed)


def _next_stage(definition: PipelineDefinition, view: ReleaseView) -> str | None:
    following = definition.stages[view.stage_index + 1 :]
    return following[0].name if following else None


def _check_right(store: Store, site: Site, control: Control, release_id: str) -> None:
    """Raise the refusal of a control for which the visitor lacks the right, before a form is filled in."""
    if control is Control.ROLLBACK:
        return  # Its preview has checked it.
    release = store.releases.get(release_id, store.projects.get(site.key).id)
    if control in APPROVAL_CONTROLS:
        site.caller.must_operate(site.key, [release.environment])
        stage = store.pipelines.version(release.pipeline.id).definition.stages[release.stage_index]
        check_may_decide(gate_to_approve(stage, release.step), site.caller, release.added_by_id)
    else:
        check_may_control(store, site.caller, release, control)
