"""Random states in a real Flagsmith, and its own SDK as their witness. `make flagsmith` runs them."""

import os
from typing import Any

import pytest
from flagsmith import Flagsmith
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.errors import Invalid
from domain.flags.change import plan_change
from domain.flags.flag import FlagState
from domain.flags.patch import FlagPatch
from domain.percentage import from_hundredths
from tests.flagsmith.project import BOTH, ShopInFlagsmith

VALUES = st.sampled_from(["red", "blue", "", None])
OVERRIDES = st.none() | st.fixed_dictionaries({}, optional={"enabled": st.booleans(), "value": VALUES, "priority": st.integers(0, 4)})
ROLLOUTS = st.none() | st.fixed_dictionaries(
    {"percent": st.integers(1, 9_999).map(from_hundredths)}, optional={"enabled": st.booleans(), "value": VALUES}
)
PATCHES = st.fixed_dictionaries(
    {},
    optional={
        "enabled": st.booleans(),
        "value": VALUES,
        "overrides": st.just("remove") | st.dictionaries(st.sampled_from(["beta", "staff", "third"]), OVERRIDES, min_size=1),
        "rollout": ROLLOUTS,
    },
)

STRAY = 33
"""More than four standard deviations of how many of 200 users a share of any size has."""


@pytest.mark.parametrize("environment", BOTH)
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True)
@given(patches=st.lists(PATCHES, min_size=1, max_size=4), with_others=st.booleans())
def test_random_patches_are_read_back_and_others_stay(
    shop: ShopInFlagsmith, environment: str, patches: list[dict[str, Any]], with_others: bool
) -> None:
    if "third" not in shop.segments:
        shop.segments["third"] = str(shop.segment("third"))
    name = f"feature-{os.urandom(6).hex()}"
    feature = shop.feature(name, "red")
    if with_others:
        shop.override(environment, feature, shop.segment(f"of-{name}", feature=feature), 9, "theirs")
    theirs = [each for each in shop.states(environment, feature) if each["where"]]
    expected = FlagState(value="red")
    for drawn in patches:
        patch = FlagPatch.model_validate(drawn)
        try:
            expected = plan_change(patch, expected, overrides_follow=False).state
        except Invalid:
            with pytest.raises(Invalid):
                shop.system.apply(name, environment, patch, shop.segments)
            continue

        shop.system.apply(name, environment, patch, shop.segments)
        assert shop.state(name, environment) == expected
        once = shop.states(environment, feature)
        shop.system.apply(name, environment, patch, shop.segments)

        assert shop.states(environment, feature) == once
        assert [each for each in once if each["where"] and each["where"][1] == 9] == theirs


@pytest.mark.parametrize("environment", BOTH)
def test_flagsmiths_sdk_serves_what_was_applied(shop: ShopInFlagsmith, environment: str) -> None:
    shop.feature("colour", "red")
    shop.apply("colour", environment, enabled=True, value="green", overrides={"beta": {"enabled": True, "value": "blue"}})
    sdk = Flagsmith(environment_key=shop.environments[environment]["api_key"], api_url=f"{os.environ['FLAGSMITH_ADDRESS']}/api/v1/")

    served = {plan: sdk.get_identity_flags("ada", {"plan": plan}).get_flag("colour") for plan in ("pro", "free")}

    assert {plan: (each.enabled, each.value) for plan, each in served.items()} == {"pro": (True, "blue"), "free": (True, "green")}


@pytest.mark.parametrize("environment", BOTH)
def test_identities_keep_their_variants_when_a_feature_is_enabled(shop: ShopInFlagsmith, environment: str) -> None:
    shop.feature("colour", "a", multivariate_options=[{"type": "unicode", "string_value": "b", "default_percentage_allocation": 50}])
    sdk = Flagsmith(environment_key=shop.environments[environment]["api_key"], api_url=f"{os.environ['FLAGSMITH_ADDRESS']}/api/v1/")

    def served() -> list[Any]:
        return [sdk.get_identity_flags(f"user-{number}").get_flag("colour").value for number in range(30)]

    before = served()
    shop.apply("colour", environment, enabled=True)

    assert set(before) == {"a", "b"}
    assert served() == before


@pytest.mark.parametrize("environment", BOTH)
def test_identities_stay_in_a_growing_share_and_both_ways_of_evaluation_agree(shop: ShopInFlagsmith, environment: str) -> None:
    shop.feature("colour", "red")
    url = f"{os.environ['FLAGSMITH_ADDRESS']}/api/v1/"
    remote = Flagsmith(environment_key=shop.environments[environment]["api_key"], api_url=url)
    local = Flagsmith(
        environment_key=shop.server_key(environment), api_url=url, enable_local_evaluation=True, environment_refresh_interval_seconds=3_600
    )
    users = [f"user-{number}" for number in range(200)]

    def served(sdk: Flagsmith) -> set[str]:
        return {user for user in users if sdk.get_identity_flags(user).get_flag("colour").value == "blue"}

    seen = []
    for percent in (10, 33.33, 75):
        shop.apply("colour", environment, rollout={"percent": percent, "enabled": True, "value": "blue"})
        local.update_environment()
        seen.append(served(local))
        assert served(remote) == seen[-1]
        assert abs(len(seen[-1]) - len(users) * percent / 100) < STRAY
    shop.apply("colour", environment, enabled=True, value="blue")
    local.update_environment()

    assert seen[0] < seen[1] < seen[2] < served(local) == set(users)
    local.environment_data_polling_manager_thread.stop()
