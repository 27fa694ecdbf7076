"""Rollouts over HTTP: their percentages, the shares that releases leave, and flags that are added again."""

from datetime import timedelta
from typing import Any

import pytest

from activities.messages import Made
from activities.store.database import Database
from domain.releases.release import NextStep
from tests.activities.acting import change, command_for
from tests.api.answers import pointers, problem_of
from tests.http import Api
from tests.pipelines import pipeline, rollout, stage
from tests.world import world_of

FLAG = "/projects/shop/environments/production/features/checkout"


def test_removed_release_shows_its_rollout_share_until_the_rollout_ends(api_on_both: Api, url_on_both: str) -> None:
    api_on_both.make_project()
    api_on_both.publish(pipeline(stage("Ramp", "production", actions=[rollout(value="v2")])))
    release = api_on_both.add()["id"]
    database = Database(url_on_both)
    world = world_of(database)
    first = command_for(world, world.release(release), next_step=NextStep(step=2, every=timedelta(hours=6)))
    assert isinstance(change(world, first), Made)
    database.close()

    removed = api_on_both.post(f"/projects/shop/releases/{release}/remove")
    assert removed["rollouts"] == {"production": 10}

    changed = api_on_both.patch(FLAG, {"enabled": False})
    assert changed["warnings"] == ["This ended the rollout at 10%: everyone gets the same state now."]
    assert api_on_both.release(release)["rollouts"] == {}


def test_percentages_have_two_decimals_and_whole_ones_stay_integers(api: Api) -> None:
    api.make_project()
    actions = [rollout(initial=0.1, step=33.3, value="v2")]
    api.publish(pipeline(stage("Ramp", "production", actions=actions)))

    shown = api.get("/projects/shop/pipelines/standard")["stages"][0]
    simulated = api.post("/projects/shop/pipelines/standard/simulate", {"feature": "checkout"})["stages"][0]
    by_hand = api.patch(FLAG, {"rollout": {"percent": 0.5}})["environments"]["production"]["rollout"]
    whole = api.request("PATCH", FLAG, {"rollout": {"percent": 10.0}})

    assert (shown["actions"][0]["initial"], shown["actions"][0]["step"]) == (0.1, 33.3)
    assert simulated["does"] == 'enable and set the value "v2" for 0.1%, then 33.3% more every 6 h'
    assert [repr(step["percent"]) for step in simulated["steps"]] == ["0.1", "33.4", "66.7", "100"]
    assert by_hand == {"percent": 0.5}
    assert '"rollout":{"percent":10}' in whole.text
    assert [entry["after"] for entry in api.get("/projects/shop/audit", event="flag.changed")["items"]] == [
        {"rollout": {"percent": 10}},
        {"rollout": {"percent": 0.5}},
    ]


@pytest.mark.parametrize("wrong", [0, 0.001, 0.125, 33.333, 100.5, "0.5", True, None])
def test_other_percentages_are_rejected_with_a_pointer(api: Api, wrong: Any) -> None:
    api.make_project()
    drafts = [pipeline(stage("Ramp", "production", actions=[rollout(**{field: wrong})])) for field in ("initial", "step")]

    rejected = [api.request("POST", "/projects/shop/pipelines", draft) for draft in drafts]
    by_hand = api.request("PATCH", FLAG, {"rollout": {"percent": wrong}})

    assert [pointers(problem_of(each, 422, "invalid")) for each in rejected] == [
        ["/stages/0/actions/0/initial"],
        ["/stages/0/actions/0/step"],
    ]
    assert pointers(problem_of(by_hand, 422, "invalid")) == ["/rollout/percent"]


def test_adding_a_flag_to_a_lower_share_has_to_be_accepted(api: Api) -> None:
    api.make_project()
    api.publish(pipeline(stage("Ramp", "production", actions=[rollout()])))
    api.patch(FLAG, {"rollout": {"percent": 50, "enabled": True}})
    message = "'Ramp' would lower the rollout in production from 50% to 10%."

    simulated = api.post("/projects/shop/pipelines/standard/simulate", {"feature": "checkout"})
    accepted = api.post("/projects/shop/pipelines/standard/simulate", {"feature": "checkout", "accept": ["lowers_share"]})
    refused = api.request("POST", "/projects/shop/releases", {"feature": "checkout", "pipeline": "standard"})
    release = api.add(accept=["lowers_share"])

    assert simulated["obstacles"] == [{"about": "feature", "code": "lowers_share", "message": message, "pointer": "/accept"}]
    assert accepted["obstacles"] == []
    problem = problem_of(refused, 409, "lowers_share")
    assert (pointers(problem), problem["errors"][0]["message"]) == (["/accept"], message)
    assert release["status"] == "starting"
    [added] = api.get("/projects/shop/audit", event="release.added")["items"]
    assert added["after"]["accept"] == ["lowers_share"]
