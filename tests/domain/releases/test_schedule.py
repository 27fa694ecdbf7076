"""When a stage acts."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from domain.pipelines.pipeline import PipelineDefinition
from domain.pipelines.trigger import WaitUntil, trigger_in_words, waits
from domain.releases.schedule import ScheduledStage, bounded, due_at, has_passed, planned, simulated, steps_at
from tests.pipelines import hold, pipeline, rollout, stage, until
from tests.world import NOW

STAGES = PipelineDefinition.model_validate(
    pipeline(stage("A"), stage("B", wait="24h"), hold("C", "P2D"), stage("D", "staging"), stage("E", "staging", "1h"))
).stages
HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("index", "after", "words"),
    [(0, timedelta(0), "at once"), (1, 24 * HOUR, "after 1 d"), (2, 48 * HOUR, "after 2 d"), (4, HOUR, "after 1 h")],
)
def test_a_stage_is_due_when_its_trigger_says(index: int, after: timedelta, words: str) -> None:
    trigger = STAGES[index].trigger

    assert due_at(trigger, NOW) == NOW + after
    assert trigger_in_words(trigger) == words
    assert waits(trigger) == (after > timedelta(0))


def test_the_plan_counts_every_wait_from_the_change_before_it() -> None:
    assert acts(planned(STAGES, 0, NOW)) == {0: NOW, 1: NOW + 24 * HOUR, 2: NOW + 72 * HOUR, 3: NOW + 72 * HOUR, 4: NOW + 73 * HOUR}
    assert acts(planned(STAGES, 3, NOW)) == {3: NOW, 4: NOW + HOUR}
    assert acts(planned(STAGES, 4, NOW)) == {4: NOW}


def test_each_step_of_a_rollout_is_due_so_long_after_the_one_before_and_the_next_stage_counts_from_the_last() -> None:
    stages = PipelineDefinition.model_validate(pipeline(stage("A", wait="1h", actions=[rollout()]), hold("B", "1h"))).stages

    assert list(steps_at(stages[0], 1, NOW)) == [(1, NOW), (2, NOW + 6 * HOUR), (3, NOW + 12 * HOUR), (4, NOW + 18 * HOUR)]
    assert acts(simulated(stages, 0, NOW)) == {0: NOW + HOUR, 1: NOW + 20 * HOUR}
    assert acts(planned(stages, 0, NOW, step=3)) == {0: NOW, 1: NOW + 7 * HOUR}


def test_a_stage_waits_until_its_time_and_acts_at_once_where_that_is_over() -> None:
    (late, early) = (a_trigger(until(text)) for text in ("2026-03-02T10:00:00Z", "2026-03-02T09:00:00+01:00"))

    assert (due_at(late, NOW), has_passed(late, NOW)) == (NOW + HOUR, False)
    assert (due_at(early, NOW), has_passed(early, NOW)) == (NOW, True)


def test_the_time_of_a_stage_comes_from_a_parameter() -> None:
    trigger = a_trigger(until(parameter="launch_at", timezone="Europe/Berlin"))

    assert trigger.pinned({"launch_at": "2026-07-01T09:00"}).instant() == datetime(2026, 7, 1, 7, tzinfo=UTC)
    assert trigger.pinned({"launch_at": "2026-07-01T09:00Z"}).instant() == datetime(2026, 7, 1, 9, tzinfo=UTC)
    assert trigger.pinned({}) == trigger
    assert trigger_in_words(trigger) == "at ‹launch_at›"


@pytest.mark.parametrize(
    ("written", "where", "words"),
    [
        ({}, (), "needs either"),
        ({"at": "2026-03-02T10:00Z", "at_from": {"parameter": "a"}}, (), "needs either"),
        ({"at": "tomorrow"}, ("at",), "must be a point in time"),
        ({"at": "2026-03-02"}, ("at",), "must have a time of day"),
        ({"at": "2026-03-02T10:00"}, ("at",), "must have an offset"),
        ({"at": "2026-03-02T10:00Z", "timezone": "Europe/Berlin"}, ("at",), "leave one of them out"),
        ({"at": "2026-03-29T02:30", "timezone": "Europe/Berlin"}, ("at",), "must exist in Europe/Berlin"),
        ({"at": "2026-03-02T10:00", "timezone": "Mars/Base"}, ("timezone",), "must be an IANA time zone"),
        ({"at_from": {"parameter": "a"}, "timezone": ""}, ("timezone",), "must be an IANA time zone"),
    ],
)
def test_a_time_that_makes_no_sense_is_refused_where_it_stands(written: dict[str, Any], where: tuple[str, ...], words: str) -> None:
    with pytest.raises(ValidationError, match=words) as refused:
        WaitUntil.model_validate({"type": "WAIT_UNTIL", **written})

    assert refused.value.errors()[0]["loc"] == where


def acts(plan: dict[int, ScheduledStage]) -> dict[int, datetime]:
    return {index: due.acts_at for index, due in plan.items()}


def a_trigger(written: dict[str, Any]) -> WaitUntil:
    return WaitUntil.model_validate(written)


@pytest.mark.parametrize(
    ("said", "left"),
    [
        (timedelta(minutes=40), timedelta(minutes=40)),  # It was paused at 9:20, and heard of at 9:30.
        (timedelta(minutes=20), timedelta(minutes=30)),
        (timedelta(minutes=90), timedelta(minutes=60)),
    ],
)
def test_what_a_wrong_clock_says_is_left_is_bounded_by_what_another_knows(said: timedelta, left: timedelta) -> None:
    assert bounded(said, NOW, NOW + HOUR, NOW + HOUR / 2) == left
