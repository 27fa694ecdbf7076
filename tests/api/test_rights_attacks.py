"""Attempts to change what an environment serves, or to decide for it, without the right on it."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from activities.messages import HeldBack, Made, Refused, Standing
from activities.store.database import Database
from domain.releases.release import NextStep
from tests.activities.acting import act, change, command_for, put_back
from tests.api.answers import problem_of
from tests.api.evaluation.applications import application
from tests.http import Api
from tests.pipelines import approval, enable, hold, pipeline, rollout, stage
from tests.world import world_of

RELEASES, SEGMENTS, STOPS = "/projects/shop/releases", "/projects/shop/segments", "/projects/shop/stops"
FLAG = "/projects/shop/environments/production/features/checkout"
EVERYONE = [{"type": "ALL", "rules": [], "conditions": [{"property": "group", "operator": "NOT_EQUAL", "value": "nobody"}]}]
RAMP = pipeline(stage("Ramp", "production", actions=[rollout()]) | {"gates": [approval()]})


class Shop:
    """The API and its database, in which the test does the work of a worker."""

    def __init__(self, api: Api, database: Database) -> None:
        self.api = api
        self.world = world_of(database)

    def operator(self, name: str, *environments: str) -> Api:
        return self.api.make_key(name, {"project": "shop", "role": "operator", "environments": list(environments)})

    def step(self, release: str, number: int) -> Made | HeldBack | Refused | Standing:
        """Carry out a step of the rollout, as its worker would."""
        with self.world.database.reading() as store:
            record = store.releases.get(release)
            ramp = store.pipelines.version(record.pipeline.id).definition.stages[record.stage_index]
        following = NextStep(step=number + 1, every=timedelta(hours=6))
        command = command_for(
            self.world, record, gates=ramp.gates, step=number, patch=ramp.patch(record.parameters, number), next_step=following
        )
        return change(self.world, command)

    def is_enabled(self) -> bool:
        return bool(self.api.get("/projects/shop/features/checkout")["environments"]["production"]["enabled"])


@pytest.fixture
def shop(api: Api, shared_sqlite: str) -> Iterator[Shop]:
    api.make_project()
    database = Database(shared_sqlite)
    yield Shop(api, database)
    database.close()


def approved_rollout(shop: Shop, adder: Api, **more: Any) -> str:
    """Return a release whose rollout in production was approved by vera, and has made its first step."""
    shop.api.publish(RAMP)
    release = str(adder.add(**more)["id"])
    shop.operator("vera", "production").post(f"{RELEASES}/{release}/approve")
    assert isinstance(shop.step(release, 1), Made)
    return release


def test_retry_of_a_later_step_of_an_approved_rollout_requires_the_right(shop: Shop) -> None:
    """The later steps need no approval, so a retry that overwrites would undo a change by hand in production."""
    dora = shop.operator("dora", "development")
    release = approved_rollout(shop, dora)
    shop.api.patch(FLAG, {"enabled": False})
    assert isinstance(shop.step(release, 2), Refused)

    answer = dora.request("POST", f"{RELEASES}/{release}/retry", {"overwrite": True})

    problem_of(answer, 403, "not_allowed")


def test_rollout_does_not_go_on_if_its_approver_lost_the_right(shop: Shop) -> None:
    release = approved_rollout(shop, shop.operator("dora", "development"))
    [vera] = [key["id"] for key in shop.api.get("/keys")["items"] if key["owner"]["name"] == "vera"]
    shop.api.request("DELETE", f"/keys/{vera}").raise_for_status()

    second = shop.step(release, 2)

    assert isinstance(second, Refused)
    assert second.blocked.code == "right_missing"


def test_overwriting_what_is_changed_by_hand_requires_the_right_to_change_it(shop: Shop) -> None:
    """Otherwise the next step of the rollout enables a flag again that an operator of production has disabled."""
    shop.api.publish(RAMP)
    dora = shop.operator("dora", "development")

    answer = dora.request("POST", RELEASES, {"feature": "checkout", "pipeline": "standard", "on_conflict": "overwrite"})

    problem_of(answer, 403, "not_allowed")


def test_skipping_a_required_approval_requires_the_right(shop: Shop) -> None:
    gated = {"gates": [approval()]}
    shop.api.publish(pipeline(hold("Quality check", "1h", "staging") | gated, stage("Everyone", "production") | gated))
    dora = shop.operator("dora", "development")
    release = dora.add()["id"]

    answer = dora.request("POST", f"{RELEASES}/{release}/skip", {})

    problem_of(answer, 403, "not_allowed")


def test_control_for_a_stage_that_the_release_has_not_reached_is_refused(shop: Shop) -> None:
    """A stage that is acting keeps such a control until the next stage, whose rights were not checked."""
    gated = stage("Everyone", "production", "24h") | {"gates": [approval()]}
    shop.api.publish(pipeline(stage("Development"), stage("Test", wait="1h", actions=[enable("staff")]), gated))
    dora = shop.operator("dora", "development")
    release = dora.add()["id"]
    act(shop.world, shop.world.release(release))

    answer = dora.request("POST", f"{RELEASES}/{release}/advance", {"expected_visit": 3})

    problem_of(answer, 409, "stage_moved")


@pytest.mark.parametrize("road", ["changed", "created anew"])
def test_rollback_restores_no_override_for_other_identities_than_before(shop: Shop, road: str) -> None:
    shop.api.patch(FLAG, {"overrides": {"staff": {"enabled": True}}})
    shop.api.publish(pipeline(stage("Nobody", "production", actions=[enable(enabled=False) | {"overrides": "remove"}])))
    release = shop.api.add()["id"]
    act(shop.world, shop.world.release(release))
    dora, vera = shop.operator("dora", "development"), shop.operator("vera", "production")

    if road == "changed":
        dora.request("PATCH", f"{SEGMENTS}/staff", {"rules": EVERYONE})
    else:
        dora.request("DELETE", f"{SEGMENTS}/staff")
        dora.request("POST", SEGMENTS, {"key": "staff", "rules": EVERYONE})
    vera.post(f"{RELEASES}/{release}/rollback")
    put_back(shop.world, shop.world.release(release))

    customer = application(shop.api).identify("a customer", group="customers")
    assert customer["checkout"] == (False, "classic")


def test_stop_is_not_lifted_by_its_placer_without_the_right(shop: Shop) -> None:
    vera = shop.operator("vera", "production")
    stop = vera.post(STOPS, {"reason": "orders fail", "environment": "production"})["id"]
    vera_in_development = shop.operator("vera", "development")
    shop.api.request("DELETE", f"/keys/{vera.get('/whoami')['id']}").raise_for_status()

    answer = vera_in_development.request("POST", f"{STOPS}/{stop}/lift", {})

    problem_of(answer, 403, "not_allowed")


@pytest.mark.parametrize("name", ["Vera", "VERA", "ｖera"])
def test_person_whose_name_is_written_differently_is_still_one_person(shop: Shop, name: str) -> None:
    shop.api.publish(pipeline(stage("Everyone", "production", "1h") | {"gates": [approval(2)]}))
    release = shop.api.add()["id"]
    shop.operator("vera", "production").post(f"{RELEASES}/{release}/approve")

    answer = shop.operator(name, "production").request("POST", f"{RELEASES}/{release}/approve", {})

    problem_of(answer, 409, "already_approved")


@pytest.mark.parametrize("name", ["Vera", "ｖera"])
def test_person_who_added_the_flag_does_not_approve_under_a_name_written_differently(shop: Shop, name: str) -> None:
    shop.api.publish(pipeline(stage("Everyone", "production", "1h") | {"gates": [approval()]}))
    release = shop.operator("vera", "production").add()["id"]

    answer = shop.operator(name, "production").request("POST", f"{RELEASES}/{release}/approve", {})

    problem_of(answer, 403, "own_release")
