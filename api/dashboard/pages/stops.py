"""Stops and freezes: what keeps stages from acting, and how it ends."""

from fastapi import APIRouter, Response

from activities.commands.stops_freezes import check_may_end, check_may_lift
from activities.store.paging import MOST, Slice
from api.dashboard.forms import Effects, Field, Form, confirm, etag_of, given, show_form
from api.dashboard.held_stages import held_by_freeze, held_by_stop, held_in_words
from api.dashboard.page_route import PageRoute
from api.dashboard.session import FormDep
from api.dashboard.site import Site, SiteDep
from api.dependencies import OutboxRelayDep, now
from api.routes.freezes import delete_freeze, get_freeze, list_freezes
from api.routes.stops import get_stop, lift, list_stops
from api.schemas.stops_freezes import LiftStop
from domain.entity_tag import Precondition
from domain.text import Slug

router = APIRouter(prefix="/projects/{project}", route_class=PageRoute, include_in_schema=False)

_AT_ONCE = "Stages that are due act at once, unless something else holds them back."


@router.get("/stops")
def show_stops(site: SiteDep) -> Response:
    """Show the stops and freezes of the project."""
    page = Slice(limit=MOST)
    stops = list_stops(site.key, site.caller, site.database, page, standing=False).items
    freezes = list_freezes(site.key, site.caller, site.database, page).items
    return site.page("stops.html", "stops", stops=stops, freezes=freezes)


@router.get("/stops/{stop}/lift")
def show_lift(site: SiteDep, stop: Slug) -> Response:
    """Show what a stop would no longer hold back, and ask before it is lifted."""
    return show_form(site, _lifting(site, stop), {}, etag=_etag_of_stop(site, stop))


@router.post("/stops/{stop}/lift")
def lift_stop(site: SiteDep, stop: Slug, fields: FormDep, outbox_relay: OutboxRelayDep) -> Response:
    """Lift a stop."""

    def act(shown: Precondition) -> str:
        lift(site.key, stop, shown, site.caller, site.writing(), outbox_relay, LiftStop.model_validate(given(fields, "reason")))
        return _home(site)

    return confirm(site, _lifting(site, stop), fields, lambda: _etag_of_stop(site, stop), act)


@router.get("/freezes/{freeze}/delete")
def show_delete(site: SiteDep, freeze: Slug) -> Response:
    """Show what a freeze would no longer hold back, and ask before it is deleted."""
    return show_form(site, _deleting(site, freeze), {}, etag=_etag_of_freeze(site, freeze))


@router.post("/freezes/{freeze}/delete")
def delete(site: SiteDep, freeze: Slug, fields: FormDep, outbox_relay: OutboxRelayDep) -> Response:
    """Delete a freeze."""

    def act(shown: Precondition) -> str:
        delete_freeze(site.key, freeze, shown, site.caller, site.database, outbox_relay)
        return _home(site)

    return confirm(site, _deleting(site, freeze), fields, lambda: _etag_of_freeze(site, freeze), act)


def _lifting(site: Site, stop_id: str) -> Form:
    """Return the form that lifts a stop. Raises NotAllowed if the visitor may not lift it."""
    at = now()
    with site.database.reading() as store:
        project = store.projects.get(site.key)
        stop = store.stops.get(stop_id, project.id)
        check_may_lift(site.caller, project, stop)
        others = [each for each in store.stops.standing(project.id, at) if each.id != stop.id]
        freed = held_in_words(store, project, held_by_stop(stop, others), store.freezes.ahead(project.id, at))
    fields = (Field("/reason", "Reason", hint="(optional)"),)
    if stop.is_active(at):
        effects, listed = (stop.in_words(), _AT_ONCE), _freed(freed)
    else:
        effects, listed = (stop.in_words(), "It is no longer in force."), None
    return Form("Lift the stop?", "Lift", "stops", _home(site), "Stops and freezes", fields, effects, listed)


def _deleting(site: Site, freeze_id: str) -> Form:
    """Return the form that deletes a freeze. Raises NotAllowed if the visitor may not delete it."""
    at = now()
    with site.database.reading() as store:
        project = store.projects.get(site.key)
        freeze = store.freezes.get(freeze_id, project.id)
        check_may_end(site.caller, project, freeze)
        others = [each for each in store.freezes.ahead(project.id, at) if each.id != freeze.id]
        freed = held_in_words(store, project, held_by_freeze(freeze), others)
    where = ", ".join(freeze.environments) or "all environments"
    period = f"from {freeze.starts_at:%Y-%m-%d %H:%M:%S} UTC until {freeze.ends_at:%Y-%m-%d %H:%M:%S} UTC"
    effects = (f"‘{freeze.name}’ freezes {where} {period}.", _AT_ONCE)
    heading, home = "Delete the freeze?", _home(site)
    return Form(heading, "Delete", "stops", home, "Stops and freezes", effects=effects, listed=_freed(freed), is_danger=True)


def _freed(releases: list[str]) -> Effects:
    return Effects("What it no longer holds back", releases or ["No release has a stage that only this holds back."])


def _etag_of_stop(site: Site, stop: str) -> str:
    return etag_of(lambda answer: get_stop(site.key, stop, site.caller, site.database, answer))


def _etag_of_freeze(site: Site, freeze: str) -> str:
    return etag_of(lambda answer: get_freeze(site.key, freeze, site.caller, site.database, answer))


def _home(site: Site) -> str:
    return f"/projects/{site.key}/stops"
