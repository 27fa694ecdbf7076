"""An approval is for the segments that it was shown, and nobody without the right changes what an approved stage does."""

from datetime import timedelta
from typing import Any

import pytest

from activities.messages import HeldBack, Made
from activities.store.database import Database
from domain.releases.release import NextStep
from tests.activities.acting import change, command_for
from tests.api.answers import problem_of
from tests.api.test_gates import operator
from tests.http import Api
from tests.pipelines import approval, enable, hold, pipeline, rollout, stage
from tests.world import NOW, world_of

BETA, RELEASES = "/projects/shop/segments/beta-users", "/projects/shop/releases"
FLAG = "/projects/shop/environments/production/features/checkout"
EVERYBODY = {"rules": [{"type": "ALL", "conditions": [{"property": "anything", "operator": "IS_NOT_SET"}]}]}
FOR_BETA = pipeline(stage("Beta", "production", actions=[enable("beta-users")]) | {"gates": [approval()]})


def release_of(api: Api, definition: dict[str, object]) -> str:
    api.make_project()
    api.publish(definition)
    return str(api.add()["id"])


def act_on(url: str, release: str, **more: Any) -> HeldBack | Made:
    """Carry out the current stage, as a worker would."""
    database = Database(url)
    world = world_of(database)
    found = world.release(release)
    with database.reading() as store:
        current = store.pipelines.version(found.pipeline.id).definition.stages[found.stage_index]
    answer = change(world, command_for(world, found, gates=current.gates, **more), NOW)
    database.close()
    assert isinstance(answer, HeldBack | Made)
    return answer


def test_segment_of_an_approved_stage_is_not_changed_without_the_right_there(api_on_both: Api, url_on_both: str) -> None:
    release = release_of(api_on_both, FOR_BETA)
    operator(api_on_both, "vera").post(f"{RELEASES}/{release}/approve")
    only_development = operator(api_on_both, "dan", environment="development")

    refused = problem_of(only_development.request("PATCH", BETA, EVERYBODY), 403, "not_allowed")

    assert refused["details"] == {"environments": ["production"]}
    assert isinstance(act_on(url_on_both, release), Made)


def test_changing_a_segment_makes_the_approval_of_its_stage_lapse(api_on_both: Api, url_on_both: str) -> None:
    release = release_of(api_on_both, FOR_BETA)
    vera = operator(api_on_both, "vera")
    shown = vera.post(f"{RELEASES}/{release}/approve")["approval"]

    api_on_both.patch(BETA, EVERYBODY)

    held = act_on(url_on_both, release)
    assert isinstance(held, HeldBack)
    assert held.held.code == "approval"
    pending = api_on_both.release(release)["approval"]
    assert pending["given"] == []
    assert (shown["segments"][0]["key"], shown["segments"][0]["rules"][0]["conditions"][0]["value"]) == ("beta-users", "beta-users")
    assert pending["segments"][0]["rules"][0]["conditions"][0]["property"] == "anything"
    problem_of(vera.request("POST", f"{RELEASES}/{release}/approve", {"shown": shown["binds"]}), 409, "approval_moved")

    vera.post(f"{RELEASES}/{release}/approve", {"shown": pending["binds"]})
    assert isinstance(act_on(url_on_both, release), Made)


def test_renaming_the_segment_keeps_the_approval(api: Api) -> None:
    release = release_of(api, FOR_BETA)
    operator(api, "vera").post(f"{RELEASES}/{release}/approve")

    api.patch(BETA, {"name": "Beta"})

    assert len(api.release(release)["approval"]["given"]) == 1


def test_changed_priorities_of_overrides_make_an_approval_lapse(api: Api) -> None:
    release = release_of(api, FOR_BETA)
    api.patch(FLAG, {"overrides": {"staff": {"enabled": False, "priority": 5}}})
    operator(api, "vera").post(f"{RELEASES}/{release}/approve")

    api.patch(FLAG, {"overrides": {"staff": {"priority": 0}}})

    assert api.release(release)["approval"]["given"] == []


def test_changed_rules_of_an_override_that_outranks_the_stage_make_its_approval_lapse(api: Api) -> None:
    release = release_of(api, FOR_BETA)
    api.patch(FLAG, {"overrides": {"staff": {"enabled": False, "priority": 0}}})
    operator(api, "vera").post(f"{RELEASES}/{release}/approve")

    api.patch("/projects/shop/segments/staff", EVERYBODY)

    assert api.release(release)["approval"]["given"] == []


@pytest.mark.parametrize("under_way", [True, False], ids=["a release on an archived pipeline", "a published pipeline"])
def test_segment_that_will_be_used_in_production_requires_the_right_there(api: Api, under_way: bool) -> None:
    api.make_project()
    api.publish(pipeline(hold("Wait", "1h", "development"), stage("Beta", "production", "1h", [enable("beta-users")])))
    if under_way:
        api.add()
        api.post("/projects/shop/pipelines/standard/archive")
    only_development = operator(api, "dan", environment="development")

    refused = problem_of(only_development.request("PATCH", BETA, EVERYBODY), 403, "not_allowed")

    assert refused["details"] == {"environments": ["production"]}
    assert only_development.request("PATCH", "/projects/shop/segments/staff", EVERYBODY).status_code == 200


def test_archived_pipeline_without_releases_uses_no_segment(api: Api) -> None:
    api.make_project()
    api.publish(pipeline(stage("Beta", "production", "1h", [enable("beta-users")])))
    api.post("/projects/shop/pipelines/standard/archive")

    assert operator(api, "dan", environment="development").request("PATCH", BETA, EVERYBODY).status_code == 200


def test_key_of_a_deleted_segment_is_used_again_only_with_the_right_on_every_environment(api_on_both: Api) -> None:
    api_on_both.make_project()
    only_development = operator(api_on_both, "dan", environment="development")
    assert only_development.request("DELETE", BETA).status_code == 204
    again = {"key": "beta-users", **EVERYBODY}

    refused = problem_of(only_development.request("POST", "/projects/shop/segments", again), 403, "not_allowed")

    assert refused["details"] == {"environments": ["production", "staging"]}
    assert only_development.request("POST", "/projects/shop/segments", again | {"key": "fresh"}).status_code == 201
    assert api_on_both.post("/projects/shop/segments", again)["key"] == "beta-users"


@pytest.mark.parametrize("control", ["advance", "resume"])
def test_wait_of_an_approved_stage_is_ended_only_with_the_right_there(api: Api, control: str) -> None:
    release = release_of(api, pipeline(stage("Launch", "production", "24h") | {"gates": [approval()]}))
    only_development = operator(api, "dan", environment="development")

    refused = problem_of(only_development.request("POST", f"{RELEASES}/{release}/{control}"), 403, "not_allowed")

    assert refused["details"] == {"environments": ["production"]}


def test_later_step_of_an_approved_rollout_is_retried_only_with_the_right_there(api: Api, shared_sqlite: str) -> None:
    release = release_of(api, pipeline(stage("Ramp", "production", actions=[rollout(every="6h")]) | {"gates": [approval()]}))
    only_development = operator(api, "dan", environment="development")
    retry = f"{RELEASES}/{release}/retry"
    problem_of(only_development.request("POST", retry), 409, "control_not_allowed")
    operator(api, "vera").post(f"{RELEASES}/{release}/approve")

    assert isinstance(act_on(shared_sqlite, release, next_step=NextStep(step=2, every=timedelta(hours=6))), Made)

    refused = problem_of(only_development.request("POST", retry, {"overwrite": True}), 403, "not_allowed")
    assert refused["details"] == {"environments": ["production"]}
