"""Applications that ask flagd's own evaluators get what a flag's state says."""

from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from activities.providers.flagd.flagd_files import FlagdFiles
from activities.providers.flagd.folder import FlagFolder
from domain.flags.allocation import percents
from domain.flags.flag import FeatureType, FlagState, Rollout
from domain.flags.patch import FlagPatch, OverridePatch
from tests.flagd.evaluators import EVALUATORS, Question
from tests.flagd.files import FLAGS, KEYS, flag_of, state, write
from tests.flagd.states import FEATURES, states

Ask = Callable[[str, Sequence[Question]], list[Any]]

MEMBERS = {"beta": {"email": "ann@beta.example"}, "staff": {"group": "board"}, "vip": {"tier": "vip"}}
PEOPLE = [("beta",), ("staff",), ("vip",), ("beta", "vip"), ("staff", "vip"), ("beta", "staff", "vip"), ()]
FALLBACKS: dict[FeatureType, list[Any]] = {
    FeatureType.TOGGLE: [True, False],
    FeatureType.STRING: ["application's own"],
    FeatureType.INTEGER: [-99],
}
CROWD = [{"targetingKey": f"user-{number}"} for number in range(2_000)]


@pytest.fixture(params=list(EVALUATORS))
def ask(request: pytest.FixtureRequest) -> Ask:
    return EVALUATORS[request.param]


@given(drawn=st.fixed_dictionaries({each: st.lists(states(each), min_size=15, max_size=15) for each in FEATURES}))
@settings(max_examples=4, deadline=None, suppress_health_check=list(HealthCheck))
def test_applications_get_what_the_state_says(ask: Ask, drawn: dict[FeatureType, list[FlagState]]) -> None:
    flags = {f"{kind}-{number}": (kind, wanted) for kind, each in drawn.items() for number, wanted in enumerate(each)}
    with TemporaryDirectory() as folder:
        path = write(Path(folder), flags={name: FLAGS[FEATURES[kind]] for name, (kind, _) in flags.items()})
        files = FlagdFiles(FlagFolder(Path(folder)))
        for name, (_, wanted) in flags.items():
            files.apply(name, "production", _patch_to(wanted), KEYS)
            assert state(files, name) == wanted

        questions, allowed = list[Question](), list[list[Any]]()
        for name, (kind, wanted) in flags.items():
            for number, segments in enumerate(PEOPLE):
                context = {"targetingKey": f"user-{number}"} | {key: text for each in segments for key, text in MEMBERS[each].items()}
                for fallback in FALLBACKS[kind]:
                    questions.append(Question(name, kind, fallback, context))
                    allowed.append([fallback if each is None else each for each in _served(wanted, kind, segments)])
        answers = ask(path.read_text(), questions)

    wrong = [(*each, answer, right) for each, answer, right in zip(questions, answers, allowed, strict=True) if answer not in right]
    assert wrong == []


def test_growing_share_keeps_everyone_and_has_its_size(ask: Ask, tmp_path: Path) -> None:
    path, files = write(tmp_path), FlagdFiles(FlagFolder(tmp_path))
    questions = [Question("checkout", FeatureType.TOGGLE, False, each) for each in CROWD]
    before: set[int] = set()

    for percent in (1, 12.5, 33, 33.33, 50, 80.01, 99):
        files.apply("checkout", "production", FlagPatch(rollout=Rollout(percent=percent, enabled=True)), KEYS)
        answers = ask(path.read_text(), questions)
        now = {number for number, enabled in enumerate(answers) if enabled}
        assert before <= now
        assert abs(len(now) / len(CROWD) - percent / 100) < 0.035
        before = now

    files.apply("checkout", "production", FlagPatch(enabled=True), KEYS)
    assert all(ask(path.read_text(), questions))
    assert flag_of(path, "checkout")["targeting"] == {}


def test_whole_and_fractional_percentages_include_the_same_people(ask: Ask, tmp_path: Path) -> None:
    write(tmp_path)
    whole = '{"flags": {"f": {"state": "ENABLED", "variants": {"a": "a", "b": "b"}, "targeting": {"fractional": [["a", 37], ["b", 63]]}}}}'
    questions = [Question("f", FeatureType.STRING, "", each) for each in CROWD]

    assert ask(whole, questions) == ask(whole.replace("37", "3700").replace("63", "6300"), questions)


def test_other_values_of_a_rollout_reach_their_share(ask: Ask, tmp_path: Path) -> None:
    path, files = write(tmp_path), FlagdFiles(FlagFolder(tmp_path))
    files.apply("colour", "production", FlagPatch(rollout=Rollout(percent=40, enabled=True, value="blue")), KEYS)

    answers = ask(path.read_text(), [Question("colour", FeatureType.STRING, "own", each) for each in CROWD])

    assert set(answers) == {"blue", "own"}
    assert abs(answers.count("blue") / len(CROWD) - 0.4) < 0.035


def test_people_keep_their_variants_while_shares_change(ask: Ask, tmp_path: Path) -> None:
    path, files = write(tmp_path), FlagdFiles(FlagFolder(tmp_path))
    questions = [Question("colour", FeatureType.STRING, "own", each) for each in CROWD]
    steps: list[dict[str, float]] = [{"blue": 10, "green": 10.5}, {"blue": 30, "green": 20}, {"blue": 25, "green": 40}, {"green": 100}]
    seen, sizes = list[list[Any]](), list[dict[str, float]]()

    for step in steps:
        files.apply("colour", "production", FlagPatch.model_validate({"enabled": True, "allocation": step}), KEYS)
        assert percents(state(files, "colour").allocation) == step
        seen.append(ask(path.read_text(), questions))
        sizes.append({each: seen[-1].count(each) / len(CROWD) * 100 for each in ("blue", "green")})

    assert all(abs(size[each] - step.get(each, 0)) < 3.5 for step, size in zip(steps, sizes, strict=True) for each in size)
    changes = [{pair for pair in zip(*each, strict=True) if pair[0] != pair[1]} for each in pairwise(seen)]
    assert changes == [
        {("red", "blue"), ("red", "green")},
        {("blue", "green"), ("red", "green")},
        {("blue", "green"), ("red", "green")},
    ]


def test_people_without_a_targeting_key_get_the_plain_value(ask: Ask, tmp_path: Path) -> None:
    path, files = write(tmp_path), FlagdFiles(FlagFolder(tmp_path))
    files.apply("colour", "production", FlagPatch.model_validate({"enabled": True, "allocation": {"blue": 60, "green": 40}}), KEYS)

    assert ask(path.read_text(), [Question("colour", FeatureType.STRING, "own", {})]) == ["red"]


def _patch_to(wanted: FlagState) -> FlagPatch:
    overrides = {segment: OverridePatch(**_named(each.model_dump())) for segment, each in wanted.overrides.items()}
    return FlagPatch(enabled=wanted.enabled, value=wanted.value, allocation=wanted.allocation, overrides=overrides, rollout=wanted.rollout)


def _named(override: dict[str, Any]) -> dict[str, Any]:
    return {key: each for key, each in override.items() if key not in override["inherits"]}


def _served(wanted: FlagState, kind: FeatureType, segments: Sequence[str]) -> list[Any]:
    """Return what somebody in these segments may get: one thing, or either of two if a share decides. None is their own default."""
    present = sorted((each for each in segments if each in wanted.overrides), key=lambda each: wanted.overrides[each].priority)
    segment = present[0] if present else None
    enabled, value = wanted.resolved(segment) if segment else (wanted.enabled, wanted.value)
    allocation = wanted.allocated(segment) if enabled else {}
    served = [FLAGS[FEATURES[kind]]["variants"][variant] for variant in allocation]
    if sum(share.percent for share in allocation.values()) < 100:
        served.append(_of(kind, enabled, value))
    return [*served, _of(kind, *wanted.in_rollout(wanted.rollout))] if wanted.rollout and not segment else served


def _of(kind: FeatureType, enabled: bool, value: Any) -> Any:
    if kind is FeatureType.TOGGLE:
        return enabled
    return value if enabled else None
