"""Stopping and freezing. Each form first shows which releases it would hold back."""

from typing import Any

from fastapi import APIRouter, Response

from activities.commands.stops_freezes import check_freeze, check_stop
from activities.store.identifiers import new_id
from activities.store.paging import MOST, Slice
from api.dashboard.forms import Effects, Field, Form, Plan, change, chosen, given, show_form
from api.dashboard.held_stages import held_by_freeze, held_by_stop, held_in_words
from api.dashboard.page_route import PageRoute
from api.dashboard.session import FormDep
from api.dashboard.site import Site, SiteDep
from api.dashboard.texts import changed_texts
from api.dependencies import OutboxRelayDep, now
from api.routes.environments import list_environments
from api.routes.freezes import create_freeze
from api.routes.stops import create_stop
from api.schemas.stops_freezes import CreateFreeze, PlaceStop
from domain.pipelines.freeze import Freeze
from domain.releases.stop import Stop

router = APIRouter(prefix="/projects/{project}", route_class=PageRoute, include_in_schema=False)

_NOTHING = ["No release has a stage that it would hold back."]

_PROJECT = "project"
"""The scope of a stop of everything."""


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
            effects = held_in_words(store, project, held_by_stop(stop), store.freezes.ahead(project.id, at))

        def act(_shown: object) -> str:
            create_stop(site.key, body, site.caller, site.writing())
            return _home(site)

        after = {"scope": f"{kind} {key}" if key else "the whole project", "reason": body.reason}
        return Plan(
            changed_texts({}, after), ["It lasts until somebody lifts it."], act, Effects("What it holds back", effects or _NOTHING)
        )

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
        starts_at, ends_at, at = *body.period(), now()
        described = {"name": body.name, "reason": body.reason, "environments": body.environments, "made_by": site.caller.owner.name}
        planned = Freeze(id=new_id(), starts_at=starts_at, ends_at=ends_at, **described)
        with site.database.reading() as store:
            project = store.projects.get(site.key)
            check_freeze(store, site.caller, project, planned, at)
            effects = held_in_words(store, project, held_by_freeze(planned), store.freezes.ahead(project.id, at))

        def act(_shown: object) -> str:
            create_freeze(site.key, body, site.caller, site.writing(), outbox_relay)
            return _home(site)

        after = {"from": f"{starts_at:%Y-%m-%d %H:%M:%S} UTC", "until": f"{ends_at:%Y-%m-%d %H:%M:%S} UTC"}
        after |= {"environments": ", ".join(body.environments) or "all environments"}
        return Plan(
            changed_texts({}, after),
            ["The times are those that are expected now."],
            act,
            Effects("What it holds back", effects or _NOTHING),
        )

    return change(site, _freeze_form(site), fields, lambda: "", plan)


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
