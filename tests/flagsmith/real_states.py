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
from tests.flagsmith.project import BOTH, ShopInFlagsmith

VALUES = st.sampled_from(["red", "blue", "", None])
OVERRIDES = st.none() | st.fixed_dictionaries({}, optional={"enabled": st.booleans(), "value": VALUES, "priority": st.integers(0, 4)})
PATCHES = st.fixed_dictionaries(
    {},
    optional={
        "enabled": st.booleans(),
        "value": VALUES,
        "overrides": st.just("remove") | st.dictionaries(st.sampled_from(["beta", "staff", "third"]), OVERRIDES, min_size=1),
    },
)


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
