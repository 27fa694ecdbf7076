"""Connecting projects to a real Unleash, checking connections, and disconnecting."""

from typing import Any

import pytest

from tests.api.answers import pointers, problem_of
from tests.conftest import serve_without_temporal
from tests.http import Api
from tests.pipelines import enable, pipeline, stage
from tests.ports import free_port
from tests.unleash.connections import connected_project, connection_to, new_project, put
from tests.unleash.people import personal_token
from tests.unleash.server import UnleashServer
from tests.unleash.source import Source, constraint

pytestmark = pytest.mark.xdist_group("unleash")

ENVIRONMENTS = {"development": "development", "production": "production"}

SUPPORTED = {"enabled", "enabled_for_segment", "rollout", "variants"}


@pytest.fixture
def source(unleash: UnleashServer) -> Source:
    """A source of features."""
    return Source(unleash)


def test_features_segments_and_environments_are_there_without_typing_them_again(api: Api, unleash: UnleashServer, source: Source) -> None:
    segment = source.segment("Pro users", constraint("plan", "IN", "pro"))
    name = source.feature("Checkout", {"segments": [segment]})
    project = connected_project(api, unleash)

    connection = api.get(f"{project}/connection")
    [feature] = [each for each in api.get(f"{project}/features", limit=200)["items"] if each["name_there"] == name]
    segments = api.get(f"{project}/segments", limit=200)["items"]

    assert connection["environments"] == ENVIRONMENTS
    assert (connection["kind"], connection["address"], connection["has_credential"]) == ("unleash", unleash.address, True)
    assert feature["key"] == name.lower()
    assert list(feature["environments"]) == list(ENVIRONMENTS)
    assert any(feature["foreign"].values()), "the strategy that somebody made is named"
    assert any(each["name"].startswith("Pro users") and each["rules"] == [] for each in segments)


def test_environments_can_have_other_keys_here(api: Api, unleash: UnleashServer) -> None:
    project = connected_project(api, unleash, environments={"live": "production"})

    kept = put(api, project, connection_to(unleash))

    assert kept.json()["environments"] == {"development": "development", "live": "production"}
    assert [each["key"] for each in api.get(f"{project}/environments")["items"]] == ["development", "live"]


@pytest.mark.parametrize(
    ("wrong", "pointer", "message"),
    [
        ({"credential": "*:*.wrong"}, "/credential", "The token is refused"),
        ({"project": "nobody"}, "/project", "There is no project 'nobody'"),
        ({"environments": {"live": "prod"}}, "/environments/live", "'prod' is not enabled"),
        ({"address": "http://127.0.0.1:1"}, "/address", "The connection failed"),
        ({"address": "https://user:secret@unleash.example"}, "/address", "must not contain a user"),
        ({"address": "https://does-not-exist.invalid"}, "/address", "can't be resolved"),
        ({"address": "unleash"}, "/address", "URL"),
    ],
)
def test_what_is_wrong_is_named_where_it_is(api: Api, unleash: UnleashServer, wrong: dict[str, Any], pointer: str, message: str) -> None:
    project = new_project(api)

    problem = problem_of(put(api, project, connection_to(unleash, **wrong)), 422, "invalid")
    checked = api.post(f"{project}/connection/check", connection_to(unleash, **wrong))

    assert pointers(problem) == [pointer]
    assert message in problem["errors"][0]["message"]
    assert [each["pointer"] for each in checked["findings"] if not each["passed"]] == [pointer]
    assert not checked["passed"]
    assert api.get(f"{project}/connection")["kind"] == "builtin"
    assert api.get(f"{project}/environments")["items"] == []


def test_address_of_something_else_is_told_apart(api: Api, unleash: UnleashServer) -> None:
    problem = problem_of(put(api, new_project(api), connection_to(unleash, address=f"{api.address}/")), 422, "invalid")

    assert pointers(problem) == ["/address"]
    assert "Check the address" in problem["errors"][0]["message"]


def test_every_missing_right_is_named_at_once(api: Api, unleash: UnleashServer) -> None:
    body = connection_to(unleash, credential=personal_token(unleash, "Viewer"))

    problem = problem_of(put(api, new_project(api), body), 422, "invalid")

    assert pointers(problem) == ["/environments/development", "/environments/production"]
    assert all("UPDATE_FEATURE_ENVIRONMENT" in each["message"] for each in problem["errors"])


def test_stored_connection_can_be_checked(api: Api, unleash: UnleashServer) -> None:
    project = connected_project(api, unleash)

    checked = api.post(f"{project}/connection/check")

    assert checked["passed"]
    assert {each["pointer"] for each in checked["findings"]} == {
        "/address",
        "/credential",
        "/project",
        "/environments/development",
        "/environments/production",
    }


def test_project_with_flags_of_its_own_is_not_connected(api: Api, unleash: UnleashServer) -> None:
    api.make_project()

    problem = problem_of(put(api, "/projects/shop", connection_to(unleash)), 409, "conflict")

    assert "features or segments of its own" in problem["detail"]


def test_environment_of_ours_must_have_a_name_over_there(api: Api, unleash: UnleashServer) -> None:
    project = new_project(api)
    api.post(f"{project}/environments", {"key": "qa"})

    problem = problem_of(put(api, project, connection_to(unleash)), 422, "invalid")

    assert pointers(problem) == ["/environments/qa"]
    assert api.get(f"{project}/connection")["kind"] == "builtin"


def test_environment_in_use_stays_mapped_and_an_unused_one_can_go(api: Api, unleash: UnleashServer) -> None:
    project = connected_project(api, unleash)
    key = project.rpartition("/")[2]
    api.publish(pipeline(stage("Live", "production", actions=[enable()])), key)

    without = put(api, project, connection_to(unleash, environments={"development": "development"}))
    swapped = put(api, project, connection_to(unleash, environments={"production": "production"}))

    assert problem_of(without, 409, "in_use")["details"]["used_by"][0]["kind"] == "pipeline"
    assert swapped.status_code == 200
    assert [each["key"] for each in api.get(f"{project}/environments")["items"]] == ["production"]


def test_releases_keep_a_project_connected_and_its_connection_can_be_repaired(api: Api, unleash: UnleashServer, source: Source) -> None:
    name = source.feature("Slow")
    project = connected_project(api, unleash)
    key = project.rpartition("/")[2]
    api.publish(pipeline(stage("Dev", "development", "1h", [enable()])), key)
    release = api.add(name.lower(), project=key)

    refused = api.request("DELETE", f"{project}/connection")
    other = put(api, project, connection_to(unleash, project="another"))
    repaired = put(api, project, connection_to(unleash, address=unleash.address.replace("127.0.0.1", "localhost")))
    api.post(f"{project}/releases/{release['id']}/remove")
    disconnected = api.request("DELETE", f"{project}/connection")

    assert problem_of(refused, 409, "in_use")["details"]["used_by"][0]["id"] == release["id"]
    problem_of(other, 409, "in_use")
    assert repaired.status_code == 200
    assert disconnected.status_code == 204
    assert api.get(f"{project}/connection")["kind"] == "builtin"
    assert api.get(f"{project}/features")["items"] == api.get(f"{project}/segments")["items"] == []
    assert api.get(f"{project}/audit", limit=1)["items"][0]["event"] == "provider.disconnected"
    assert api.request("POST", f"{project}/features", {"key": "ours"}).status_code == 201


def test_nothing_is_changed_by_hand_here(api: Api, unleash: UnleashServer, source: Source) -> None:
    name = source.feature("By-hand")
    source.segment("Some", constraint("plan", "IN", "pro"))
    project = connected_project(api, unleash)
    segment = api.get(f"{project}/segments", limit=1)["items"][0]["key"]
    feature = api.get(f"{project}/features/{name.lower()}")["key"]

    for method, path, body in (
        ("POST", "/features", {"key": "new"}),
        ("PATCH", f"/features/{feature}", {"name": "Other"}),
        ("DELETE", f"/features/{feature}", None),
        ("PATCH", f"/environments/development/features/{feature}", {"enabled": True}),
        ("POST", "/segments", {"key": "new"}),
        ("PATCH", f"/segments/{segment}", {"name": "Other"}),
        ("DELETE", f"/segments/{segment}", None),
        ("POST", "/environments", {"key": "new"}),
        ("DELETE", "/environments/development", None),
    ):
        problem = problem_of(api.request(method, project + path, body), 409, "flags_kept_elsewhere")
        assert "Unleash" in problem["detail"]


def test_applications_are_not_served_the_copy(api: Api, unleash: UnleashServer) -> None:
    project = new_project(api)
    for each in ENVIRONMENTS:
        api.post(f"{project}/environments", {"key": each})
    key = api.get(f"{project}/environments/production")["client_key"]
    evaluate: dict[str, Any] = {"headers": {"X-API-Key": key}}

    before = api.client.post(f"{api.address}/ofrep/v1/evaluate/flags", json={"context": {}}, **evaluate)
    put(api, project, connection_to(unleash)).raise_for_status()
    after = api.client.post(f"{api.address}/ofrep/v1/evaluate/flags", json={"context": {}}, **evaluate)
    flagsmith = api.client.get(f"{api.address}/flagsmith/api/v1/flags/", headers={"X-Environment-Key": key})

    assert (before.status_code, after.status_code, flagsmith.status_code) == (200, 401, 401)


def test_view_shows_the_last_known_state_while_unleash_is_down(api: Api, unleash: UnleashServer, source: Source) -> None:
    name = source.feature("Down").lower()
    project = connected_project(api, unleash)
    api.get(f"{project}/features/{name}")

    unleash.kill()
    try:
        shown = api.get(f"{project}/features/{name}")
        listed = [each["key"] for each in api.get(f"{project}/features", limit=200)["items"]]
        added = api.request("POST", f"{project}/connection/check")
    finally:
        unleash.start()

    assert shown["name_there"]
    assert name in listed
    assert [each["pointer"] for each in added.json()["findings"] if not each["passed"]] == ["/address"]


def test_viewer_sees_what_is_connected_but_no_address(api: Api, unleash: UnleashServer) -> None:
    project = connected_project(api, unleash)
    viewer = api.make_key("vera", {"project": project.rpartition("/")[2], "role": "viewer"})

    connection = viewer.get(f"{project}/connection")

    assert (connection["kind"], connection["address"]) == ("unleash", None)
    assert {each["capability"] for each in connection["capabilities"] if each["supported"]} == SUPPORTED
    assert viewer.request("POST", f"{project}/connection/check").status_code == 403


def test_private_addresses_are_refused_unless_a_setting_allows_them(sqlite_url: str, unleash: UnleashServer) -> None:
    for api in serve_without_temporal(sqlite_url, providers_allow_private=False):
        problem = problem_of(put(api, new_project(api), connection_to(unleash)), 422, "invalid")

        assert pointers(problem) == ["/address"]
        assert "FLAGHOIST_PROVIDERS_ALLOW_PRIVATE" in problem["detail"]


def test_unreachable_port_is_an_address_that_does_not_answer(api: Api, unleash: UnleashServer) -> None:
    checked = api.post(f"{new_project(api)}/connection/check", connection_to(unleash, address=f"http://127.0.0.1:{free_port()}"))

    assert [each["pointer"] for each in checked["findings"]] == ["/address"]
