"""The times at which stages and steps act."""

from datetime import datetime, timedelta

import pytest

from domain.pipelines.pipeline import PipelineDefinition
from domain.releases.schedule import ScheduledStage, bounded, planned, simulated, steps_at
from tests.pipelines import hold, pipeline, rollout, stage
from tests.world import NOW

STAGES = PipelineDefinition.model_validate(
    pipeline(stage("A"), stage("B", wait="24h"), hold("C", "P2D"), stage("D", "staging"), stage("E", "staging", "1h"))
).stages
HOUR = timedelta(hours=1)


def acts(plan: dict[int, ScheduledStage]) -> dict[int, datetime]:
    return {index: due.acts_at for index, due in plan.items()}


def test_the_plan_counts_every_wait_from_the_previous_change() -> None:
    assert acts(planned(STAGES, 0, NOW)) == {0: NOW, 1: NOW + 24 * HOUR, 2: NOW + 72 * HOUR, 3: NOW + 72 * HOUR, 4: NOW + 73 * HOUR}
    assert acts(planned(STAGES, 3, NOW)) == {3: NOW, 4: NOW + HOUR}
    assert acts(planned(STAGES, 4, NOW)) == {4: NOW}


def test_each_rollout_step_counts_from_the_previous_step_and_the_next_stage_from_the_last() -> None:
    stages = PipelineDefinition.model_validate(pipeline(stage("A", wait="1h", actions=[rollout()]), hold("B", "1h"))).stages

    assert list(steps_at(stages[0], 1, NOW)) == [(1, NOW), (2, NOW + 6 * HOUR), (3, NOW + 12 * HOUR), (4, NOW + 18 * HOUR)]
    assert acts(simulated(stages, 0, NOW)) == {0: NOW + HOUR, 1: NOW + 20 * HOUR}
    assert acts(planned(stages, 0, NOW, step=3)) == {0: NOW, 1: NOW + 7 * HOUR}


@pytest.mark.parametrize(
    ("reported", "left"),
    [
        (timedelta(minutes=40), timedelta(minutes=40)),  # Paused at 9:20, and noticed at 9:30.
        (timedelta(minutes=20), timedelta(minutes=30)),
        (timedelta(minutes=90), timedelta(minutes=60)),
    ],
)
def test_the_remaining_time_that_a_wrong_clock_reports_is_bounded(reported: timedelta, left: timedelta) -> None:
    assert bounded(reported, NOW, NOW + HOUR, NOW + HOUR / 2) == left
