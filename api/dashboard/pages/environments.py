"""The environments of a project, and the keys with which applications read flags."""

from fastapi import APIRouter, Response

from activities.commands.references import uses_of_environment
from activities.store.paging import MOST, Slice
from api.dashboard.forms import Field, Form, Plan, change, confirm, create, etag_of, given, show_form, still_in_use
from api.dashboard.page_route import PageRoute
from api.dashboard.session import LongFormDep
from api.dashboard.site import Site, SiteDep
from api.dashboard.texts import changed_fields
from api.routes import environments as api
from api.schemas.projects import ChangeName, CreateNamed
from domain.entity_tag import Precondition
from domain.evaluation.snapshot import KeyKind
from domain.text import Slug

router = APIRouter(prefix="/projects/{project}/environments", route_class=PageRoute, include_in_schema=False)

_NAME = Field("/name", "Name", hint="(optional: the key)")
_KEY = Field("/key", "Key", hint="a-z, 0-9, - and _. It never changes")


@router.get("")
def show_environments(site: SiteDep, done: str = "") -> Response:
    """List the environments with their keys."""
    environments = api.list_environments(site.key, site.caller, site.database, Slice(limit=MOST)).items
    return site.page("environments.html", "environments", environments=environments, done=done == "yes")


@router.get("/new")
def show_new(site: SiteDep) -> Response:
    """Ask for an environment."""
    site.caller.must_administer(site.key)
    return show_form(site, _new(site), {})


@router.post("/new")
def add(site: SiteDep, fields: LongFormDep) -> Response:
    """Create the environment."""

    def act() -> str:
        api.create_environment(site.key, CreateNamed.model_validate(given(fields, "key", "name")), site.caller, site.writing())
        return _done(site)

    return create(site, _new(site), fields, act)


@router.get("/{environment}/rename")
def show_rename(site: SiteDep, environment: Slug) -> Response:
    """Ask for another name."""
    site.caller.must_administer(site.key)
    view = api.get_environment(site.key, environment, site.caller, site.database, Response())
    return show_form(site, _renamed(site, environment), {"/name": view.name}, etag=_etag(site, environment))


@router.post("/{environment}/rename")
def rename(site: SiteDep, environment: Slug, fields: LongFormDep) -> Response:
    """Rename the environment."""
    site.caller.must_administer(site.key)

    def plan() -> Plan:
        body = ChangeName.model_validate(given(fields, "name"))
        before = api.get_environment(site.key, environment, site.caller, site.database, Response())

        def act(shown: Precondition) -> str:
            api.change_environment(site.key, environment, body, shown, site.caller, site.database, Response())
            return _done(site)

        return Plan(changed_fields({"name": before.name}, {"name": body.name}), [], act)

    return change(site, _renamed(site, environment), fields, lambda: _etag(site, environment), plan)


@router.get("/{environment}/keys/{kind}/rotate")
def show_rotate(site: SiteDep, environment: Slug, kind: KeyKind) -> Response:
    """Ask before a key is replaced."""
    site.caller.must_administer(site.key)
    return show_form(site, _rotated(site, environment, kind), {}, etag=_etag(site, environment))


@router.post("/{environment}/keys/{kind}/rotate")
def rotate(site: SiteDep, environment: Slug, kind: KeyKind, fields: LongFormDep) -> Response:
    """Replace a key of the environment."""

    def act(shown: Precondition) -> str:
        api.rotate_environment_key(site.key, environment, kind, shown, site.caller, site.writing())
        return _done(site)

    return confirm(site, _rotated(site, environment, kind), fields, lambda: _etag(site, environment), act)


@router.get("/{environment}/delete")
def show_delete(site: SiteDep, environment: Slug) -> Response:
    """Ask before the environment is deleted, and name what still uses it."""
    site.caller.must_administer(site.key)
    return show_form(site, _deleted(site, environment), {}, etag=_etag(site, environment))


@router.post("/{environment}/delete")
def delete(site: SiteDep, environment: Slug, fields: LongFormDep) -> Response:
    """Delete the environment."""

    def act(shown: Precondition) -> str:
        api.delete_environment(site.key, environment, shown, site.caller, site.database)
        return _done(site)

    return confirm(site, _deleted(site, environment), fields, lambda: _etag(site, environment), act)


def _new(site: Site) -> Form:
    effects = ("Every feature has its default state in a new environment.",)
    return Form("Create an environment", "Create", "environments", _home(site), "Environments", (_KEY, _NAME), effects)


def _renamed(site: Site, environment: str) -> Form:
    name = (Field("/name", "Name"),)
    return Form(f"Rename {environment}", "Rename", "environments", _home(site), "Environments", name, has_preview=True)


def _rotated(site: Site, environment: str, kind: KeyKind) -> Form:
    effects = ("Applications with the old key can't read flags from a second later on. Give them the new key at once.",)
    heading = f"Replace the {kind} key of {environment}?"
    return Form(heading, "Replace the key", "environments", _home(site), "Environments", effects=effects, is_danger=True)


def _deleted(site: Site, environment: str) -> Form:
    with site.database.reading() as store:
        uses = uses_of_environment(store, store.projects.get(site.key), environment)
    effects = ("The states of all flags in it are deleted. This can't be undone.", *still_in_use(uses))
    return Form(f"Delete {environment}?", "Delete", "environments", _home(site), "Environments", effects=effects, is_danger=True)


def _etag(site: Site, environment: str) -> str:
    return etag_of(lambda answer: api.get_environment(site.key, environment, site.caller, site.database, answer))


def _home(site: Site) -> str:
    return f"/projects/{site.key}/environments"


def _done(site: Site) -> str:
    return f"{_home(site)}?done=yes"
