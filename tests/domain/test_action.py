"""The actions of a stage fold into one patch."""

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from domain.action import Action, fold, named_field, patch_in_words
from domain.patch import FlagPatch
from tests.pipelines import enable, set_value

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
    ],
)
def test_actions_fold_into_one_patch_that_reads_as_people_say_it(written: list[dict[str, Any]], folded: dict[str, Any], words: str) -> None:
    patch = fold(actions(*written))

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
def test_every_action_names_one_field(action: dict[str, Any], field: str) -> None:
    assert named_field(*actions(action)) == field


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
    ],
)
def test_an_action_that_makes_no_sense_is_refused(written: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        ACTION.validate_python(written)


def test_a_long_value_is_cut_in_what_people_read() -> None:
    words = patch_in_words(FlagPatch(value="x" * 1_000))

    assert len(words) < 100
    assert words.startswith('set the value "xxx')


def test_a_patch_by_hand_reads_as_people_say_it() -> None:
    patch = FlagPatch.model_validate({"overrides": {"beta": None, "staff": {"inherits": ["value"], "priority": 3}}})

    assert patch_in_words(patch) == "remove the override for beta, inherit value for staff, set the priority 3 for staff"
