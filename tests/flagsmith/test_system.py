"""The promises of every flag system, for a project of Flagsmith: replayed, or real with `make flagsmith`."""

from typing import Any

import pytest

from activities.providers.flag_system import SystemFeature
from domain.errors import EnvironmentNotFound, FeatureNotFound, Invalid, KeptByOthers, SegmentNotFound
from domain.flags.flag import FeatureType, FlagState, Override
from domain.flags.patch import FlagPatch
from tests.flagsmith.project import BOTH, PLAIN, VERSIONED, ShopInFlagsmith

VARIANTS = [{"type": "unicode", "string_value": "b", "default_percentage_allocation": 30}]


@pytest.mark.parametrize("environment", BOTH)
def test_each_field_is_read_back_and_the_others_stay(shop: ShopInFlagsmith, environment: str) -> None:
    shop.feature("colour", "red")
    steps: list[tuple[dict[str, Any], FlagState]] = [
        ({"enabled": True}, FlagState(enabled=True, value="red")),
        ({"value": "blue"}, FlagState(enabled=True, value="blue")),
        ({"enabled": False, "value": None}, FlagState()),
        ({"value": ""}, FlagState(value="")),
        (
            {"overrides": {"beta": {"enabled": True, "value": "green", "priority": 7}}},
            FlagState(value="", overrides={"beta": Override(enabled=True, value="green", priority=7)}),
        ),
        (
            {"enabled": True, "overrides": {"beta": {"value": "pink"}, "staff": {"enabled": False}}},
            FlagState(
                enabled=True,
                value="",
                overrides={
                    "beta": Override(enabled=True, value="pink", priority=7),
                    "staff": Override(enabled=False, value="", priority=8),
                },
            ),
        ),
        (
            {"value": "red", "overrides": {"beta": {"priority": 9}, "staff": None}},
            FlagState(enabled=True, value="red", overrides={"beta": Override(enabled=True, value="pink", priority=9)}),
        ),
        ({"overrides": "remove"}, FlagState(enabled=True, value="red")),
    ]

    for patch, expected in steps:
        shop.apply("colour", environment, **patch)

        assert shop.state("colour", environment) == expected
    other = next(each for each in BOTH if each != environment)
    assert shop.state("colour", other) == FlagState(value="red")


@pytest.mark.parametrize(
    ("name", "value", "later"), [("limit", 10, -(2**31)), ("dark", True, False), ("text", "a", "ä\n\n1")], ids=["limit", "dark", "text"]
)
def test_values_keep_their_type(shop: ShopInFlagsmith, name: str, value: Any, later: Any) -> None:
    shop.feature(name, value)

    for environment in BOTH:
        shop.apply(name, environment, value=later, overrides={"beta": {"enabled": True, "value": value}})
        state = shop.state(name, environment)

        assert (state.value, type(state.value)) == (later, type(later))
        assert (state.overrides["beta"].value, type(state.overrides["beta"].value)) == (value, type(value))


def test_change_that_is_made_already_is_not_written(shop: ShopInFlagsmith) -> None:
    feature = shop.feature("checkout")
    patch = {"enabled": True, "overrides": {"beta": {"enabled": False}}}

    for environment in BOTH:
        shop.apply("checkout", environment, **patch)
        once = shop.call("GET", f"/features/featurestates/?environment={shop.environments[environment]['id']}&feature={feature}")
        shop.apply("checkout", environment, **patch)

        assert shop.call("GET", f"/features/featurestates/?environment={shop.environments[environment]['id']}&feature={feature}") == once


def test_toggle_keeps_having_no_value(shop: ShopInFlagsmith) -> None:
    feature = shop.feature("checkout")

    for environment in BOTH:
        shop.apply("checkout", environment, enabled=True, overrides={"beta": {"enabled": False}})

        assert [each["value"]["string_value"] for each in shop.states(environment, feature)] == [None, None]


def test_overrides_of_others_stay(shop: ShopInFlagsmith) -> None:
    feature = shop.feature("colour", "red")
    own = shop.segment("of-the-feature", feature=feature)

    for environment in BOTH:
        shop.override(environment, feature, own, 0, "theirs")
        [theirs] = [each for each in shop.states(environment, feature) if each["where"]]

        with pytest.raises(KeptByOthers, match="'beta' would have the priority 0, as the one for 'of-the-feature'"):
            shop.apply("colour", environment, overrides={"beta": {"enabled": True}})
        shop.apply("colour", environment, enabled=True, overrides={"beta": {"enabled": True, "value": "blue", "priority": 3}})
        shop.apply("colour", environment, overrides={"beta": {"priority": 1}})
        shop.apply("colour", environment, overrides="remove")

        assert [each for each in shop.states(environment, feature) if each["where"]] == [theirs]
        assert shop.flag("colour", environment).foreign == (
            "The override for 'of-the-feature' is left alone, because no stage can name that segment.",
        )


def test_variants_stay_and_only_enabled_changes(shop: ShopInFlagsmith) -> None:
    feature = shop.feature("colour", "a", multivariate_options=VARIANTS)

    for environment in BOTH:
        before = shop.states(environment, feature)
        refused: list[dict[str, Any]] = [{"value": "c"}, {"enabled": True, "overrides": {"beta": {"enabled": True}}}]
        for patch in refused:
            with pytest.raises(KeptByOthers, match="'colour' has variants in Flagsmith"):
                shop.apply("colour", environment, **patch)
        assert shop.states(environment, feature) == before

        shop.apply("colour", environment, enabled=True)

        assert shop.states(environment, feature) == [each | {"enabled": True} for each in before]
        assert shop.flag("colour", environment).foreign == (
            "The feature has variants. Flaghoist only enables or disables it for everyone, and leaves the variants as they are.",
        )


def test_text_that_flagsmith_would_cut_changes_nothing(shop: ShopInFlagsmith) -> None:
    shop.feature("colour", "red")

    patches: list[dict[str, Any]] = [{"value": " a"}, {"enabled": True, "overrides": {"beta": {"enabled": True, "value": "a\n"}}}]
    for patch in patches:
        with pytest.raises(Invalid, match="Flagsmith removes spaces and line breaks at the start and the end of a value"):
            shop.apply("colour", PLAIN, **patch)
    assert shop.state("colour", PLAIN) == FlagState(value="red")


def test_integer_that_flagsmith_cannot_store_changes_nothing(shop: ShopInFlagsmith) -> None:
    shop.feature("limit", 1)

    for value in (2**31, -(2**31) - 1):
        with pytest.raises(Invalid, match="Flagsmith stores integers from -2147483648 to 2147483647"):
            shop.apply("limit", VERSIONED, enabled=True, value=value)
    assert shop.state("limit", VERSIONED) == FlagState(value=1)


def test_unknown_names_are_not_found(shop: ShopInFlagsmith) -> None:
    feature = shop.feature("old")
    shop.feature("old-and-new")
    shop.call("PATCH", f"/projects/{shop.id}/features/{feature}/", {"is_archived": True})

    for name in ("old", "unknown"):
        with pytest.raises(FeatureNotFound, match=f"There is no feature '{name}' in the project"):
            shop.system.flags(name, shop.segments)
        with pytest.raises(FeatureNotFound):
            shop.apply(name, PLAIN, enabled=True)
    with pytest.raises(EnvironmentNotFound, match="There is no environment 'Devlopment' in the project"):
        shop.apply("old-and-new", "Devlopment", enabled=True)
    with pytest.raises(SegmentNotFound, match="There is no segment 'bta' in Flagsmith"):
        shop.apply("old-and-new", PLAIN, overrides={"bta": {"enabled": True}})


def test_lists_have_types_and_no_segments_of_single_features(shop: ShopInFlagsmith) -> None:
    toggle = shop.feature("checkout", description="Pays")
    shop.feature("colour", "red")
    shop.feature("limit", 10)
    shop.feature("dark", True)
    shop.feature("later")
    shop.segment("of-the-feature", feature=toggle)
    shop.apply("later", VERSIONED, value=3)

    assert sorted(shop.system.features()) == [
        SystemFeature("checkout", "Pays"),
        SystemFeature("colour", "", FeatureType.STRING),
        SystemFeature("dark", "", FeatureType.BOOLEAN),
        SystemFeature("later", "", FeatureType.INTEGER),
        SystemFeature("limit", "", FeatureType.INTEGER),
    ]
    assert {each.name: each.reference for each in shop.system.segments()} == shop.segments
    assert shop.system.environments() == [PLAIN, VERSIONED]


def test_digest_of_a_segment_changes_with_its_rules_only(shop: ShopInFlagsmith) -> None:
    def digest() -> str:
        return next(each.digest for each in shop.system.segments() if each.name == "beta")

    before = digest()
    shop.change_segment(shop.segments["beta"], "beta", "pro")
    assert digest() == before

    shop.change_segment(shop.segments["beta"], "beta", "free")
    assert digest() != before


def test_identities_with_a_state_of_their_own_are_reported(shop: ShopInFlagsmith) -> None:
    feature = shop.feature("checkout")
    key = shop.environments[PLAIN]["api_key"]
    identity = shop.call("POST", f"/environments/{key}/identities/", {"identifier": "ada"})["id"]
    shop.call("POST", f"/environments/{key}/identities/{identity}/featurestates/", {"feature": feature, "enabled": True})

    shop.apply("checkout", PLAIN, enabled=True)
    shop.apply("checkout", PLAIN, enabled=False)

    assert shop.flag("checkout", PLAIN) == (
        FlagState(),
        ("1 identities have a state of their own, which comes before everything that a stage sets.",),
    )


def test_patch_names_unknown_segments_only_to_remove_them(shop: ShopInFlagsmith) -> None:
    shop.feature("checkout")

    shop.system.apply("checkout", PLAIN, FlagPatch(enabled=True, overrides={"gone": None}), shop.segments)

    assert shop.state("checkout", PLAIN) == FlagState(enabled=True)


def test_flag_is_never_on_with_its_old_value(shop: ShopInFlagsmith) -> None:
    """Without versions, Flagsmith stores *enabled* before the value of the same call."""
    feature = shop.feature("colour", "red")
    shop.apply("colour", PLAIN, overrides={"beta": {"enabled": False, "value": "pink"}})
    sent: list[tuple[bool, Any]] = []
    update_state = shop.api.update_state

    def noting(state: int, document: dict[str, Any]) -> None:
        sent.append((document["enabled"], document["feature_state_value"]["string_value"]))
        update_state(state, document)

    shop.api.update_state = noting  # type: ignore[method-assign]
    shop.apply("colour", PLAIN, enabled=True, value="blue", overrides={"beta": {"enabled": True, "value": "green"}})
    shop.apply("colour", PLAIN, enabled=False, value="red")

    assert sent == [(False, "green"), (True, "green"), (False, "blue"), (True, "blue"), (False, "red")]
    assert [each["enabled"] for each in shop.states(PLAIN, feature)] == [False, True]
