"""The table of rights in docs/guide/security.md: every changing route, tried by every role on objects of production."""

from collections.abc import Callable
from typing import Any

import pytest
from fastapi.routing import APIRoute, iter_route_contexts

from api.app import create_app
from settings import Settings
from tests.api.places import Place
from tests.api.rights import NEEDED, ROLES, rights_table
from tests.api.routes import place_of
from tests.http import Api
from tests.pipelines import approval, pipeline, stage
from tests.repo.guide import text_of

REFUSED = (401, 403, 404)
PRODUCTION = {"environment": "production"}
SHOP = {"project": "shop"}


def _gated(api: Api) -> Place:
    return _added(api, gates=[approval(3)])


def _added(api: Api, **more: Any) -> Place:
    """Add a flag to a pipeline whose only stage is in production, with a body that every control accepts."""
    place, body = _addable(api, **more)
    return place | {"release": api.post("/projects/shop/releases", body)["id"]}, {}


def _to_restart(api: Api) -> Place:
    return _added(api)[0], {"stage": "Everyone"}


def _addable(api: Api, **more: Any) -> Place:
    names, body = place_of(api, "POST /projects/{project}/releases")
    api.publish(pipeline(stage("Everyone", "production", "1h") | more, key=(key := f"in-{body['feature']}")))
    return names, body | {"pipeline": key}


def _overridden(api: Api) -> Place:
    names, body = place_of(api, "PATCH /projects/{project}/segments/{segment}")
    api.patch("/projects/shop/environments/production/features/checkout", {"overrides": {names["segment"]: {"enabled": True}}})
    return names, body


def _frozen(api: Api) -> Place:
    names, body = place_of(api, "POST /projects/{project}/freezes")
    return names | {"freeze": api.post("/projects/shop/freezes", body | {"environments": ["production"]})["id"]}, None


IN_PRODUCTION: dict[str, Callable[[Api], Place]] = {
    "PATCH /projects/{project}/segments/{segment}": _overridden,
    "PATCH /projects/{project}/environments/{environment}/features/{feature}": lambda _api: (
        SHOP | PRODUCTION | {"feature": "checkout"},
        {"enabled": True},
    ),
    "POST /projects/{project}/releases": _addable,
    "POST /projects/{project}/releases/{release}/approve": _gated,
    "POST /projects/{project}/releases/{release}/reject": _gated,
    "POST /projects/{project}/releases/{release}/restart": _to_restart,
    "POST /projects/{project}/freezes": lambda api: (
        SHOP,
        place_of(api, "POST /projects/{project}/freezes")[1] | {"environments": ["production"]},
    ),
    "DELETE /projects/{project}/freezes/{freeze}": _frozen,
    "POST /projects/{project}/stops": lambda _api: (SHOP, {"reason": "orders fail"} | PRODUCTION),
}
"""The objects of production that a route needs. Other controls need a release, and other routes no environment."""


def _request(api: Api, route: str) -> tuple[str, str, Any]:
    """Prepare the objects. Return the method, the path and a valid body."""
    prepare = IN_PRODUCTION.get(route, _added if "{release}" in route else None)
    names, body = prepare(api) if prepare else place_of(api, route)
    method, template = route.split()
    return method, template.format(**names), body


def _callers(api: Api) -> dict[str, Api]:
    """Return a key of each role, each with a person of its own."""
    operator = {"project": "shop", "role": "operator"}
    grants: dict[str, dict[str, Any]] = {
        "viewer": {"project": "shop", "role": "viewer"},
        "operator elsewhere": operator | {"environments": ["development"]},
        "operator there": operator | {"environments": ["production"]},
        "operator on all": operator | {"environments": ["*"]},
        "admin": {"project": "shop", "role": "admin"},
        "owner": {"role": "owner"},
    }
    return {role: api.make_key(role, grants[role]) for role in ROLES}


def _may(caller: Api, request: tuple[str, str, Any]) -> bool:
    """True if the request passes the check of rights, whatever else prevents it."""
    return caller.request(*request).status_code not in REFUSED


def _newest_entry(api: Api) -> Any:
    return api.get("/audit", limit=1)["items"]


def test_every_changing_route_is_in_the_table() -> None:
    contexts = list(iter_route_contexts(create_app(Settings()).routes))

    paths = [(context.path or "", context.methods or ()) for context in contexts if isinstance(context.original_route, APIRoute)]
    api = [(path.removeprefix("/api/v1"), methods) for path, methods in paths if path.startswith("/api/v1")]

    assert {f"{method} {path}" for path, methods in api for method in methods if method != "GET"} == set(NEEDED)


def test_each_role_may_do_exactly_what_the_table_says(api: Api) -> None:
    """Each role of too few rights is refused and changes nothing. The first role with enough is not: `test_rights.py` tries the others."""
    api.make_project()
    callers = _callers(api)
    wrong = []

    for route, needed in NEEDED.items():
        request = _request(api, route)
        before = _newest_entry(api)
        wrong += [f"{role}: {route} is allowed" for role in ROLES if ROLES[role] < needed and _may(callers[role], request)]
        wrong += [f"{route} was refused, and something was changed"] if _newest_entry(api) != before else []
        wrong += [f"{role}: {route} is refused" for role in ROLES if ROLES[role] == needed and not _may(callers[role], request)]

    assert wrong == []


@pytest.mark.parametrize("kind", ["client_key", "server_key", "revoked", "rotated"])
def test_key_of_another_kind_or_an_ended_one_may_do_nothing(api: Api, kind: str) -> None:
    api.make_project()
    made = api.post("/keys", {"name": "laptop", "owner": {"kind": "person", "name": "erin"}, "grants": [{"role": "owner"}]})
    keys = api.get("/projects/shop/environments/production") | {"revoked": made["secret"], "rotated": made["secret"]}
    api.request("DELETE", f"/keys/{made['id']}") if kind == "revoked" else api.post(f"/keys/{made['id']}/rotate")
    caller = api.with_key(keys[kind])

    statuses = {caller.request(method, path, {}).status_code for method, _, path in (route.partition(" ") for route in NEEDED)}

    assert statuses == {401}


def test_guide_shows_the_table() -> None:
    _, _, rest = text_of("docs/guide/security.md").partition("<!-- rights -->\n")

    assert rest.partition("\n<!-- /rights -->")[0] == rights_table(), "run: python -m tests.api.rights"
