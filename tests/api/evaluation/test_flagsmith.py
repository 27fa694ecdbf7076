"""Flagsmith's SDK API."""

from typing import Any

import pytest

from tests.api.evaluation.applications import Application, application, change, keys_of, soon
from tests.conftest import serve
from tests.http import Api


@pytest.fixture
def shop(api_on_both: Api) -> Api:
    """A project whose flag is enabled in production, with a different value for beta users."""
    api_on_both.make_project()
    change(api_on_both, {"enabled": True, "overrides": {"beta-users": {"value": "beta"}}})
    return api_on_both


def test_flags_without_an_identity_are_the_defaults(shop: Api) -> None:
    app = application(shop)

    [flag] = app.flagsmith("GET", "flags/").json()

    assert flag["feature"] == {"id": flag["id"], "name": "checkout", "type": "STANDARD"}
    assert (flag["enabled"], flag["feature_state_value"], flag["reason"], flag["variant"]) == (True, "classic", "STATIC", None)
    assert app.flagsmith("GET", "flags/?feature=checkout").json() == flag
    assert app.flagsmith("GET", "flags/").headers["cache-control"] == "private, no-cache", "or a proxy would give it to other keys"
    missing = app.flagsmith("GET", "flags/?feature=nothing")
    assert (missing.status_code, missing.json()) == (404, {"detail": "Given feature not found"})


def test_traits_are_stored_and_deleted(shop: Api) -> None:
    app = application(shop)

    assert app.identify("ada", group="beta-users", age=30) == {"checkout": (True, "beta")}
    assert app.identify("ada") == {"checkout": (True, "beta")}, "it is remembered"
    assert app.identify("ada", age=31) == {"checkout": (True, "beta")}
    known = app.flagsmith("GET", "identities/?identifier=ada").json()
    assert known["traits"] == [{"trait_key": "group", "trait_value": "beta-users"}, {"trait_key": "age", "trait_value": 31}]
    assert app.identify("ada", group=None) == {"checkout": (True, "classic")}
    assert app.identify("ada") == {"checkout": (True, "classic")}
    assert app.identify("grace") == {"checkout": (True, "classic")}, "she is somebody else"


def test_transient_traits_and_identities_are_not_stored(shop: Api) -> None:
    app = application(shop)
    passing = {"trait_key": "group", "trait_value": "beta-users", "transient": True}
    body = {"identifier": "ada", "traits": [passing, {"trait_key": "age", "trait_value": 30}]}

    answer = app.flagsmith("POST", "identities/", body).json()

    assert answer["flags"][0]["feature_state_value"] == "beta"
    assert {each["trait_key"]: each["trait_value"] for each in answer["traits"]} == {"group": "beta-users", "age": 30}
    assert app.flagsmith("GET", "identities/?identifier=ada").json()["traits"] == [{"trait_key": "age", "trait_value": 30}]
    assert app.identify("bob", transient=True, group="beta-users") == {"checkout": (True, "beta")}
    assert app.flagsmith("GET", "identities/?identifier=bob").json()["traits"] == []
    unknown = app.flagsmith("GET", "identities/?identifier=ada&transient=true").json()
    assert unknown["traits"] == []


def test_traits_belong_to_one_environment(shop: Api) -> None:
    change(shop, {"enabled": True, "overrides": {"beta-users": {"value": "beta"}}}, environment="staging")
    application(shop).identify("ada", group="beta-users")

    assert application(shop, "staging").identify("ada") == {"checkout": (True, "classic")}


def test_the_document_needs_the_server_key(shop: Api) -> None:
    client_key, server_key = keys_of(shop)

    document = Application(shop, server_key).flagsmith("GET", "environment-document/")
    refused = Application(shop, client_key).flagsmith("GET", "environment-document/")

    assert (refused.status_code, set(refused.json())) == (403, {"detail"})
    assert [state["feature"]["name"] for state in document.json()["feature_states"]] == ["checkout"]
    assert document.json()["api_key"] not in (client_key, server_key)
    assert client_key not in document.text
    assert server_key not in document.text


def test_the_document_is_not_modified_until_something_changes(shop: Api) -> None:
    app = Application(shop, keys_of(shop)[1])
    soon("the second to be over", lambda: "last-modified" in app.flagsmith("GET", "environment-document/").headers)
    first = app.flagsmith("GET", "environment-document/").headers

    for known in ({"If-None-Match": first["etag"]}, {"If-Modified-Since": first["last-modified"]}):
        again = app.flagsmith("GET", "environment-document/", **known)
        assert (again.status_code, again.content) == (304, b"")
    change(shop, {"value": "new"})
    for known in ({"If-None-Match": first["etag"]}, {"If-Modified-Since": first["last-modified"]}):
        changed = app.flagsmith("GET", "environment-document/", **known)
        assert changed.json()["feature_states"][0]["feature_state_value"] == "new", "at once: it is looked up"


ROUTES = [("GET", "flags/"), ("POST", "identities/"), ("GET", "identities/?identifier=ada"), ("GET", "environment-document/")]


@pytest.mark.parametrize("key", ["", "wrong", "ser.wrong", "fh_the_bootstrap_key_of_the_tests", "x" * 5_000, "a\tb", "'; --"])
def test_a_wrong_key_is_rejected(api: Api, key: str) -> None:
    api.make_project()

    for method, path in ROUTES:
        answer = Application(api, key).flagsmith(method, path, {"identifier": "ada"} if method == "POST" else None)
        assert (answer.status_code, set(answer.json())) == (401, {"detail"}), path


BAD = [
    b"", b"{", b"\xff", b"[" * 100_000, b"null", b"[]", b"5", b"{}",
    b'{"identifier": ""}', b'{"identifier": 5}', b'{"identifier": null}', b'{"identifier": "\\u0000"}', b'{"identifier": "\\ud800"}',
    b'{"identifier": "%s"}' % (b"x" * 301),
    b'{"identifier": "a", "traits": {}x', b'{"identifier": "a", "traits": {"a": 1}}', b'{"identifier": "a", "traits": [5]}',
    b'{"identifier": "a", "traits": [{"trait_value": 1}]}', b'{"identifier": "a", "traits": [{"trait_key": 5, "trait_value": 1}]}',
    b'{"identifier": "a", "traits": [{"trait_key": "", "trait_value": 1}]}',
    b'{"identifier": "a", "traits": [{"trait_key": "t", "trait_value": []}]}',
    b'{"identifier": "a", "traits": [{"trait_key": "t", "trait_value": {"a": 1}}]}',
    b'{"identifier": "a", "traits": [{"trait_key": "t", "trait_value": 1e999}]}',
    b'{"identifier": "a", "traits": [{"trait_key": "t", "trait_value": %s}]}' % (b"9" * 30),
    b'{"identifier": "a", "traits": [{"trait_key": "t", "trait_value": "%s"}]}' % (b"9" * 301),
    b'{"identifier": "a", "traits": [{"trait_key": "t", "trait_value": "%s"}]}' % (b"x" * 2_001),
    b'{"identifier": "a", "traits": [%s]}' % b", ".join(b'{"trait_key": "t%d", "trait_value": 1}' % n for n in range(101)),
]  # fmt: skip


def test_bad_input_is_rejected(shop: Api) -> None:
    app = application(shop)

    for body in BAD:
        answer = app.client.post(
            f"{app.address}/flagsmith/api/v1/identities/",
            content=body,
            headers={"X-Environment-Key": app.key, "Content-Type": "application/json"},
        )
        assert (answer.status_code, set(answer.json())) == (400, {"detail"}), body[:80]
    for query in ("", "?identifier=", "?identifier=%00", f"?identifier={'x' * 301}"):
        assert app.flagsmith("GET", f"identities/{query}").status_code == 400


def test_the_number_of_traits_is_limited(shop: Api) -> None:
    app = application(shop)
    told = [{"trait_key": f"t{number}", "trait_value": number} for number in range(100)]
    assert app.flagsmith("POST", "identities/", {"identifier": "ada", "traits": told}).status_code == 200

    answer = app.flagsmith("POST", "identities/", {"identifier": "ada", "traits": [{"trait_key": "more", "trait_value": 1}]})

    assert (answer.status_code, set(answer.json())) == (400, {"detail"})
    assert app.identify("ada", t0=None, more=1) == {"checkout": (True, "classic")}


def test_rotating_a_key_disables_the_old_one_and_keeps_buckets(shop: Api) -> None:
    change(shop, {"rollout": {"percent": 50, "value": "new"}})
    client_key, server_key = keys_of(shop)
    old = Application(shop, client_key)
    everyone = [f"user-{number}" for number in range(30)]
    soon("the rollout", lambda: len({old.identify(each)["checkout"] for each in everyone}) == 2)
    before: dict[str, Any] = {each: old.identify(each) for each in everyone}

    for kind in ("client", "server"):
        shop.post(f"/projects/shop/environments/production/keys/{kind}/rotate")

    soon("the old keys to end", lambda: old.flagsmith("GET", "flags/").status_code == 401)
    server = Application(shop, server_key)
    soon("the old server key to end", lambda: server.flagsmith("GET", "environment-document/").status_code == 401)
    new = application(shop)
    assert new.key != client_key
    assert {each: new.identify(each) for each in everyone} == before


def test_traits_survive_a_restart(sqlite_url: str) -> None:
    for api in serve(sqlite_url):
        api.make_project()
        change(api, {"enabled": True, "overrides": {"beta-users": {"value": "beta"}}})
        application(api).identify("ada", group="beta-users")

    for again in serve(sqlite_url):
        assert application(again).identify("ada") == {"checkout": (True, "beta")}


def test_a_deleted_environment_serves_nothing(shop: Api) -> None:
    app = application(shop, "staging")
    assert app.flagsmith("GET", "flags/").status_code == 200

    shop.request("DELETE", "/projects/shop/environments/staging")

    soon("the key to end", lambda: app.flagsmith("GET", "flags/").status_code == 401)
