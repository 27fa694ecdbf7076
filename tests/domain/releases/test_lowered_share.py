"""Stages that would take a flag from people who have it, because of its state when it is added."""

from typing import Any

import pytest
from pydantic import TypeAdapter

from domain.errors import LowersShare
from domain.evaluation.evaluator import Evaluator
from domain.evaluation.identity import Identity
from domain.flags.flag import FlagState, Rollout
from domain.pipelines.pipeline import Stage
from domain.releases.lowered_share import check_keeps_shares, lowered_shares
from tests.domain.evaluation.test_evaluator import snapshot_of
from tests.pipelines import enable, hold, rollout, set_value, stage

STAGES: TypeAdapter[tuple[Stage, ...]] = TypeAdapter(tuple[Stage, ...])

OFF = FlagState(value="classic")
ON = FlagState(enabled=True, value="classic")
HALF = FlagState(value="classic", rollout=Rollout(percent=50, enabled=True))
HALF_V2 = FlagState(value="classic", rollout=Rollout(percent=50, enabled=True, value="v2"))
ON_HALF_V2 = FlagState(enabled=True, value="classic", rollout=Rollout(percent=50, enabled=True, value="v2"))
TINY = FlagState(value="classic", rollout=Rollout(percent=0.5, enabled=True))

RAMP = [rollout()]
OFF_FIRST = [enable(enabled=False)]


def lowered(state: FlagState, *actions: list[dict[str, Any]], start: int = 0) -> list[str]:
    """Describe what a pipeline of these stages in production would take away."""
    stages = STAGES.validate_python([stage(f"Stage {number}", "production", actions=each) for number, each in enumerate(actions, 1)])
    return list(lowered_shares(stages, start, {"production": state}, {}))


@pytest.mark.parametrize(
    ("state", "actions", "loss"),
    [
        (HALF, [RAMP], "'Stage 1' would lower the rollout in production from 50% to 10%."),
        (TINY, [[rollout(initial=0.25)]], "'Stage 1' would lower the rollout in production from 0.5% to 0.25%."),
        (HALF_V2, [[rollout(value="v2")]], "'Stage 1' would lower the rollout in production from 50% to 10%."),
        (HALF_V2, [[rollout(value="v3")]], "'Stage 1' would lower the rollout in production from 50% to 10%."),
        (ON_HALF_V2, [[rollout(value="v2")]], "'Stage 1' would lower the rollout in production from 50% to 10%."),
        (HALF, [[], [enable("beta")], RAMP], "'Stage 3' would lower the rollout in production from 50% to 10%."),
        (HALF, [OFF_FIRST, RAMP], "'Stage 1' would disable the flag in production, where 50% of identities have it now."),
        (ON, [OFF_FIRST, RAMP], "'Stage 1' would disable the flag in production, where everyone has it now."),
        (ON, [[set_value("v2")], OFF_FIRST, [enable()]], "'Stage 2' would disable the flag in production, where everyone has it now."),
        (HALF, [[set_value("v2")], RAMP], "'Stage 1' would end the rollout in production, which is at 50% now."),
        (HALF_V2, [[enable()]], "'Stage 1' would end the rollout in production, which is at 50% now."),
    ],
)
def test_a_stage_that_takes_the_flag_from_people_is_described(state: FlagState, actions: list[list[dict[str, Any]]], loss: str) -> None:
    assert lowered(state, *actions) == [loss]


@pytest.mark.parametrize(
    ("state", "actions"),
    [
        (OFF, [RAMP]),
        (OFF, [OFF_FIRST, RAMP]),
        (ON, [RAMP]),
        (ON, [OFF_FIRST]),
        (HALF, [OFF_FIRST]),
        (HALF, [[rollout(initial=50)]]),
        (HALF, [[rollout(initial=60, value="v2")]]),
        (HALF, [[enable()]]),
        (HALF, [[enable(), set_value("v2")]]),
        (HALF_V2, [[enable(), set_value("v3")]]),
        (HALF, [[enable("beta")], [set_value("x", "beta")], []]),
        (HALF, [[enable()], OFF_FIRST, RAMP]),
        (OFF, [[enable()], OFF_FIRST, [enable()]]),
    ],
)
def test_a_pipeline_that_takes_the_flag_from_no_one_or_means_to_disable_it_is_not(
    state: FlagState, actions: list[list[dict[str, Any]]]
) -> None:
    assert lowered(state, *actions) == []


def test_only_the_stages_from_the_starting_one_on_count() -> None:
    assert lowered(HALF, RAMP, [enable()], start=1) == []


def test_each_environment_is_compared_with_its_own_state() -> None:
    stages = STAGES.validate_python(
        [stage("Staging", "staging", actions=RAMP), stage("Production", "production", actions=RAMP), hold("W", "1d")]
    )

    assert list(lowered_shares(stages, 0, {"staging": HALF, "production": OFF}, {})) == [
        "'Staging' would lower the rollout in staging from 50% to 10%."
    ]


def test_a_lowered_share_is_refused_until_it_is_accepted() -> None:
    stages = STAGES.validate_python([stage("Ramp", "production", actions=RAMP)])

    with pytest.raises(LowersShare) as refused:
        check_keeps_shares(stages, 0, {"production": HALF}, {}, ())
    check_keeps_shares(stages, 0, {"production": HALF}, {}, ("lowers_share",))

    assert [(each.pointer, each.code) for each in refused.value.problems] == [("/accept", "lowers_share")]
    assert '"accept": ["lowers_share"]' in refused.value.message


def test_a_rollout_takes_a_flag_that_is_on_for_everyone_from_no_one() -> None:
    """Those outside the share get the default, which is on."""
    [ramp] = STAGES.validate_python([stage("Ramp", "production", actions=RAMP)])
    evaluator = Evaluator(snapshot_of(ramp.patch({}).applied(ON)))

    assert all(evaluator.evaluate_one("checkout", Identity(f"user-{number}")).enabled for number in range(200))
