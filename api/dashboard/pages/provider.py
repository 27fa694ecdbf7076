"""The flag system in which a project's flags are kept: its state, what it can express, and connecting to it."""

from typing import Any

from fastapi import APIRouter, Response

from api.dashboard.forms import Field, Form, confirm, etag_of, given, show_form
from api.dashboard.page_route import PageRoute
from api.dashboard.session import FormFields, LongFormDep
from api.dashboard.site import Site, SiteDep
from api.routes import connection as api
from api.schemas.connection import Connect, ConnectionView
from domain.entity_tag import Precondition
from domain.errors import Invalid, Problem
from domain.flags.provider import ProviderKind

router = APIRouter(prefix="/projects/{project}/provider", route_class=PageRoute, include_in_schema=False)

_FIELDS = (
    Field("/kind", "System", "choice", choices=[(each, each.label) for each in ProviderKind if each is not ProviderKind.BUILTIN]),
    Field(
        "/address",
        "Address",
        hint="https://unleash.example, https://api.flagsmith.com, or for flagd a folder, or https://git.example/flags.git#branch:folder",
    ),
    Field("/project", "Project there", hint="(for Unleash and Flagsmith. Empty: default)"),
    Field("/environments", "Environments", "lines", hint="a line for each, as here = there. Empty: all"),
    Field(
        "/credential", "Credential", "secret", hint="a token, for Git also user:token. Empty: the stored one, unless the address changes"
    ),
)


@router.get("")
def show_provider(site: SiteDep, check: str = "", done: str = "") -> Response:
    """Show where the flags are kept, and the result of a check if one was asked for."""
    connection = _get(site)
    checked = api.check(site.key, site.caller, site.database, site.fresh_flags) if check == "yes" else None
    return site.page("provider.html", "provider", connection=connection, checked=checked, done=done == "yes")


@router.get("/connect")
def show_connect(site: SiteDep) -> Response:
    """Ask for a connection."""
    site.caller.must_administer(site.key)
    found = _get(site)
    lines = "\n".join(f"{key} = {name}" for key, name in found.environments.items())
    values = {"/kind": found.kind.value, "/address": found.address or "", "/project": found.project or "", "/environments": lines}
    return show_form(site, _connected(site), values, etag=_etag(site))


@router.post("/connect")
def connect(site: SiteDep, fields: LongFormDep) -> Response:
    """Check the connection, and store it if everything works."""

    def act(shown: Precondition) -> str:
        body = Connect.model_validate(_body(fields))
        api.connect(site.key, body, shown, site.caller, site.database, site.fresh_flags, Response())
        return f"{_home(site)}?done=yes"

    return confirm(site, _connected(site), fields, lambda: _etag(site), act)


@router.get("/disconnect")
def show_disconnect(site: SiteDep) -> Response:
    """Ask before the project is disconnected."""
    site.caller.must_administer(site.key)
    return show_form(site, _disconnected(site), {}, etag=_etag(site))


@router.post("/disconnect")
def disconnect(site: SiteDep, fields: LongFormDep) -> Response:
    """Disconnect the project."""

    def act(shown: Precondition) -> str:
        api.disconnect(site.key, shown, site.caller, site.database)
        return f"{_home(site)}?done=yes"

    return confirm(site, _disconnected(site), fields, lambda: _etag(site), act)


def _body(fields: FormFields) -> dict[str, Any]:
    return {**given(fields, "kind", "address", "project", "credential"), "environments": _environments(fields.get("/environments", ""))}


def _environments(text: str) -> dict[str, str]:
    """Read a line for each environment. Raises Invalid."""
    found: dict[str, str] = {}
    for line in filter(None, map(str.strip, text.splitlines())):
        key, separator, name = (each.strip() for each in line.partition("="))
        if not separator or key in found:
            message = f"Write a line for each environment, such as live = production, not '{line[:100]}'."
            raise Invalid(message, problems=(Problem(pointer="/environments", code="invalid", message=message),))
        found[key] = name
    return found


def _connected(site: Site) -> Form:
    effects = (
        "The connection is checked first. Nothing is stored if something does not work.",
        "Features, segments and their flags are then read from that system. People change them there, and stages change them from here.",
    )
    return Form("Connect to a flag system", "Check and connect", "provider", _home(site), "Provider", _FIELDS, effects)


def _disconnected(site: Site) -> Form:
    effects = (
        "Its features and segments disappear here, and the credential is deleted. Environments and pipelines stay.",
        "Nothing changes in the other system.",
    )
    heading = f"Disconnect from {_get(site).kind.label}?"
    return Form(heading, "Disconnect", "provider", _home(site), "Provider", effects=effects, is_danger=True)


def _get(site: Site) -> ConnectionView:
    return api.get_connection(site.key, site.caller, site.database, Response())


def _etag(site: Site) -> str:
    return etag_of(lambda answer: api.get_connection(site.key, site.caller, site.database, answer))


def _home(site: Site) -> str:
    return f"/projects/{site.key}/provider"
