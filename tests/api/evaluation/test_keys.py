"""The access table of the routes that serve flags, which use environment keys instead of API keys."""

import json

import pytest
from fastapi.routing import APIRoute, iter_route_contexts

from api.app import create_app
from settings import Settings
from tests.api.answers import problem_of
from tests.api.evaluation.applications import Application, keys_of
from tests.http import OWNER_KEY, Api

OFREP = "/ofrep/v1"
FLAGSMITH = "/flagsmith/api/v1"
STREAMS = {f"GET {OFREP}/streams/{{environment}}", f"GET {FLAGSMITH}/sse/environments/{{environment}}/stream"}

#                                                none person client server
EXPECTED = {
    f"POST {OFREP}/evaluate/flags":             (401, 401, 200, 200),
    f"POST {OFREP}/evaluate/flags/{{key}}":     (401, 401, 200, 200),
    f"GET {FLAGSMITH}/flags/":                  (401, 401, 200, 200),
    f"GET {FLAGSMITH}/identities/":             (401, 401, 200, 200),
    f"POST {FLAGSMITH}/identities/":            (401, 401, 200, 200),
    f"GET {FLAGSMITH}/environment-document/":   (401, 401, 403, 200),
}  # fmt: skip


def test_every_route_that_serves_flags_is_in_the_table() -> None:
    contexts = list(iter_route_contexts(create_app(Settings()).routes))

    paths = [(context.path or "", context.methods or ()) for context in contexts if isinstance(context.original_route, APIRoute)]
    routes = {f"{method} {path}" for path, methods in paths if path.startswith(("/ofrep", "/flagsmith")) for method in methods}

    assert routes == set(EXPECTED) | STREAMS


def call(api: Api, route: str, key: str) -> int:
    """Return the status of a route for a key."""
    method, template = route.split()
    url = f"{api.address}{template.format(key='checkout')}"
    body = {"context": {"targetingKey": "ada"}, "identifier": "ada"} if method == "POST" else None
    params = {"identifier": "ada"} if method == "GET" and "identities" in route else None
    headers = {"X-Environment-Key": key, "X-API-Key": key}
    return api.with_key(None).client.request(method, url, json=body, params=params, headers=headers).status_code


@pytest.mark.parametrize("route", EXPECTED)
def test_each_key_has_the_access_in_the_table(api: Api, route: str) -> None:
    api.make_project()

    assert tuple(call(api, route, key) for key in ("", OWNER_KEY, *keys_of(api))) == EXPECTED[route]


def test_environment_keys_open_no_other_routes(api: Api) -> None:
    api.make_project()

    for key in keys_of(api):
        problem_of(api.with_key(key).request("GET", "/projects"), 401, "not_authenticated")
        assert api.with_key(key).request("POST", "/keys", {}).status_code == 401


def test_a_key_cannot_read_another_environment(api: Api) -> None:
    api.make_project()
    api.make_project("other")
    places = [(project, environment) for project in ("shop", "other") for environment in ("development", "production")]
    for project, environment in places:
        value = {"enabled": True, "value": f"{project} {environment}"}
        api.patch(f"/projects/{project}/environments/{environment}/features/checkout", value)

    for project, environment in places:
        for key in keys_of(api, environment, project):
            app = Application(api, key)
            read = [
                app.flagsmith("GET", "flags/").json()[0]["feature_state_value"],
                app.identify("ada")["checkout"][1],
                app.evaluate({"targetingKey": "ada"}, "checkout").json()["value"],
                app.evaluate({"targetingKey": "ada"}).json()["flags"][0]["value"],
            ]
            assert read == [f"{project} {environment}"] * 4


def test_the_server_key_is_visible_only_with_the_right_to_change_flags(api: Api) -> None:
    api.make_project()
    viewer = api.make_key("vera", {"project": "shop", "role": "viewer"})
    operator = api.make_key("oscar", {"project": "shop", "role": "operator", "environments": ["development"]})
    admin = api.make_key("ada", {"project": "shop", "role": "admin"})
    client_key, server_key = keys_of(api)

    shown = [each.get("/projects/shop/environments/production") for each in (viewer, operator, admin)]
    listed = {each["key"]: each["server_key"] for each in operator.get("/projects/shop/environments")["items"]}

    assert [each["client_key"] for each in shown] == [client_key] * 3
    assert [each["server_key"] for each in shown] == [None, None, server_key]
    assert listed["production"] is None
    assert listed["development"].startswith("ser.")


def test_rotation_is_audited_without_the_key(api: Api) -> None:
    api.make_project()
    before = keys_of(api)

    answered = api.post("/projects/shop/environments/production/keys/server/rotate")

    assert answered["client_key"] == before[0]
    assert answered["server_key"] not in before
    log = api.get("/projects/shop/audit", limit=200)["items"]
    assert (log[0]["event"], log[0]["environment"], log[0]["after"]) == ("environment.key_rotated", "production", {"kind": "server"})
    assert not any(key in json.dumps(log) for key in (*before, answered["server_key"]))


def test_there_are_two_kinds_of_keys(api: Api) -> None:
    api.make_project()

    assert api.request("POST", "/projects/shop/environments/production/keys/master/rotate").status_code == 404
