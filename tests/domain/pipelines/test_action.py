"""The actions of a stage, and the patch that they fold into."""

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from domain.flags.patch import FlagPatch
from domain.flags.patch_text import patch_in_words
from domain.pipelines.action import WINNER, Action, PhasedRollout, blanks
from domain.pipelines.fold import fold, ramped_in
from tests.pipelines import allocate, enable, rollout, set_value, ship_winner

ACTION: TypeAdapter[Action] = TypeAdapter(Action)


def actions(*written: dict[str, Any]) -> list[Action]:
    return [ACTION.validate_python(each) for each in written]


@pytest.mark.parametrize(
    ("written", "folded", "words"),
    [
        ([], {}, "nothing"),
        ([enable()], {"enabled": True}, "enable for everyone"),
        ([enable(enabled=False)], {"enabled": False}, "disable for everyone"),
        ([set_value("v2")], {"value": "v2"}, 'set the value "v2" for everyone'),
        ([set_value(None)], {"value": None}, "set no value for everyone"),
        (
            [enable(), set_value("v2")],
            {"enabled": True, "value": "v2"},
            'enable for everyone, set the value "v2" for everyone',
        ),
        ([enable("beta")], {"overrides": {"beta": {"enabled": True}}}, "enable for beta"),
        (
            [enable("beta"), set_value(7, "beta")],
            {"overrides": {"beta": {"enabled": True, "value": 7}}},
            "enable for beta, set the value 7 for beta",
        ),
        (
            [enable("beta"), set_value("x", "staff"), enable(enabled=False)],
            {"enabled": False, "overrides": {"beta": {"enabled": True}, "staff": {"value": "x"}}},
            'disable for everyone, enable for beta, set the value "x" for staff',
        ),
        (
            [enable() | {"overrides": "remove"}],
            {"enabled": True, "overrides": "remove"},
            "enable for everyone, remove all overrides",
        ),
        (
            [enable(), set_value("v2") | {"overrides": "remove"}],
            {"enabled": True, "value": "v2", "overrides": "remove"},
            'enable for everyone, set the value "v2" for everyone, remove all overrides',
        ),
        ([enable() | {"overrides": "keep"}], {"enabled": True}, "enable for everyone"),
        (
            [enable(), allocate({"b": 10, "a": 0.5}), allocate({}, "beta")],
            {"enabled": True, "allocation": {"a": 0.5, "b": 10}, "overrides": {"beta": {"allocation": {}}}},
            "enable for everyone, serve a to 0.5%, b to 10% for everyone, serve no variant for beta",
        ),
        ([allocate({"a": 100}, "beta")], {"overrides": {"beta": {"allocation": {"a": 100}}}}, "serve a to 100% for beta"),
        (
            [allocate({}) | {"overrides": "remove"}],
            {"allocation": {}, "overrides": "remove"},
            "end the allocation for everyone, remove all overrides",
        ),
    ],
)
def test_actions_fold_into_one_patch_with_a_description(written: list[dict[str, Any]], folded: dict[str, Any], words: str) -> None:
    patch = fold(actions(*written), {})

    assert patch.model_dump() == folded
    assert patch_in_words(patch) == words


@pytest.mark.parametrize(
    ("action", "field"),
    [
        (enable(), "enabled"),
        (set_value(1), "value"),
        (enable("beta"), "overrides/beta/enabled"),
        (set_value(1, "beta"), "overrides/beta/value"),
    ],
)
def test_a_plain_action_names_one_field(action: dict[str, Any], field: str) -> None:
    assert [each.named_fields for each in actions(action)] == [(field,)]


def test_a_rollout_names_all_plain_fields() -> None:
    assert [each.named_fields for each in actions(rollout())] == [("enabled", "value", "rollout")]


@pytest.mark.parametrize(
    ("initial", "step", "shares"),
    [
        (10, 30, (10, 40, 70, 100)),
        (10, 40, (10, 50, 90, 100)),
        (50, 50, (50, 100)),
        (100, 1, (100,)),
        (1, 100, (1, 100)),
        (0.5, 49.75, (0.5, 50.25, 100)),
        (0.01, 33.33, (0.01, 33.34, 66.67, 100)),
    ],
)
def test_a_rollout_grows_up_to_100_percent(initial: float, step: float, shares: tuple[float, ...]) -> None:
    (action,) = actions(rollout(initial=initial, step=step))

    assert isinstance(action, PhasedRollout)
    assert action.ramp.shares == shares


def test_each_step_of_a_rollout_is_a_patch_and_the_last_one_ends_the_rollout() -> None:
    stage = actions(rollout(value="v2", overrides="remove"), enable("beta"))

    patches = [fold(stage, {}, step).model_dump() for step in (1, 2, 3, 4)]

    served = {"enabled": True, "value": "v2"}
    assert patches == [
        {"rollout": {"percent": 10, **served}, "overrides": {"beta": {"enabled": True}}},
        {"rollout": {"percent": 40, **served}},
        {"rollout": {"percent": 70, **served}},
        {**served, "rollout": None, "overrides": "remove"},
    ]


def test_each_step_of_a_winner_is_its_share_and_the_last_one_removes_overrides() -> None:
    stage = actions(ship_winner(overrides="remove"), enable("beta"))

    patches = [fold(stage, {WINNER: "one-page"}, step).model_dump() for step in (1, 2, 3)]

    assert patches == [
        {"allocation": {"one-page": 60}, "overrides": {"beta": {"enabled": True}}},
        {"allocation": {"one-page": 80}},
        {"allocation": {"one-page": 100}, "overrides": "remove"},
    ]


def test_the_control_is_shipped_in_the_first_step() -> None:
    patch = fold(actions(ship_winner(overrides="remove")), {WINNER: "control"}, 1)

    assert patch.model_dump() == {"allocation": {}, "overrides": "remove"}


def test_the_steps_of_a_rollout_do_not_depend_on_the_winner_beside_it() -> None:
    stage = actions(rollout(), {"type": "SHIP_WINNER"})

    patches = [fold(stage, {WINNER: "control"}, step).model_dump() for step in (1, 2)]

    assert patches == [{"rollout": {"percent": 10, "enabled": True}, "allocation": {}}, {"rollout": {"percent": 40, "enabled": True}}]


def test_a_winner_that_is_shipped_at_once_is_written_as_before() -> None:
    assert [each.model_dump() for each in actions({"type": "SHIP_WINNER"})] == [{"type": "SHIP_WINNER", "overrides": "keep"}]


@pytest.mark.parametrize(
    ("missing", "message"),
    [
        ({"every": None}, "must have all of initial, step, every"),
        ({"initial": None, "step": None}, "must have all of initial, step, every"),
        ({"step": 0.01}, "at most 1,000 steps"),
    ],
)
def test_a_winner_has_all_fields_of_a_ramp_or_none(missing: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        actions(ship_winner() | missing)


def test_a_rollout_has_a_description() -> None:
    (action,) = actions(rollout(value="v2"))
    assert isinstance(action, PhasedRollout)

    words = [patch_in_words(fold([action], {}, step)) for step in (1, 4)]

    assert words[0] == 'enable and set the value "v2" for 10%'
    assert words[1] == 'end the rollout, enable for everyone, set the value "v2" for everyone'
    assert action.ramp.growth_in_words() == ", then 30% more every 6 h"


def test_a_rollout_below_one_percent_has_a_description() -> None:
    (action,) = actions(rollout(initial=0.5, step=2.25))
    assert isinstance(action, PhasedRollout)

    assert patch_in_words(fold([action], {}, 1)) == "enable for 0.5%"
    assert patch_in_words(fold([action], {}, 3)) == "enable for 5%"
    assert action.ramp.growth_in_words() == ", then 2.25% more every 6 h"


def test_a_rollout_has_at_most_a_thousand_steps() -> None:
    (action,) = actions(rollout(initial=0.1, step=0.1))
    assert isinstance(action, PhasedRollout)

    assert len(action.ramp.shares) == 1_000
    with pytest.raises(ValidationError, match="at most 1,000 steps") as failed:
        actions(rollout(initial=0.09, step=0.1))
    assert failed.value.errors()[0]["loc"] == ("PHASED_ROLLOUT", "step")


def test_a_value_can_come_from_a_parameter() -> None:
    source = {"value_from": {"parameter": "greeting"}}
    stage = actions({"type": "UPDATE_FEATURE_VALUE", **source}, {"type": "UPDATE_FEATURE_VALUE_FOR_SEGMENT", "segment": "beta", **source})

    assert fold(stage, {"greeting": "hi"}).model_dump() == {"value": "hi", "overrides": {"beta": {"value": "hi"}}}
    assert patch_in_words(fold(stage[:1], blanks())) == 'set the value "‹greeting›" for everyone'


@pytest.mark.parametrize(
    "written",
    [
        set_value(None),
        allocate({"a": 10}),
        rollout(),
        rollout(value=None),
        {"type": "UPDATE_FEATURE_VALUE", "value_from": {"parameter": "a"}},
    ],
)
def test_an_action_survives_serialization(written: dict[str, Any]) -> None:
    (action,) = actions(written)

    dumped = action.model_dump(mode="json")

    assert actions(dumped) == [action]
    assert ("value" in dumped) == ("value" in written)
    assert fold(actions(dumped), {"a": "x"}) == fold([action], {"a": "x"})


def test_a_stage_without_a_rollout_has_none() -> None:
    assert ramped_in(actions(enable())) is None


@pytest.mark.parametrize(
    "written",
    [
        {},
        {"type": "PHASED_ROLLOUT"},
        {"type": "toggle_feature", "enabled": True},
        {"type": "TOGGLE_FEATURE"},
        {"type": "TOGGLE_FEATURE", "enabled": None},
        {"type": "TOGGLE_FEATURE", "enabled": "yes"},
        {"type": "TOGGLE_FEATURE", "enabled": True, "segment": "beta"},
        {"type": "TOGGLE_FEATURE", "enabled": True, "overrides": "drop"},
        {"type": "TOGGLE_FEATURE_FOR_SEGMENT", "enabled": True},
        {"type": "TOGGLE_FEATURE_FOR_SEGMENT", "enabled": True, "segment": "Beta users"},
        {"type": "TOGGLE_FEATURE_FOR_SEGMENT", "enabled": True, "segment": "beta", "overrides": "remove"},
        {"type": "UPDATE_FEATURE_VALUE"},
        {"type": "UPDATE_FEATURE_VALUE", "value": [1]},
        {"type": "UPDATE_FEATURE_VALUE_FOR_SEGMENT", "value": 1},
        {"type": "UPDATE_FEATURE_VALUE", "value": 1, "value_from": {"parameter": "a"}},
        {"type": "UPDATE_FEATURE_VALUE", "value_from": {"parameter": "A b"}},
        {"type": "UPDATE_FEATURE_VALUE", "value_from": {"experiment": "a"}},
        {"type": "ALLOCATE_VARIANTS"},
        {"type": "ALLOCATE_VARIANTS_FOR_SEGMENT", "allocation": {"a": 10}},
        allocate({"a": 60, "b": 50}),
        allocate({"a": 0}),
        allocate({"A b": 10}),
        rollout(initial=0),
        rollout(initial=101),
        rollout(step=0),
        rollout(step=101),
        rollout(initial=2.555),
        rollout(step=0.125),
        rollout(initial="10"),
        rollout(initial=True),
        rollout(initial=0.01, step=0.09),
        rollout(every="soon"),
        rollout(enabled="yes"),
    ],
)
def test_an_invalid_action_is_rejected(written: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        ACTION.validate_python(written)


def test_a_long_value_is_truncated_in_the_description() -> None:
    words = patch_in_words(FlagPatch(value="x" * 1_000))

    assert len(words) < 100
    assert words.startswith('set the value "xxx')


def test_a_patch_by_hand_has_a_description() -> None:
    patch = FlagPatch.model_validate({"overrides": {"beta": None, "staff": {"inherits": ["value"], "priority": 3}}})

    assert patch_in_words(patch) == "remove the override for beta, inherit value for staff, set the priority 3 for staff"
