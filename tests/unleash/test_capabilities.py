"""Pipelines that ask what Unleash can't do are refused, with a pointer to each action."""

from typing import Any

import pytest

from tests.api.answers import pointers, problem_of
from tests.http import Api
from tests.pipelines import allocate, enable, pipeline, rollout, set_value, stage
from tests.unleash.connections import connected_project, connection_to
from tests.unleash.server import UnleashServer
from tests.unleash.source import Source

pytestmark = pytest.mark.xdist_group("unleash")


def stages(key: str) -> list[dict[str, Any]]:
    """Two stages that Unleash can carry out, and four actions that it can't."""
    return [
        stage("On", "development", actions=[enable(), enable(key)]),
        stage("Values", "development", "1h", [set_value("red"), set_value("blue", key)]),
        stage("Off for some", "production", "1h", [enable(key, enabled=False)]),
        stage("Fractions", "production", "1h", [rollout(12.5, 87.5)]),
        stage("Ramp", "production", "1h", [rollout(10, 45)]),
    ]


def test_publishing_and_simulating_name_every_action(api: Api, unleash: UnleashServer) -> None:
    source = Source(unleash)
    source.segment("beta")
    key, project = f"beta-{source.end}", connected_project(api, unleash)
    api.post(f"{project}/pipelines", pipeline(*stages(key), key="mixed"))

    problem = problem_of(api.request("POST", f"{project}/pipelines/mixed/publish"), 422, "publishing_refused")
    simulation = api.post(f"{project}/pipelines/mixed/simulate")

    expected = ["/stages/1/actions/0", "/stages/1/actions/1", "/stages/2/actions/0", "/stages/3/actions/0"]
    assert pointers(problem) == expected
    assert {each["code"] for each in problem["errors"]} == {"not_supported_by_provider"}
    assert [each["pointer"] for each in simulation["obstacles"] if each["code"] == "not_supported_by_provider"] == expected
    assert "Unleash can't disable a flag for a segment only." in problem["errors"][2]["message"]


def test_variants_are_published_if_unleash_can_serve_them(api: Api, unleash: UnleashServer) -> None:
    name = Source(unleash).feature("Split").lower()
    project = connected_project(api, unleash)
    half, third = allocate({"one-page": 50}), allocate({"one-page": 33.3})
    bad = [stage("A", actions=[third]), stage("B", actions=[half]), stage("C", actions=[rollout(10, 45)])]
    api.post(f"{project}/pipelines", pipeline(*bad, key="bad"))
    api.post(f"{project}/pipelines", pipeline(stage("Ramp", actions=[rollout(10, 45)]), stage("Split", actions=[half]), key="good"))

    problem = problem_of(api.request("POST", f"{project}/pipelines/bad/publish"), 422, "publishing_refused")
    api.post(f"{project}/pipelines/good/publish")
    unknown = problem_of(api.request("POST", f"{project}/releases", {"pipeline": "good", "feature": name}), 422, "invalid")
    simulated = api.post(f"{project}/pipelines/good/simulate", {"feature": name})

    assert pointers(problem) == ["/stages/0/actions/0", "/stages/2/actions/0"]
    assert "can't serve variants to shares that are not whole percentages" in problem["errors"][0]["message"]
    assert "can't roll out a flag that serves variants" in problem["errors"][1]["message"]
    assert (unknown["errors"][0]["code"], unknown["errors"][0]["pointer"]) == ("variant_not_found", "/feature")
    assert "variant_not_found" in {each["code"] for each in simulated["obstacles"]}
    problem_of(api.request("PATCH", f"{project}/features/{name}", {"variants": [{"key": "one-page", "value": 7}]}), 422, "value_type_wrong")
    api.request("PATCH", f"{project}/features/{name}", {"variants": [{"key": "one-page", "value": "One"}]}).raise_for_status()
    api.post(f"{project}/releases", {"pipeline": "good", "feature": name})
    problem_of(api.request("PATCH", f"{project}/features/{name}", {"variants": []}), 409, "in_use")
    problem_of(api.request("PATCH", f"{project}/features/{name}", {"name": "Other"}), 409, "flags_kept_elsewhere")


def test_pipeline_that_was_published_before_connecting_is_refused_when_a_flag_is_added(api: Api, unleash: UnleashServer) -> None:
    name = Source(unleash).feature("early")
    project = f"/projects/{api.post('/projects', {'key': f'early-{name[-8:]}'})['key']}"
    for environment in ("development", "production"):
        api.post(f"{project}/environments", {"key": environment})
    api.post(f"{project}/pipelines", pipeline(stage("Value", "development", actions=[set_value("red")]), key="early"))
    api.post(f"{project}/pipelines/early/publish")
    api.request("PUT", f"{project}/connection", connection_to(unleash)).raise_for_status()

    problem = problem_of(api.request("POST", f"{project}/releases", {"pipeline": "early", "feature": name}), 422, "invalid")

    assert pointers(problem) == ["/stages/0/actions/0"]
