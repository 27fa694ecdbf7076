"""Stopping and freezing. Each form first shows which releases it would hold back."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from fastapi import APIRouter, Response

from activities.commands.stops_freezes import check_freeze, check_stop
from activities.store.database import Store
from activities.store.identifiers import new_id
from activities.store.paging import MOST, Slice
from api.dashboard.forms import Field, Form, Plan, change, chosen, given, show_form
from api.dashboard.page_route import PageRoute
from api.dashboard.session import FormDep
from api.dashboard.site import Site, SiteDep
from api.dashboard.texts import changed_texts
from api.dependencies import OutboxRelayDep, now
from api.routes.environments import list_environments
from api.routes.freezes import create_freeze
from api.routes.stops import create_stop
from api.schemas.stops_freezes import CreateFreeze, PlaceStop
from domain.flags.project import Project
from domain.pipelines.freeze import Freeze
from domain.pipelines.pipeline import Stage
from domain.releases.reach import ComingStage, Holds, stages_held
from domain.releases.release import Release
from domain.releases.stop import Stop

router = APIRouter(prefix="/projects/{project}", route_class=PageRoute, include_in_schema=False)

_PROJECT = "project"
"""The scope of a stop of everything."""

_NOTHING = "No release has a stage that it would hold back."

HoldsOf = Callable[[Release], Holds]


@router.get("/stops/new")
def show_stop(site: SiteDep) -> Response:
    """Ask what to stop."""
    site.caller.must_operate_somewhere(site.key)
    return show_form(site, _stop_form(site), {})


@router.post("/stops/new")
def place(site: SiteDep, fields: FormDep) -> Response:
    """Show what a stop would hold back, and place it once that is confirmed."""
    site.caller.must_operate_somewhere(site.key)

    def plan() -> Plan:
        kind, _, key = fields.get("/scope", _PROJECT).partition(":")
        body = PlaceStop.model_validate({"reason": fields.get("/reason", "")} | ({kind: key} if key else {}))
        at = now()
        stop = Stop(id=new_id(), placed_at=at, placed_by=site.caller.owner.name, placed_by_id=site.caller.owner_id, **dict(body))
        with site.database.reading() as store:
            project = store.projects.get(site.key)
            check_stop(store, site.caller, project, stop)
            effects = _held_in_words(
                store, project, lambda release: lambda stage, _at: stop.covers(stage.environment, release.pipeline.key)
            )

        def act(_shown: object) -> str:
            create_stop(site.key, body, site.caller, site.writing())
            return _home(site)

        after = {"scope": f"{kind} {key}" if key else "the whole project", "reason": body.reason}
        return Plan(changed_texts({}, after), ["It lasts until somebody lifts it."], act, effects)

    return change(site, _stop_form(site), fields, lambda: "", plan)


@router.get("/freezes/new")
def show_freeze(site: SiteDep) -> Response:
    """Ask for a period."""
    site.caller.must_operate_somewhere(site.key)
    return show_form(site, _freeze_form(site), {})


@router.post("/freezes/new")
def freeze(site: SiteDep, fields: FormDep, outbox_relay: OutboxRelayDep) -> Response:
    """Show which stages a freeze would hold back, and create it once that is confirmed."""
    site.caller.must_operate_somewhere(site.key)

    def plan() -> Plan:
        texts: dict[str, Any] = dict(given(fields, "name", "reason", "starts_at", "ends_at", "timezone"))
        body = CreateFreeze.model_validate(texts | {"environments": chosen(fields, "/environments")})
        starts_at, ends_at = body.period()
        described = {"name": body.name, "reason": body.reason, "environments": body.environments, "made_by": site.caller.owner.name}
        planned = Freeze(id=new_id(), starts_at=starts_at, ends_at=ends_at, **described)
        with site.database.reading() as store:
            project = store.projects.get(site.key)
            check_freeze(store, site.caller, project, planned, now())
            effects = _held_in_words(store, project, lambda _release: _held_by(planned))

        def act(_shown: object) -> str:
            create_freeze(site.key, body, site.caller, site.writing(), outbox_relay)
            return _home(site)

        after = {"from": f"{starts_at:%Y-%m-%d %H:%M:%S} UTC", "until": f"{ends_at:%Y-%m-%d %H:%M:%S} UTC"}
        after |= {"environments": ", ".join(body.environments) or "all environments"}
        return Plan(changed_texts({}, after), ["The times are those that are expected now."], act, effects)

    return change(site, _freeze_form(site), fields, lambda: "", plan)


def _held_by(freeze: Freeze) -> Holds:
    """Return what a freeze holds back: the stages in its environments that act in its period, or at a time that is not known yet."""

    def holds(stage: Stage, at: datetime | None) -> bool:
        return freeze.holds(stage.environment, at or freeze.starts_at)

    return holds


def _held_in_words(store: Store, project: Project, holds_of: HoldsOf) -> list[str]:
    """Return a sentence for each release that would be held back."""
    at = now()
    freezes = store.freezes.ahead(project.id, at)
    definitions = {each.id: each.definition for each in store.pipelines.published(project.id)}
    sentences = []
    for release in store.releases.unfinished_in(project.id):
        definition = definitions[release.pipeline.id]
        if release.is_under_way and (held := stages_held(release, definition, at, freezes, holds_of(release))):
            sentences.append(f"{release.feature} on {release.pipeline.name}: {', '.join(map(_stage_in_words, held))}")
    return sentences or [_NOTHING]


def _stage_in_words(stage: ComingStage) -> str:
    due = f"due {stage.acts_at:%Y-%m-%d %H:%M:%S} UTC" if stage.acts_at else "at a time that is not known yet"
    return f"‘{stage.name}’ in {stage.environment}, {due}"


def _stop_form(site: Site) -> Form:
    with site.database.reading() as store:
        pipelines = store.pipelines.keys(store.projects.get(site.key).id)
    scopes = [(_PROJECT, "the whole project"), *((f"environment:{each}", f"environment {each}") for each in _environments(site))]
    scopes += [(f"pipeline:{each}", f"pipeline {each}") for each in pipelines]
    fields = (Field("/scope", "Scope", "choice", choices=scopes), Field("/reason", "Reason"))
    return Form("Place a stop", "Stop", "stops", _home(site), "Stops and freezes", fields, has_preview=True)


def _freeze_form(site: Site) -> Form:
    fields = (
        Field("/name", "Name"),
        Field("/starts_at", "From", "time"),
        Field("/ends_at", "Until", "time"),
        Field("/timezone", "Time zone", "zone"),
        Field(
            "/environments", "Environments", "checks", hint="(none: all of them)", choices=[(each, each) for each in _environments(site)]
        ),
        Field("/reason", "Reason", hint="(optional)"),
    )
    return Form("Plan a freeze", "Freeze", "stops", _home(site), "Stops and freezes", fields, has_preview=True)


def _environments(site: Site) -> list[str]:
    return [each.key for each in list_environments(site.key, site.caller, site.database, Slice(limit=MOST)).items]


def _home(site: Site) -> str:
    return f"/projects/{site.key}/stops"
