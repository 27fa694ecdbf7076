"""Connecting a project to a folder of files for flagd, and what the API says about connections. tests/unleash has the rest."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.api.answers import pointers, problem_of
from tests.conftest import serve_without_temporal
from tests.http import Api
from tests.pipelines import pipeline, rollout, stage
from tests.prometheus import Scrape

HOME = "/projects/elsewhere/connection"
FLAG = {"state": "ENABLED", "variants": {"on": True, "off": False}, "defaultVariant": "off"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder that has one of flagd, with two environments."""
    shop = tmp_path / "flags" / "shop"
    shop.mkdir(parents=True)
    for environment in ("staging", "production"):
        (shop / f"{environment}.json").write_text(json.dumps({"flags": {"checkout": FLAG}}))
    return tmp_path / "flags"


@pytest.fixture
def api(sqlite_url: str, folder: Path) -> Iterator[Api]:
    """An API with an empty project, to which that folder may be connected."""
    for api in serve_without_temporal(sqlite_url, flagd_folder=folder):
        api.post("/projects", {"key": "elsewhere"})
        yield api


def put(api: Api, **body: Any) -> Any:
    """Connect the project, or try to."""
    return api.request("PUT", HOME, {"kind": "flagd", "address": "shop"} | body)


def test_project_without_a_connection_keeps_its_flags_here(api: Api) -> None:
    connection = api.get(HOME)

    assert (connection["kind"], connection["address"], connection["environments"]) == ("builtin", None, {})
    assert all(each["supported"] for each in connection["capabilities"])
    problem_of(api.request("POST", f"{HOME}/check"), 409, "conflict")
    assert api.request("DELETE", HOME).status_code == 204


def test_folder_needs_no_credential(api: Api) -> None:
    refused = put(api, credential="token")
    connected = put(api)

    assert pointers(problem_of(refused, 422, "invalid")) == ["/credential"]
    assert connected.json()["environments"] == {"production": "production", "staging": "staging"}
    assert not connected.json()["has_credential"]
    [feature] = api.get("/projects/elsewhere/features")["items"]
    assert (feature["key"], feature["name_there"]) == ("checkout", "checkout")
    assert api.get("/projects/elsewhere")["provider"] == "flagd"


@pytest.mark.parametrize(
    ("wrong", "pointer"),
    [
        ({"address": "/etc"}, "/address"),
        ({"address": "../other"}, "/address"),
        ({"address": "nowhere"}, "/address"),
        ({"environments": {"live": "prod"}}, "/environments/live"),
        ({"environments": {"live": "production", "again": "production"}}, "/environments"),
        ({"environments": {"Live!": "production"}}, "/environments/Live!"),
        ({"kind": "builtin"}, "/kind"),
        ({"calls": 0}, "/calls"),
        ({"address": ""}, "/address"),
    ],
)
def test_mistake_is_named_where_it_is(api: Api, wrong: dict[str, Any], pointer: str) -> None:
    assert pointers(problem_of(put(api, **wrong), 422, "invalid")) == [pointer]
    assert api.get(HOME)["kind"] == "builtin"


def test_connected_project_is_not_connected_to_another_kind_of_system(api: Api) -> None:
    put(api)

    problem = problem_of(put(api, kind="unleash", address="https://unleash.example", credential="token"), 409, "conflict")

    assert "disconnect it first" in problem["detail"]


def test_environment_can_only_be_moved_while_no_release_uses_it(api: Api, folder: Path) -> None:
    (folder / "shop" / "other.json").write_text(json.dumps({"flags": {"checkout": FLAG}}))
    put(api, environments={"live": "production"})
    api.publish({"key": "standard", "name": "S", "stages": [_stage("live")]}, "elsewhere")
    release = api.add(project="elsewhere")["id"]

    moved = put(api, environments={"live": "other"})
    api.post(f"/projects/elsewhere/releases/{release}/remove")

    assert problem_of(moved, 409, "in_use")["details"]["used_by"][0]["id"] == release
    assert put(api, environments={"live": "other"}).json()["environments"] == {"live": "other"}


def test_deleted_project_leaves_no_credential_behind(api: Api) -> None:
    put(api)

    assert api.request("DELETE", "/projects/elsewhere").status_code == 204
    assert api.request("GET", HOME).status_code == 404


def _stage(environment: str) -> dict[str, Any]:
    trigger = {"type": "WAIT_FOR", "duration": "1h"}
    return {"name": "Live", "environment": environment, "trigger": trigger, "actions": [{"type": "TOGGLE_FEATURE", "enabled": True}]}


def test_rollout_whose_share_depends_on_the_language_has_a_warning(api: Api) -> None:
    put(api)
    ramp = stage("Ramp", "production", "1h", [rollout()])

    draft = api.post("/projects/elsewhere/pipelines", pipeline(ramp, key="ramp"))

    assert [(each["code"], each["pointer"]) for each in draft["warnings"]] == [("rollout_differs_between_sdks", "/stages/0/actions/0")]


def test_broken_files_are_counted_as_an_outage(api: Api, folder: Path) -> None:
    put(api)
    assert Scrape(api.address).value("flaghoist_provider_outages", provider="flagd") == 0
    (folder / "shop" / "production.json").write_text("{")

    api.get("/projects/elsewhere/features/checkout")

    assert Scrape(api.address).value("flaghoist_provider_outages", provider="flagd") == 1
