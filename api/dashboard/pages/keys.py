"""API keys, as far as a visitor may manage them."""

from fastapi import APIRouter, Response

from activities.store.keys import ApiKey
from activities.store.paging import MOST, Slice
from api.dashboard.forms import Field, Form, chosen, confirm, create, etag_of, given, show_form, show_secret
from api.dashboard.page_route import PageRoute
from api.dashboard.session import FormFields, LongFormDep
from api.dashboard.site import Site, SiteDep
from api.routes import keys as api
from api.routes.environments import list_environments
from api.schemas.keys import CreateKey
from domain.access import ALL, Role
from domain.entity_tag import Precondition
from domain.text import Slug

router = APIRouter(prefix="/projects/{project}/keys", route_class=PageRoute, include_in_schema=False)

_ROLES = ((Role.VIEWER.value, "viewer"), (Role.OPERATOR.value, "operator"), (Role.ADMIN.value, "admin"))


@router.get("")
def show_keys(site: SiteDep, cursor: str | None = None, done: str = "") -> Response:
    """List the keys of the project that the visitor may manage."""
    page = api.list_keys(site.caller, site.database, Slice(cursor, MOST))
    shown = [key for key in page.items if any(grant.project in (site.key, None) for grant in key.grants)]
    return site.page("keys.html", "keys", keys=shown, next=page.next, done=done == "yes")


@router.get("/new")
def show_new(site: SiteDep) -> Response:
    """Ask for a key."""
    site.caller.must_administer(site.key)
    return show_form(site, _new(site), {})


@router.post("/new")
def add(site: SiteDep, fields: LongFormDep) -> Response:
    """Create the key, and show its secret."""

    def act() -> Response:
        body = CreateKey.model_validate(_body(site, fields))
        made = api.create_key(body, site.caller, site.writing(fields.get("once", "")), Response())
        return show_secret(site, "keys", f"API key {made.name} was created", made.secret, _home(site))

    return create(site, _new(site), fields, act)


@router.get("/{key}/rotate")
def show_rotate(site: SiteDep, key: Slug) -> Response:
    """Ask before the secret of a key is replaced."""
    return show_form(site, _rotated(site, _get(site, key)), {}, etag=_etag(site, key))


@router.post("/{key}/rotate")
def rotate(site: SiteDep, key: Slug, fields: LongFormDep) -> Response:
    """Replace the secret of a key, and show the new one."""

    def act(shown: Precondition) -> Response:
        rotated = api.rotate_key(key, shown, site.caller, site.writing(fields.get("once", "")), Response())
        return show_secret(site, "keys", f"The secret of {rotated.name} was replaced", rotated.secret, _home(site))

    return confirm(site, _rotated(site, _get(site, key)), fields, lambda: _etag(site, key), act)


@router.get("/{key}/revoke")
def show_revoke(site: SiteDep, key: Slug) -> Response:
    """Ask before a key is revoked."""
    return show_form(site, _revoked(site, _get(site, key)), {}, etag=_etag(site, key))


@router.post("/{key}/revoke")
def revoke(site: SiteDep, key: Slug, fields: LongFormDep) -> Response:
    """Revoke the key."""

    def act(shown: Precondition) -> str:
        api.revoke_key(key, shown, site.caller, site.database)
        return f"{_home(site)}?done=yes"

    return confirm(site, _revoked(site, _get(site, key)), fields, lambda: _etag(site, key), act)


def _body(site: Site, fields: FormFields) -> dict[str, object]:
    owner = {"kind": fields.get("/owner/kind"), "name": fields.get("/owner/name", "")}
    grant = {"project": site.key, "role": fields.get("/grants/0/role"), "environments": chosen(fields, "/grants/0/environments")}
    return {**given(fields, "name"), "owner": owner, "grants": [grant]}


def _new(site: Site) -> Form:
    environments = list_environments(site.key, site.caller, site.database, Slice(limit=MOST)).items
    choices = [(ALL, "all, also those created later"), *((each.key, each.key) for each in environments)]
    fields = (
        Field("/name", "Name", hint="such as laptop"),
        Field("/owner/name", "Owner"),
        Field("/owner/kind", "Kind of owner", "choice", choices=[("person", "person"), ("service", "service, which can't approve")]),
        Field("/grants/0/role", "Role in this project", "choice", choices=_ROLES),
        Field("/grants/0/environments", "Environments", "checks", hint="(only for operators)", choices=choices),
    )
    return Form("Create an API key", "Create", "keys", _home(site), "API keys", fields)


def _rotated(site: Site, key: ApiKey) -> Form:
    own = ("It is the key of your session, so you are then signed out.",) if key.id == site.caller.key else ()
    effects = ("The new secret is shown once, and the old one stops working at once.", *own)
    heading = f"Replace the secret of {key.name}?"
    return Form(heading, "Replace the secret", "keys", _home(site), "API keys", effects=effects, is_danger=True)


def _revoked(site: Site, key: ApiKey) -> Form:
    own = ("It is the key of your session, so you are then signed out.",) if key.id == site.caller.key else ()
    effects = (f"It belongs to {key.owner.name}, and stops working at once. This can't be undone.", *own)
    return Form(f"Revoke {key.name}?", "Revoke", "keys", _home(site), "API keys", effects=effects, is_danger=True)


def _get(site: Site, key: str) -> ApiKey:
    return api.get_key(key, site.caller, site.database, Response())


def _etag(site: Site, key: str) -> str:
    return etag_of(lambda answer: api.get_key(key, site.caller, site.database, answer))


def _home(site: Site) -> str:
    return f"/projects/{site.key}/keys"
