"""Results of flags for identities. Flagsmith's own SDK gets the same results in local evaluation."""

import json
from itertools import pairwise
from typing import Any

import pytest
from flagsmith import Flagsmith
from flagsmith.offline_handlers import OfflineHandler
from hypothesis import given
from hypothesis import strategies as st

from domain.evaluation.environment_document import environment_document
from domain.evaluation.evaluator import Evaluator
from domain.evaluation.identity import Identity
from domain.evaluation.snapshot import ServedFlag, ServedSegment, Snapshot
from domain.flags.flag import FeatureType, FlagState, Override, Rollout
from domain.flags.project import Environment, Feature, Project, Segment
from tests.domain.environment_strategies import KEYS, identities, snapshots
from tests.domain.flag_strategies import PERCENTAGES


class _InMemory(OfflineHandler):
    def __init__(self, snapshot: Snapshot) -> None:
        self.document: Any = json.loads(json.dumps(environment_document(snapshot)))

    def get_environment(self) -> Any:
        return self.document


def local_sdk(snapshot: Snapshot) -> Flagsmith:
    """The official SDK, evaluating our document locally."""
    return Flagsmith(offline_mode=True, offline_handler=_InMemory(snapshot))


@given(snapshots(), st.lists(identities(), min_size=1, max_size=4))
def test_the_official_sdk_gets_the_same_results_in_local_evaluation(snapshot: Snapshot, asked: list[Identity]) -> None:
    evaluator, sdk = Evaluator(snapshot), local_sdk(snapshot)

    for identity in asked:
        ours = {each.flag.feature.key: (each.enabled, each.value, each.reason, each.flag.number) for each in evaluator.evaluate(identity)}
        theirs = sdk.get_identity_flags(identity.identifier, dict(identity.traits)).all_flags()
        one_by_one = {key: evaluator.evaluate_one(key, identity) for key in evaluator.flags}

        assert ours == {flag.feature_name: (flag.enabled, flag.value, flag.reason, flag.feature_id) for flag in theirs}
        assert ours == {key: (each.enabled, each.value, each.reason, each.flag.number) for key, each in one_by_one.items()}


@given(snapshots())
def test_without_an_identity_all_flags_have_their_default(snapshot: Snapshot) -> None:
    ours = [(each.enabled, each.value) for each in Evaluator(snapshot).defaults]

    assert ours == [(flag.state.enabled, flag.state.value) for flag in snapshot.flags]
    assert ours == [(flag.enabled, flag.value) for flag in local_sdk(snapshot).get_environment_flags().all_flags()]


IN_BETA = [{"type": "ALL", "conditions": [{"property": "group", "operator": "EQUAL", "value": "beta"}]}]
IN_TEAM = [{"type": "ALL", "conditions": [{"property": "team", "operator": "IS_SET"}]}]


def snapshot_of(state: FlagState, environment: str = "environment", **rules: list[dict[str, Any]]) -> Snapshot:
    """One flag, and segments with these rules."""
    feature = Feature(id="feature", key="checkout", name="Checkout", type=FeatureType.STRING)
    segments = [Segment.model_validate({"id": key, "key": key, "name": key, "rules": rule}) for key, rule in rules.items()]
    return Snapshot(
        1,
        Project(id="project", key="shop", name="Shop"),
        Environment(id=environment, key="production", name="Production"),
        KEYS,
        1_800_000_000_000_000,
        (ServedFlag(7, feature, state),),
        tuple(ServedSegment(20 + number, segment) for number, segment in enumerate(segments)),
    )


def served(snapshot: Snapshot, identifier: str = "ada", **traits: str) -> tuple[bool, Any]:
    """*Enabled* and the value for an identity."""
    found = Evaluator(snapshot).evaluate_one("checkout", Identity(identifier, traits))
    return found.enabled, found.value


def test_an_override_wins_over_a_rollout_and_a_rollout_over_the_default() -> None:
    overrides = {"beta": Override(enabled=False, value="beta", priority=1_000_000)}
    state = FlagState(enabled=False, value="old", overrides=overrides, rollout=Rollout(percent=99, value="new"))
    snapshot = snapshot_of(state, beta=IN_BETA)
    everyone = [f"user-{number}" for number in range(2_000)]

    assert {served(snapshot, each, group="beta") for each in everyone[:50]} == {(False, "beta")}
    outcomes = [served(snapshot, each) for each in everyone]
    assert set(outcomes) == {(False, "new"), (False, "old")}
    assert outcomes.count((False, "old")) < 60


def test_of_two_overrides_the_one_with_the_lower_priority_wins() -> None:
    overrides = {"beta": Override(enabled=True, value="beta", priority=5), "team": Override(enabled=True, value="team", priority=2)}
    snapshot = snapshot_of(FlagState(overrides=overrides), beta=IN_BETA, team=IN_TEAM)

    assert served(snapshot, group="beta", team="x") == (True, "team")
    assert served(snapshot, group="beta") == (True, "beta")


def test_fields_not_set_by_an_override_or_a_rollout_follow_the_default() -> None:
    inherits = FlagState(enabled=True, value="v", overrides={"beta": Override(enabled=False, inherits=("value",), priority=0)})
    rollout = FlagState(enabled=True, value="v", rollout=Rollout(percent=99, value="new"))

    assert served(snapshot_of(inherits, beta=IN_BETA), group="beta") == (False, "v")
    assert served(snapshot_of(rollout), "user-1") == (True, "new")


def shares(environment: str = "environment") -> dict[float, set[str]]:
    """The identities of 10,000 that are in the share at each percentage."""
    identities = [f"user-{number}" for number in range(10_000)]
    found: dict[float, set[str]] = {}
    for percent in (0.25, 0.5, 1, 5, 10, 25, 50, 75, 99):
        evaluator = Evaluator(snapshot_of(FlagState(rollout=Rollout(percent=percent, enabled=True)), environment))
        found[percent] = {each for each in identities if evaluator.evaluate_one("checkout", Identity(each)).enabled}
    return found


def test_the_share_has_the_right_size_and_no_identity_leaves_as_it_grows() -> None:
    found = shares()

    for percent, inside in found.items():
        deviation = (10_000 * percent * (100 - percent)) ** 0.5 / 100
        assert abs(len(inside) - 100 * percent) < 4 * deviation + 1, f"{percent}%: {len(inside)}"
    steps = list(found.values())
    assert all(before < after for before, after in pairwise(steps))


@given(st.tuples(PERCENTAGES, PERCENTAGES).map(sorted), st.text("abc-0123456789", min_size=1, max_size=12))
def test_who_is_in_a_share_is_in_every_larger_one(percentages: list[float], identifier: str) -> None:
    smaller, larger = (snapshot_of(FlagState(rollout=Rollout(percent=each, enabled=True))) for each in percentages)

    assert served(larger, identifier)[0] or not served(smaller, identifier)[0]


@pytest.mark.parametrize("percent", [0.01, 0.02, 0.29, 0.5, 0.57, 1, 1.15])
def test_the_hash_tells_every_hundredth_of_a_percent_apart(percent: float) -> None:
    """It has 9,998 values, evenly spaced from 0 to 100. So each hundredth adds one more of them."""
    values = [number / 9998 * 100 for number in range(9998)]

    assert sum(value <= percent for value in values) == round(percent * 100)


@pytest.mark.parametrize("percent", [0.01, 0.5, 1, 12.25])
def test_the_official_sdk_has_the_same_share_below_one_percent(percent: float) -> None:
    snapshot = snapshot_of(FlagState(rollout=Rollout(percent=percent, enabled=True)))
    sdk, evaluator = local_sdk(snapshot), Evaluator(snapshot)
    everyone = [f"user-{number}" for number in range(1_000)]

    ours = {each for each in everyone if evaluator.evaluate_one("checkout", Identity(each)).enabled}
    theirs = {each for each in everyone if sdk.get_identity_flags(each).is_feature_enabled("checkout")}

    assert ours == theirs
    assert bool(ours) == (percent > 0.01)


def test_each_environment_has_its_own_share() -> None:
    here, there = shares("here")[50], shares("there")[50]

    assert 0.4 < len(here & there) / len(here) < 0.6


def test_rotating_keys_does_not_change_a_share() -> None:
    snapshot = snapshot_of(FlagState(rollout=Rollout(percent=50, enabled=True)))
    rotated = snapshot._replace(keys=KEYS.model_copy(update={"client_key": "other", "server_key": "ser.other"}))
    everyone = [f"user-{number}" for number in range(500)]

    assert [served(snapshot, each) for each in everyone] == [served(rotated, each) for each in everyone]


def test_without_an_identity_no_segment_or_share_applies() -> None:
    unset = [{"type": "ALL", "conditions": [{"property": "x", "operator": "IS_NOT_SET"}]}]
    state = FlagState(value="old", overrides={"beta": Override(enabled=True, value="beta", priority=0)}, rollout=Rollout(percent=99))

    [found] = Evaluator(snapshot_of(state, beta=unset)).defaults

    assert (found.enabled, found.value) == (False, "old")


@pytest.mark.parametrize("operator", ["REGEX", "MODULO", "IN"])
def test_a_segment_stored_before_its_rules_were_checked_includes_no_one(operator: str) -> None:
    wrong = {"REGEX": "(", "MODULO": "0|1", "IN": "[" * 1_000}[operator]
    rules = [{"type": "NONE", "conditions": [{"property": "x", "operator": operator, "value": wrong}]}]
    snapshot = snapshot_of(FlagState(overrides={"beta": Override(enabled=True, priority=0)}), beta=rules)

    assert served(snapshot, x="5") == (False, None)
    assert local_sdk(snapshot).get_identity_flags("ada", {"x": 5}).is_feature_enabled("checkout") is False


def test_a_pattern_that_exceeds_the_time_limit_does_not_match() -> None:
    rules = [{"type": "ALL", "conditions": [{"property": "x", "operator": "REGEX", "value": r"^(([a-z])+.)+[A-Z]([a-z])+$"}]}]
    snapshot = snapshot_of(FlagState(overrides={"beta": Override(enabled=True, priority=0)}), beta=rules)

    assert served(snapshot, x="a" * 1_500) == (False, None)
    assert served(snapshot, x="abcAbc") == (True, None)


def test_a_trait_cannot_fake_the_result_of_a_pattern() -> None:
    rules = [{"type": "ALL", "conditions": [{"property": "x", "operator": "REGEX", "value": "yes"}]}]
    snapshot = snapshot_of(FlagState(overrides={"beta": Override(enabled=True, priority=0)}), beta=rules)

    assert served(snapshot, **{"x": "no", "pattern 0": "true"}) == (False, None)
