"""The promises of every flag system, for files of flagd."""

import json
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from activities.providers.flagd.flag import FlagdFlag
from activities.providers.flagd.flagd_files import FlagdFiles
from activities.providers.flagd.folder import FlagFolder
from domain.errors import EnvironmentNotFound, FeatureNotFound, Invalid, SegmentNotFound, ValueTypeWrong, VariantNotFound
from domain.flags.allocation import percents
from domain.flags.change import plan_change
from domain.flags.flag import FeatureType, FlagState, Override, Rollout
from domain.flags.patch import FlagPatch
from tests.flagd.files import CONDITIONS, FLAGS, KEYS, TOGGLE, flag_of, state, write
from tests.flagd.states import FEATURES, patches, states

REFERENCES = {reference: key for key, reference in KEYS.items()}
EACH_TYPE = st.sampled_from(list(FEATURES))


@given(EACH_TYPE.flatmap(lambda each: st.tuples(st.just(each), states(each), states(each))))
def test_every_state_is_read_as_it_was_written(drawn: tuple[FeatureType, FlagState, FlagState]) -> None:
    feature_type, first, second = drawn
    definition = json.loads(json.dumps(FLAGS[FEATURES[feature_type]]))

    for wanted in (first, second):
        for edit in FlagdFlag(definition, CONDITIONS).edits(wanted, KEYS):
            _set(definition, edit.path, edit.value)
        assert FlagdFlag(definition, CONDITIONS).state(REFERENCES) == wanted
        assert FlagdFlag(definition, CONDITIONS).edits(wanted, KEYS) == []


@given(EACH_TYPE.flatmap(lambda each: st.tuples(st.just(FEATURES[each]), st.lists(patches(each), max_size=4))))
def test_patches_change_what_they_name_once_and_leave_the_rest_of_the_file_alone(drawn: tuple[str, list[FlagPatch]]) -> None:
    feature, made = drawn
    with TemporaryDirectory() as folder:
        path, files = write(Path(folder)), FlagdFiles(FlagFolder(Path(folder)))
        others = [line for line in path.read_text().splitlines() if feature not in line]

        for patch in made:
            before = state(files, feature)
            try:
                expected = plan_change(patch, before).state
                if expected.rollout and expected.allocation:
                    raise Invalid("flagd can't serve variants to a rollout.")
            except Invalid:
                with pytest.raises(Invalid):
                    files.apply(feature, "production", patch, KEYS)
                expected = before
            else:
                files.apply(feature, "production", patch, KEYS)
            assert state(files, feature) == expected
            written = path.stat().st_mtime_ns, path.stat().st_ino
            if expected != before:
                files.apply(feature, "production", plan_change(patch, before).after, KEYS)
            assert (path.stat().st_mtime_ns, path.stat().st_ino) == written

        document = json.loads(path.read_text())
        assert {name: each for name, each in document["flags"].items() if name != feature} == {
            name: each for name, each in FLAGS.items() if name != feature
        }
        assert document["$evaluators"] == CONDITIONS
        assert others
        assert path.read_text().endswith("}\n")


def _set(definition: dict[str, object], path: tuple[str, ...], value: object) -> None:
    target = definition
    for key in path[:-1]:
        target = target[key]  # type: ignore[assignment]
    if value is None and path[0] == "metadata":
        del target[path[-1]]
    else:
        target[path[-1]] = value


def test_rest_of_the_file_is_kept_byte_for_byte(tmp_path: Path) -> None:
    before = (
        '{ "flags" : {\n    "people\\u0027s": {"state":"ENABLED", "variants" : {"a":1.50,"b":2e3 }, "defaultVariant":"a",'
        '"targeting": {"if":[ true , "b"]}},\n'
        '    "checkout": {"state": "ENABLED", "variants": {"off": false,   "on": true}, "defaultVariant": "off", '
        '"metadata": {"team": "é"}}\n'
        '}, "$evaluators": { "vip": {"==":[{"var":"tier"},"vip"]} },   "metadata": {"version":"7"}, "own": [1.0]}'
    )
    (tmp_path / "production.json").write_text(before)
    files = FlagdFiles(FlagFolder(tmp_path))

    files.apply("checkout", "production", FlagPatch(enabled=True), KEYS)

    assert (tmp_path / "production.json").read_text() == before.replace('"defaultVariant": "off"', '"defaultVariant": "on"')

    files.apply("checkout", "production", FlagPatch(overrides={"vip": {"enabled": False}}), KEYS)
    files.apply("checkout", "production", FlagPatch(enabled=False, overrides={"vip": None}), KEYS)

    assert (tmp_path / "production.json").read_text() == before.replace('{"team": "é"}}', '{"team": "é"}, "targeting": {}}')


def test_state_that_can_be_seen_takes_no_note(tmp_path: Path) -> None:
    path, files = write(tmp_path), FlagdFiles(FlagFolder(tmp_path))

    files.apply(
        "checkout", "production", FlagPatch(overrides={"beta": {"enabled": True}}, rollout=Rollout(percent=12.5, enabled=True)), KEYS
    )

    assert flag_of(path, "checkout") == TOGGLE | {
        "targeting": {"if": [{"$ref": "Beta testers"}, "on", {"fractional": [["on", 1250], ["off", 8750]]}]}
    }


def test_value_of_a_disabled_flag_is_kept(tmp_path: Path) -> None:
    path, files = write(tmp_path), FlagdFiles(FlagFolder(tmp_path))

    files.apply("colour", "production", FlagPatch(value="green"), KEYS)
    assert flag_of(path, "colour") == {
        "state": "DISABLED",
        "variants": {"red": "red", "blue": "blue", "green": "green"},
        "defaultVariant": "green",
    }

    files.apply("colour", "production", FlagPatch(overrides={"beta": {"enabled": True, "value": "blue"}}), KEYS)
    assert flag_of(path, "colour")["state"] == "ENABLED"
    assert flag_of(path, "colour")["defaultVariant"] is None
    assert state(files, "colour").value == "green"

    files.apply("colour", "production", FlagPatch(enabled=True, overrides={"beta": None}), KEYS)
    assert flag_of(path, "colour")["defaultVariant"] == "green"
    assert flag_of(path, "colour")["metadata"] == {}


def test_segment_without_the_value_leaves_it_to_everybody_else(tmp_path: Path) -> None:
    path, files = write(tmp_path), FlagdFiles(FlagFolder(tmp_path))

    files.apply("limit", "production", FlagPatch(overrides={"staff": {"enabled": False}}), KEYS)

    assert flag_of(path, "limit")["targeting"] == {"if": [{"$ref": "staff"}, None, "few"]}
    assert flag_of(path, "limit")["defaultVariant"] is None
    assert state(files, "limit") == FlagState(
        enabled=True, value=10, overrides={"staff": Override(enabled=False, inherits=("value",), priority=0)}
    )


def test_share_that_is_not_whole_is_not_rounded(tmp_path: Path) -> None:
    path, files = write(tmp_path), FlagdFiles(FlagFolder(tmp_path))

    for percent in (0.01, 29, 33.33, 57.5, 99.99):
        files.apply("checkout", "production", FlagPatch(rollout=Rollout(percent=percent, enabled=True)), KEYS)
        assert state(files, "checkout").rollout == Rollout(percent=percent, enabled=True)

    assert flag_of(path, "checkout")["targeting"] == {"fractional": [["on", 9999], ["off", 1]]}


def test_new_value_becomes_a_variant_with_a_plain_name_that_is_free(tmp_path: Path) -> None:
    path, files = (
        write(tmp_path, flags={"colour": FLAGS["colour"] | {"variants": {"red": "blue", "value": "x"}}}),
        FlagdFiles(FlagFolder(tmp_path)),
    )

    for value in ("red", "größer", ""):
        files.apply("colour", "production", FlagPatch(value=value), KEYS)

    assert flag_of(path, "colour")["variants"] == {"red": "blue", "value": "x", "red-2": "red", "value-2": "größer", "value-3": ""}


@pytest.mark.parametrize(
    ("feature", "environment", "patch", "error", "message"),
    [
        (
            "checkuot",
            "production",
            {"enabled": True},
            FeatureNotFound,
            "There is no flag 'checkuot' in the files. Did you mean 'checkout'?",
        ),
        ("checkout", "prod", {"enabled": True}, EnvironmentNotFound, "There is no file prod.json in {}. Did you mean 'production'?"),
        (
            "checkout",
            "../production",
            {"enabled": True},
            EnvironmentNotFound,
            "There is no file ../production.json in {}. Did you mean 'production'?",
        ),
        (
            "checkout",
            "package",
            {"enabled": True},
            EnvironmentNotFound,
            "package.json has no 'flags'. Add them, or name another environment.",
        ),
        ("checkout", "production", {"overrides": {"new": {"enabled": True}}}, SegmentNotFound, "There is no segment 'new'."),
        (
            "checkout",
            "production",
            {"overrides": {"gone": {"enabled": True}}},
            SegmentNotFound,
            "production.json has no condition 'Gone' in $evaluators, which is the segment 'gone'. Add it.",
        ),
        ("checkout", "production", {"value": "x"}, ValueTypeWrong, "The value is of type string, but the feature accepts no value."),
        ("limit", "production", {"value": "x"}, ValueTypeWrong, "The value is of type string, but the feature accepts integer values."),
        (
            "colour",
            "production",
            {"rollout": {"percent": 1, "value": 3}},
            ValueTypeWrong,
            "The value of the rollout is of type integer, but the feature accepts string values.",
        ),
        (
            "colour",
            "production",
            {"overrides": {"vip": {"value": True}}},
            ValueTypeWrong,
            "The value for 'vip' is of type boolean, but the feature accepts string values.",
        ),
    ],
)
def test_change_that_is_impossible_is_refused_and_the_file_stays(
    tmp_path: Path, feature: str, environment: str, patch: object, error: type[Exception], message: str
) -> None:
    before = write(tmp_path).read_bytes()
    (tmp_path / "package.json").write_text('{"name": "flags"}')

    with pytest.raises(error) as refusal:
        FlagdFiles(FlagFolder(tmp_path)).apply(feature, environment, FlagPatch.model_validate(patch), KEYS | {"gone": "Gone"})

    assert str(refusal.value) == message.format(tmp_path)
    assert (tmp_path / "production.json").read_bytes() == before


def test_flag_without_the_variant_or_with_a_rollout_is_refused(tmp_path: Path) -> None:
    path, files = write(tmp_path), FlagdFiles(FlagFolder(tmp_path))
    files.apply("colour", "production", FlagPatch(rollout=Rollout(percent=5, enabled=True)), KEYS)
    before = path.read_text()

    with pytest.raises(VariantNotFound, match=r"The feature has no variant 'bleu'. Did you mean 'blue'") as unknown:
        files.apply("colour", "production", FlagPatch.model_validate({"allocation": {"bleu": 5}, "rollout": None}), KEYS)
    with pytest.raises(VariantNotFound, match="It has none"):
        files.apply("checkout", "production", FlagPatch.model_validate({"allocation": {"on": 5}}), KEYS)
    with pytest.raises(Invalid, match="can't serve variants to a rollout"):
        files.apply("colour", "production", FlagPatch.model_validate({"allocation": {"blue": 5}}), KEYS)

    assert [each.pointer for each in unknown.value.problems] == ["/allocation/bleu"]
    assert path.read_text() == before


def test_disabled_flag_keeps_its_allocation(tmp_path: Path) -> None:
    path, files = write(tmp_path), FlagdFiles(FlagFolder(tmp_path))
    files.apply("colour", "production", FlagPatch.model_validate({"enabled": True, "allocation": {"blue": 5, "green": 7}}), KEYS)
    split = flag_of(path, "colour")["targeting"]

    files.apply("colour", "production", FlagPatch(enabled=False), KEYS)
    assert (flag_of(path, "colour")["state"], flag_of(path, "colour")["targeting"]) == ("DISABLED", {})
    assert percents(state(files, "colour").allocation) == {"blue": 5, "green": 7}
    files.apply("colour", "production", FlagPatch(enabled=True), KEYS)

    assert flag_of(path, "colour")["targeting"] == split == {"fractional": [["blue", 5], ["green", 7], ["red", 88]]}
    assert "metadata" not in flag_of(path, "colour") or "flaghoist" not in flag_of(path, "colour")["metadata"]
