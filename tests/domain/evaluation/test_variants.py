"""Identities keep their variants, for every step of an allocation, and SDKs agree with us."""

from collections import Counter
from itertools import accumulate, pairwise
from typing import Any

import pytest

from domain.evaluation.evaluator import Evaluator, FlagResult
from domain.evaluation.identity import Identity
from domain.evaluation.ofrep import resolution_of
from domain.evaluation.snapshot import ServedFlag, ServedSegment, Snapshot
from domain.flags.allocation import Allocation, Share, grown_to
from domain.flags.flag import FeatureType, FlagState, Rollout
from domain.flags.patch import FlagPatch, OverridePatch
from domain.flags.project import Environment, Feature, Project, Segment
from domain.flags.variant import Variant
from tests.domain.environment_strategies import KEYS, RULES
from tests.domain.evaluation.test_evaluator import local_sdk

VARIANTS = (Variant(key="one", value="one page"), Variant(key="two", value="two pages"), Variant(key="video", value="a film"))
IN_BETA = RULES.validate_python([{"type": "ALL", "conditions": [{"property": "group", "operator": "EQUAL", "value": "beta"}]}])
PEOPLE = [Identity(f"user-{number}") for number in range(100_000)]


def allocated(**shares: float) -> Allocation:
    """Return an allocation of these shares."""
    return {variant: Share(percent=share) for variant, share in shares.items()}


def snapshot(state: FlagState, kind: FeatureType = FeatureType.STRING, salt: int = 7, others: int = 0) -> Snapshot:
    """An environment with a flag in this state, and others that are the same but for their salt."""
    variants = VARIANTS if kind is FeatureType.STRING else tuple(Variant(key=each.key) for each in VARIANTS)
    features = [
        Feature(id=f"f{number}", key=f"flag-{number}", name="Flag", type=kind, variants=variants, salt=salt + number)
        for number in range(1 + others)
    ]
    return Snapshot(
        number=1,
        project=Project(id="project", key="shop", name="Shop"),
        environment=Environment(id="0198-environment", key="production", name="Production"),
        keys=KEYS,
        version=1_800_000_000_000_000,
        flags=tuple(ServedFlag(10 + number, feature, state) for number, feature in enumerate(features)),
        segments=(ServedSegment(5, Segment(id="s", key="beta", name="Beta", rules=IN_BETA)),),
    )


def served(state: FlagState, people: list[Identity] = PEOPLE) -> list[str]:
    """Return the variant of each identity."""
    evaluator = Evaluator(snapshot(state))
    return [_name(result) for each in people for _, result in evaluator.evaluate_targeted(each)]


def _name(result: FlagResult) -> str:
    return result.variant.key if result.variant else "plain"


GROWING = [
    allocated(one=1),
    allocated(one=1, two=5),
    allocated(one=10, two=5),
    allocated(one=10, two=5, video=0.5),
    allocated(one=12.5, two=40, video=0.5),
    allocated(one=12.5, two=40, video=40),
    allocated(one=20, two=40, video=40),
]


@pytest.mark.parametrize("winner", ["one", "video"])
def test_none_of_100_000_identities_moves_except_to_the_winner_while_it_is_ramped(winner: str) -> None:
    state = FlagPatch(allocation=allocated(one=20, two=35.5, video=10)).applied(FlagState())
    before = served(state)
    for share in (40, 55.25, 80, 100):
        state = FlagPatch(allocation=grown_to(state.allocation, winner, share)).applied(state)
        after = served(state)

        assert {new for old, new in zip(before, after, strict=True) if old != new} == {winner}
        assert Counter(after)[winner] == pytest.approx(share * 1_000, abs=500)
        before = after


def test_none_of_100_000_identities_changes_its_variant_while_an_allocation_grows() -> None:
    states = list(
        accumulate((FlagPatch(allocation=each) for each in GROWING), lambda state, patch: patch.applied(state), initial=FlagState())
    )

    for (before, after), allocation in zip(pairwise(map(served, states[1:])), GROWING[1:], strict=True):
        moved = {(old, new) for old, new in zip(before, after, strict=True) if old != new}
        assert {old for old, _ in moved} == {"plain"}
        counts = Counter(after)
        for variant, share in allocation.items():
            assert counts[variant] == pytest.approx(share.percent * 1_000, abs=500)


def test_shipping_a_winner_step_by_step_changes_the_variant_of_no_one_except_to_the_winner() -> None:
    steps = [allocated(one=20, two=20), allocated(one=50, two=50), allocated(one=75, two=25), allocated(one=100)]
    states = accumulate((FlagPatch(allocation=each) for each in steps), lambda state, patch: patch.applied(state), initial=FlagState())

    for before, after in pairwise(served(state, PEOPLE[:20_000]) for state in list(states)[2:]):
        assert {(old, new) for old, new in zip(before, after, strict=True) if old != new} == {("two", "one")}


def test_a_rollback_gives_every_identity_its_variant_back() -> None:
    first = FlagPatch(allocation=allocated(one=10, two=10)).applied(FlagState(value="classic"))
    second = FlagPatch(allocation=allocated(one=50, two=50)).applied(first)
    shipping = FlagPatch(value="one page")
    before = shipping.expanded(second).seen_in(second)

    assert served(before.applied(shipping.applied(second)), PEOPLE[:2_000]) == served(second, PEOPLE[:2_000])


def test_two_features_with_the_same_allocation_are_split_independently() -> None:
    evaluator = Evaluator(snapshot(FlagState(allocation=allocated(one=50)), others=1))

    pairs = Counter(tuple(_name(result) for _, result in evaluator.evaluate_targeted(each)) for each in PEOPLE[:20_000])

    assert all(count == pytest.approx(5_000, abs=300) for count in pairs.values())
    assert len(pairs) == 4


STATES = {
    "a fresh allocation": FlagState(enabled=True, value="plain", allocation=allocated(one=10, two=20.5)),
    "all identities": FlagState(enabled=True, value="plain", allocation=allocated(one=33.33, two=33.33, video=33.34)),
    "with gaps": FlagPatch(allocation=allocated(two=20, video=7)).applied(
        FlagState(
            enabled=True,
            value="plain",
            allocation={"one": Share(percent=10, at=((0, 1_000),)), "two": Share(percent=5, at=((1_000, 1_500),))},
        )
    ),
    "in a rollout of the flag": FlagState(
        enabled=False, value="plain", allocation=allocated(one=50), rollout=Rollout(percent=40, enabled=True)
    ),
    "beside a rollout of a value": FlagState(
        enabled=True, value="plain", allocation=allocated(one=50), rollout=Rollout(percent=40, value="r")
    ),
    "inherited by a segment": FlagPatch(overrides={"beta": OverridePatch(enabled=True)}).applied(FlagState(allocation=allocated(one=30))),
    "of a segment only": FlagPatch(overrides={"beta": OverridePatch(allocation=allocated(one=50, two=10))}).applied(
        FlagState(value="plain")
    ),
    "not of a segment": FlagPatch(overrides={"beta": OverridePatch(value="beta")}).applied(FlagState(allocation=allocated(one=50))),
}


@pytest.mark.parametrize("name", STATES)
def test_the_official_sdk_serves_the_same_variants_in_local_evaluation(name: str) -> None:
    state = STATES[name]
    evaluator, sdk = Evaluator(snapshot(state)), local_sdk(snapshot(state))
    people = [Identity(f"user-{number}", traits) for number in range(300) for traits in ({}, {"group": "beta"})]

    ours = [evaluator.evaluate(each)[0] for each in people]
    theirs = [flag for each in people for flag in sdk.get_identity_flags(each.identifier, dict(each.traits)).all_flags()]

    assert [(each.enabled, each.value, each.reason) for each in ours] == [(each.enabled, each.value, each.reason) for each in theirs]
    control = [each.variant.key if each.variant else "control" if each.is_split else None for each in ours]
    assert control == [each.variant for each in theirs]
    assert len({each.value for each in ours}) > 1


def resolved(state: FlagState, identifier: str, kind: FeatureType = FeatureType.STRING, **traits: Any) -> tuple[Any, ...]:
    """Return reason, variant and value in OFREP."""
    found = resolution_of(Evaluator(snapshot(state, kind)).evaluate_one("flag-0", Identity(identifier, traits)))
    return found["reason"], found["variant"], found.get("value")


def test_ofrep_names_the_variant_or_the_source_of_the_plain_value() -> None:
    everyone = FlagState(enabled=True, value="plain", allocation=allocated(one=100))
    staff = FlagPatch(overrides={"beta": OverridePatch(allocation={"two": Share(percent=0.01)})}).applied(everyone)

    assert resolved(everyone, "ada") == ("SPLIT", "one", "one page")
    assert resolved(FlagState(enabled=True, value="plain", allocation={"one": Share(percent=0.01)}), "ada") == ("SPLIT", "default", "plain")
    assert resolved(staff, "ada", group="beta") == ("SPLIT", "beta", "plain")
    assert resolved(staff, "ada") == ("SPLIT", "one", "one page")


def test_variants_of_a_toggle_have_no_value_and_a_disabled_flag_has_no_variant() -> None:
    on = FlagState(enabled=True, allocation=allocated(one=100))
    off = FlagState(allocation=allocated(one=100))

    assert resolved(on, "ada", FeatureType.TOGGLE) == ("SPLIT", "one", True)
    assert resolved(off, "ada", FeatureType.TOGGLE) == ("STATIC", "default", False)
    assert resolved(off, "ada") == ("DISABLED", "disabled", None)


def test_a_variant_that_the_feature_no_longer_has_serves_the_plain_value() -> None:
    gone = FlagState(enabled=True, value="plain", allocation={"gone": Share(percent=100)})

    assert resolved(gone, "ada") == ("SPLIT", "default", "plain")
