"""Strategies as what they do, and remarks on those that can't be expressed. What a server no longer lets people create is tested here."""

from typing import Any

import pytest

from activities.providers.copies import unique_key
from activities.providers.unleash.documents import FeatureEnvironment, Payload, Segment
from activities.providers.unleash.strategies import Audience, read
from domain.flags.segment import Condition, Operator, Rule

SEGMENTS = {
    7: Segment(id=7, name="Pro", constraints=[{"contextName": "plan", "operator": "IN", "values": ["pro"]}]),
    8: Segment(id=8, name="Soon", constraints=[{"contextName": "currentTime", "operator": "DATE_AFTER", "value": "2026-01-01T00:00:00Z"}]),
}
A, B = ([{"name": text, "payload": {"type": "string", "value": text}}] for text in "ab")


def environment(*strategies: dict[str, Any], enabled: bool = True, **more: Any) -> FeatureEnvironment:
    listed = [{"id": str(number), "name": "flexibleRollout", "sortOrder": number} | each for number, each in enumerate(strategies)]
    return FeatureEnvironment.model_validate({"name": "development", "enabled": enabled, "strategies": listed, **more})


def share(text: str, **more: Any) -> dict[str, Any]:
    return {"parameters": {"rollout": text, "stickiness": "default"}, **more}


def audiences(*strategies: dict[str, Any]) -> list[Audience]:
    return [each.audience for each in read(environment(*strategies), SEGMENTS).servings]


def remarks(*strategies: dict[str, Any]) -> tuple[str, ...]:
    found = read(environment(*strategies), SEGMENTS)
    assert len(found.servings) < len(strategies)
    return found.remarks


def users(listed: str) -> Audience:
    condition = Condition(property="$.identity.identifier", operator=Operator.IN, value=listed)
    return Audience(rules=(Rule(type="ALL", conditions=(condition,)),))


def test_strategies_that_can_no_longer_be_created_are_read() -> None:
    by_user = {"name": "gradualRolloutUserId", "parameters": {"percentage": "25", "groupId": "g"}}

    assert audiences({"name": "userWithId", "parameters": {"userIds": "ann, zoe"}}, by_user, {"name": "default"}) == [
        users("ann,zoe"),
        Audience(percent=25),
        Audience(),
    ]


def test_order_of_strategies_decides_and_what_is_never_reached_is_left_out() -> None:
    first, second = share("100", segments=[7], sortOrder=9, variants=A), share("100", segments=[7], sortOrder=10, variants=B)

    found = read(environment(first, second, {"name": "default", "sortOrder": 11}, share("30", sortOrder=12)), SEGMENTS)

    assert [each.audience for each in found.servings] == [Audience(segment=7), Audience()]
    assert found.servings[0].payload == Payload(type="string", value="a")
    assert found.remarks == ()


def test_share_of_nobody_serves_nobody() -> None:
    assert audiences(share("0"), share("10")) == [Audience(percent=10)]


def test_variants_of_the_feature_are_those_of_strategies_without_their_own() -> None:
    found = read(environment(share("100", segments=[7], variants=B), share("100"), variants=A), SEGMENTS)

    assert [each.payload.value for each in found.servings if each.payload] == ["b", "a"]


@pytest.mark.parametrize(
    ("strategy", "reason"),
    [
        (share("50", segments=[7]), "it serves 50% of a segment"),
        (share("133"), "'133' is not a whole percentage from 0 to 100"),
        (share("33.3"), "'33.3' is not a whole percentage from 0 to 100"),
        (share("abc"), "'abc' is not a whole percentage from 0 to 100"),
        (
            {"parameters": {"rollout": "50", "stickiness": "sessionId"}},
            "its stickiness is 'sessionId', and only that by user can be copied",
        ),
        (share("100", variants=[*A, *B]), "it splits its users into 2 variants"),
        (share("100", segments=[9]), "its segment 9 is unknown"),
        (share("100", segments=[8]), "it has a constraint on the current time. Use a stage that waits until then"),
        ({"name": "remoteAddress", "parameters": {"IPs": "10.0.0.1"}}, "there is no counterpart of the strategy remoteAddress"),
        ({"name": "userWithId", "parameters": {"userIds": " "}}, "the constraint on 'userId' has no values"),
    ],
)
def test_strategy_that_cannot_be_expressed_is_left_out_with_the_reason(strategy: dict[str, Any], reason: str) -> None:
    assert remarks(strategy | {"title": "Ours"}) == (f"The strategy 'Ours' was not copied, because {reason}.",)


@pytest.mark.parametrize(
    ("constraint", "reason"),
    [
        ({"operator": "STR_CONTAINS", "values": ["A"], "caseInsensitive": True}, "the constraint on 'plan' ignores case"),
        ({"operator": "REGEX", "value": "a+"}, "the operator REGEX has no counterpart"),
        ({"operator": "IN", "values": []}, "the constraint on 'plan' has no values"),
        ({"operator": "NUM_GT", "value": "1e3"}, "'1e3' is not written as a plain number"),
        ({"operator": "SEMVER_GT", "value": "1.2"}, "'1.2' is not a version with three numbers"),
        ({"operator": "STR_CONTAINS", "values": ["x" * 1_001]}, "a value of the constraint on 'plan' is longer than 1000 characters"),
        ({"operator": "STR_CONTAINS", "values": [str(number) for number in range(101)]}, "the constraint on 'plan' has too many values"),
    ],
)
def test_constraint_that_cannot_be_expressed_keeps_its_strategy_out(constraint: dict[str, Any], reason: str) -> None:
    [remark] = remarks(share("100", constraints=[{"contextName": "plan", **constraint}]))

    assert remark == f"The strategy 'flexibleRollout' was not copied, because {reason}."


def test_long_list_takes_several_conditions() -> None:
    listed = [f"user-{number:05}" for number in range(200)]

    [found] = audiences(share("100", constraints=[{"contextName": "userId", "operator": "IN", "values": listed}]))

    [rule] = found.rules[0].rules
    assert rule.type == "ANY"
    assert [len(each.value or "") <= 1_000 for each in rule.conditions] == [True, True, True]
    assert ",".join(each.value or "" for each in rule.conditions).split(",") == listed


def test_second_share_is_left_out() -> None:
    assert remarks(share("10"), share("20")) == ("The strategy 'flexibleRollout' was not copied, because a flag has at most one share.",)


def test_remark_names_a_share_that_came_before_a_segment_with_another_value() -> None:
    found = read(environment(share("10", variants=A), share("100", segments=[7], variants=B)), SEGMENTS)

    assert len(found.servings) == 2
    assert found.remarks == (
        "Whoever is both in the share and in a segment gets the value of the segment. In Unleash, it was that of the share.",
    )


def test_flag_that_is_off_gets_no_overrides() -> None:
    assert read(environment(share("100", segments=[7]), enabled=False), SEGMENTS) == (
        (),
        ("It is off there, so its strategies were not copied.",),
    )


@pytest.mark.parametrize(
    ("name", "taken", "key"),
    [
        ("NewCheckout", [], "newcheckout"),
        ("shop.cart/v2", [], "shop-cart-v2"),
        ("New Checkout", ["new-checkout"], "new-checkout-2"),
        ("x" * 100, ["x" * 64], "x" * 62 + "-2"),
        ("…", [], "unnamed"),
    ],
)
def test_keys_are_like_names_and_unique(name: str, taken: list[str], key: str) -> None:
    assert unique_key(name, taken) == key
