"""Flags that people wrote: what Flaghoist reads as a state, and what it leaves alone."""

import json
from pathlib import Path
from typing import Any

import pytest

from activities.providers.flagd.flagd_files import FlagdFiles
from activities.providers.flagd.folder import FlagFolder
from domain.errors import KeptByOthers
from domain.flags.flag import FlagState, Override, Rollout
from domain.flags.patch import FlagPatch
from tests.flagd.files import COLOUR, KEYS, TOGGLE, flag_of, seen, state, write

THREE = COLOUR | {"state": "ENABLED", "variants": {"red": "red", "blue": "blue", "green": "green"}}
ON, OFF = Override(enabled=True, inherits=("value",), priority=0), Override(enabled=False, inherits=("value",), priority=0)


@pytest.mark.parametrize(
    ("flag", "expected"),
    [
        (TOGGLE | {"targeting": {}}, FlagState()),
        (TOGGLE | {"state": "DISABLED", "defaultVariant": "on"}, FlagState()),
        (TOGGLE | {"variants": {"yes": True}, "defaultVariant": None}, FlagState()),
        (TOGGLE | {"targeting": {"if": [{"$ref": "vip"}, "on"]}}, FlagState(overrides={"vip": ON})),
        (TOGGLE | {"targeting": {"if": [{"$ref": "vip"}, "on", None]}}, FlagState(overrides={"vip": ON})),
        (TOGGLE | {"defaultVariant": "on", "targeting": {"if": [{"$ref": "vip"}, "off"]}}, FlagState(enabled=True, overrides={"vip": OFF})),
        (TOGGLE | {"targeting": {"if": [{"$ref": "vip"}, None, "on"]}}, FlagState(enabled=True, overrides={"vip": OFF})),
        (TOGGLE | {"targeting": {"fractional": [["on", 1], ["off", 3]]}}, FlagState(rollout=Rollout(percent=25, enabled=True))),
        (TOGGLE | {"targeting": {"fractional": [["on", 1], [None, 3]]}}, FlagState(rollout=Rollout(percent=25, enabled=True))),
        (COLOUR, FlagState(value="red")),
        (COLOUR | {"state": "ENABLED"}, FlagState(enabled=True, value="red")),
        (COLOUR | {"state": "ENABLED", "defaultVariant": ""}, FlagState()),
        (
            COLOUR | {"state": "ENABLED", "targeting": {"fractional": [["blue", 1], ["red", 1]]}},
            FlagState(enabled=True, value="red", rollout=Rollout(percent=50, enabled=True, value="blue")),
        ),
        (
            THREE | {"targeting": {"fractional": [["blue", 1], ["green", 1], ["red", 2]]}},
            FlagState(enabled=True, value="red", allocation={"blue": 25, "green": 25}),
        ),
        (
            THREE | {"targeting": {"if": [{"$ref": "vip"}, {"fractional": [["blue", 40], ["red", 60]]}]}},
            FlagState(
                enabled=True, value="red", overrides={"vip": Override(enabled=True, value="red", priority=0, allocation={"blue": 40})}
            ),
        ),
    ],
)
def test_flag_of_people_is_read_as_the_state_that_applications_see(tmp_path: Path, flag: dict[str, Any], expected: FlagState) -> None:
    write(tmp_path, flags={"flag": flag})

    assert state(FlagdFiles(FlagFolder(tmp_path)), "flag") == expected


OWN_RULE = (
    "Its targeting has a rule that Flaghoist can't change. It can change an 'if' over segments, and a 'fractional' with variants, "
    "integer weights above 0 and no bucketing value. Write it so, or remove the targeting."
)
SPLIT = (
    "Its targeting splits people into more than two parts, or those of a segment, and one gets 'off'. "
    "Flaghoist can only do so with variants of strings or integers, named in lower case. Remove the split."
)
OWN_CONDITION = "Its targeting has a condition of its own. Move the condition into $evaluators, and name it with $ref."


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"targeting": {"if": [{"==": [{"var": "email"}, "a@b.example"]}, "on"]}}, OWN_CONDITION),
        ({"targeting": {"if": [{"$ref": "vip"}, "on", {"==": [1, 1]}, "on"]}}, OWN_CONDITION),
        (
            {"targeting": {"if": [True]}},
            "Its targeting has an 'if' without a condition and a result. Complete it, or remove the targeting.",
        ),
        (
            {"targeting": {"if": [{"$ref": "vip"}, True]}},
            "Its targeting has a result that is not the name of a variant. Name a variant there.",
        ),
        (
            {"targeting": {"if": [{"$ref": "vip"}, "on", {"$ref": "vip"}, "off"]}},
            "Its targeting names the same segment twice. Remove the second one, which has no effect.",
        ),
        (
            {"targeting": {"if": [{"$ref": "gone"}, "on"]}},
            "Its targeting names 'gone', which is no condition in $evaluators. Define it there.",
        ),
        (
            {"targeting": {"if": [{"$ref": "Share"}, "on"]}},
            "Its targeting names 'Share', which is no condition in $evaluators. Define it there.",
        ),
        (
            {"targeting": {"if": [{"$ref": "other"}, "on"]}},
            "Its targeting names 'other', which is not a segment of the project. Add the segment.",
        ),
        (
            {"targeting": {"if": [{"$ref": "vip"}, "maybe"]}},
            "It names the variant 'maybe', which it does not have. Add the variant, or name another one.",
        ),
        ({"defaultVariant": "maybe"}, "It names the variant 'maybe', which it does not have. Add the variant, or name another one."),
        ({"defaultVariant": True}, "It names the variant True, which it does not have. Add the variant, or name another one."),
        ({"targeting": {"fractional": [{"var": "email"}, ["on", 50], ["off", 50]]}}, OWN_RULE),
        ({"targeting": {"fractional": [["on", 50]]}}, OWN_RULE),
        ({"targeting": {"fractional": [["on", 1], ["off", 1], ["on", 1]]}}, OWN_RULE),
        ({"targeting": {"fractional": [["on", 1], ["off", 1], ["on", 2]]}}, SPLIT),
        ({"targeting": {"if": [{"$ref": "vip"}, {"fractional": [["on", 1], ["off", 1]]}]}}, SPLIT.replace("'off'", "'on'")),
        (
            {
                "variants": {"A": "1", "b": "2", "c": "3"},
                "targeting": {"fractional": [["A", 1], ["b", 1], ["c", 2]]},
                "defaultVariant": "c",
            },
            SPLIT.replace("'off'", "'A'"),
        ),
        ({"targeting": {"fractional": [["on", 1], ["off", 2]]}}, OWN_RULE),
        ({"targeting": {"fractional": [["on", 0], ["off", 100]]}}, OWN_RULE),
        ({"targeting": {"fractional": [["on", True], ["off", 1]]}}, OWN_RULE),
        ({"targeting": {"fractional": [["on", 1.0], ["off", 1]]}}, OWN_RULE),
        ({"targeting": {"$ref": "vip"}}, OWN_RULE),
        ({"targeting": "on"}, "Its targeting is not an object. Correct it."),
        (
            {"state": "DISABLED", "targeting": {"if": [{"$ref": "vip"}, "on"]}},
            "Its state is DISABLED, so its targeting has no effect. Set the state to ENABLED, or remove the targeting.",
        ),
        ({"state": "enabled"}, "Its state is neither ENABLED nor DISABLED. Correct it."),
        ({"variants": {}}, "It has no variants. Add them."),
        ({"variants": {"on": True, "off": "no"}}, "Its variants have different types: boolean, string. Give them one type."),
        ({"variants": {"on": True, "yes": True}}, "Its variants 'on' and 'yes' have the same value. Remove one of them."),
        (
            {"variants": {"on": {"size": 1}}},
            "Its variant 'on' is not a string, an integer or a boolean. Flaghoist changes no other flags.",
        ),
        ({"variants": {"on": 1.5}}, "Its variant 'on' is not a string, an integer or a boolean. Flaghoist changes no other flags."),
        ({"variants": {"on": None}}, "Its variant 'on' is not a string, an integer or a boolean. Flaghoist changes no other flags."),
        ({"metadata": "x"}, "Its metadata is not an object. Correct it."),
    ],
)
def test_rest_is_foreign_never_counts_as_enabled_and_is_not_changed(tmp_path: Path, change: dict[str, Any], sentence: str) -> None:
    path = write(tmp_path, flags={"flag": TOGGLE | {"defaultVariant": "on"} | change})
    document = json.loads(path.read_text())
    document["$evaluators"] |= {"Share": {"fractional": [["on", 1], ["off", 1]]}, "other": {"var": "other"}}
    path.write_text(json.dumps(document))
    before, files = path.read_bytes(), FlagdFiles(FlagFolder(tmp_path))

    assert seen(files, "flag") == (FlagState(), (sentence,))
    for patch in (FlagPatch(enabled=True), FlagPatch(enabled=False), FlagPatch(rollout=None), FlagPatch(overrides={"vip": None})):
        with pytest.raises(KeptByOthers) as refusal:
            files.apply("flag", "production", patch, KEYS)
        assert str(refusal.value) == f"The flag 'flag' in production.json can't be changed. {sentence}"
    assert path.read_bytes() == before


def test_flag_that_is_not_an_object_is_foreign(tmp_path: Path) -> None:
    write(tmp_path, flags={"flag": 7})

    assert seen(FlagdFiles(FlagFolder(tmp_path)), "flag").foreign == ("Its state is neither ENABLED nor DISABLED. Correct it.",)
    assert FlagdFiles(FlagFolder(tmp_path)).features() == []


def test_feature_with_a_rule_of_people_is_still_a_feature(tmp_path: Path) -> None:
    own = TOGGLE | {"targeting": {"if": [{"==": [{"var": "email"}, "a@b.example"]}, "on"]}}
    write(tmp_path, flags={"rule": own, "twice": TOGGLE | {"variants": {"on": True, "yes": True}}, "size": {"variants": {"wide": 1.5}}})

    assert [each.name for each in FlagdFiles(FlagFolder(tmp_path)).features()] == ["rule", "twice"]


def test_state_after_a_change_by_hand_is_what_applications_see(tmp_path: Path) -> None:
    path, files = write(tmp_path), FlagdFiles(FlagFolder(tmp_path))
    overrides = {"beta": {"enabled": True, "value": "blue", "priority": 7}, "vip": {"enabled": False, "value": "red", "priority": 9}}
    files.apply("colour", "production", FlagPatch(enabled=True, overrides=overrides), KEYS)
    written = flag_of(path, "colour")
    assert written["targeting"] == {"if": [{"$ref": "Beta testers"}, "blue", {"$ref": "vip"}, None, "red"]}

    _by_hand(path, {"targeting": {"if": [{"$ref": "Beta testers"}, "red", {"$ref": "vip"}, None, "red"]}})
    assert state(files, "colour").overrides == {
        "beta": Override(enabled=True, value="red", priority=7),
        "vip": Override(enabled=False, value="red", priority=9),
    }

    _by_hand(path, {"targeting": {"if": [{"$ref": "vip"}, None, {"$ref": "Beta testers"}, "blue", "blue"]}})
    assert state(files, "colour") == FlagState(
        enabled=True,
        value="blue",
        overrides={
            "vip": Override(enabled=False, value="red", priority=0),
            "beta": Override(enabled=True, value="blue", priority=1),
        },
    )

    _by_hand(path, {"targeting": {"if": [{"$ref": "staff"}, "red", {"$ref": "Beta testers"}, "blue"]}})
    assert state(files, "colour").overrides == {
        "staff": Override(enabled=True, value="red", priority=0),
        "beta": Override(enabled=True, value="blue", priority=1),
    }

    _by_hand(path, {"state": "DISABLED", "defaultVariant": "blue", "targeting": {}})
    assert state(files, "colour") == FlagState(value="blue")


@pytest.mark.parametrize("note", ["", "{", "[]", '{"overrides": 1}', '{"enabled": "x", "overrides": {}}', 7, "[" * 100_000])
def test_damaged_note_is_ignored(tmp_path: Path, note: object) -> None:
    path, files = write(tmp_path), FlagdFiles(FlagFolder(tmp_path))
    files.apply("checkout", "production", FlagPatch(overrides={"beta": {"enabled": True, "priority": 4}}), KEYS)
    assert state(files, "checkout").overrides["beta"].priority == 4

    _by_hand(path, {"metadata": {"flaghoist": note, "team": "shop"}})

    assert state(files, "checkout").overrides == {"beta": ON}
    files.apply("checkout", "production", FlagPatch(enabled=True), KEYS)
    assert flag_of(path, "checkout")["metadata"] == {"team": "shop"}


def test_note_about_a_segment_that_was_deleted_is_ignored(tmp_path: Path) -> None:
    write(tmp_path)
    files = FlagdFiles(FlagFolder(tmp_path))
    files.apply("checkout", "production", FlagPatch(overrides={"beta": {"enabled": True, "priority": 4}}), KEYS)

    found = files.flags("checkout", {"vip": "vip"})["production"]

    assert found.foreign == ("Its targeting names 'Beta testers', which is not a segment of the project. Add the segment.",)


def _by_hand(path: Path, change: dict[str, Any]) -> None:
    document = json.loads(path.read_text())
    [feature] = [name for name, flag in document["flags"].items() if "flaghoist" in flag.get("metadata", {})]
    document["flags"][feature] |= change
    path.write_text(json.dumps(document))
