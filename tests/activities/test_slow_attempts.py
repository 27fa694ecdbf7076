"""Attempts that wait, for the database or for a worker: what guards a stage is judged by the time at which it acts."""

import dataclasses
from datetime import datetime, timedelta

import pytest
from temporalio.testing import ActivityEnvironment

from activities.messages import HoldEnded, Made, Recorded, RecordProgress
from activities.progress import ReleaseActivities
from activities.temporal_clock import AttemptClock, ClockOfAttempt, LookTooOld
from tests.activities.acting import act, change, changes_of
from tests.activities.guarding import GOOD, errors, guarded_command, later, release_in_force
from tests.pipelines import hold, pipeline, stage
from tests.scripted_metrics import ScriptedMetrics, guard_with
from tests.still_clock import still_clock
from tests.world import World

DUE = 3600.0
HEALTHY = {"error-rate": GOOD}


class SlowClock(AttemptClock):
    """Stands still, except that an attempt waits once it has looked at what guards its stage."""

    wait: timedelta

    def now(self) -> datetime:
        return self.heard + (self.wait if self.looked_at else timedelta(0))


def waiting(wait: timedelta) -> ClockOfAttempt:
    def clock_of(asked_at: datetime | None) -> AttemptClock:
        clock = SlowClock(still_clock(asked_at).heard)
        clock.wait = wait
        return clock

    return clock_of


def healthy() -> ScriptedMetrics:
    metrics = ScriptedMetrics()
    metrics.values.update(HEALTHY)
    return metrics


def test_attempt_that_waited_acts_on_what_it_has_just_seen(world: World) -> None:
    release = release_in_force(world, errors())

    made = change(world, guarded_command(world, release), later(DUE), metrics=healthy(), clock_of=waiting(timedelta(seconds=8)))

    assert isinstance(made, Made)
    assert made.made_at == changes_of(world, release)[-1].made_at == later(DUE + 8)


def test_attempt_that_waited_too_long_changes_nothing_and_is_tried_again(world: World) -> None:
    release = release_in_force(world, errors())
    command, metrics = guarded_command(world, release), healthy()

    with pytest.raises(LookTooOld):
        change(world, command, later(DUE), metrics=metrics, clock_of=waiting(timedelta(seconds=12)))

    assert world.release(release.id) == release
    assert isinstance(change(world, command, later(DUE + 12), metrics=metrics), Made)


def test_guarded_hold_that_waited_too_long_does_not_end(world: World) -> None:
    command = ending_hold(world)
    before = world.release(command.release)

    with pytest.raises(LookTooOld):
        attempt(world, command, healthy(), timedelta(0), waiting(timedelta(seconds=12)))

    assert world.release(command.release) == before


def test_later_attempt_at_the_end_of_a_guarded_hold_samples_anew(world: World) -> None:
    command, metrics = ending_hold(world), healthy()

    recorded = attempt(world, command, metrics, timedelta(minutes=10))

    assert metrics.asked[-1].at == later(DUE + 600)
    assert isinstance(recorded, Recorded)
    assert recorded.at == later(DUE + 600)


def ending_hold(world: World) -> RecordProgress:
    """Return the command that ends the hold of a release whose guardrail is in force in it."""
    world.publish(pipeline(stage("Everyone", "production"), hold("Watch", "1h", "production"), guardrails=[errors(stages=["Watch"])]))
    release = world.add()
    act(world, release)
    command = guarded_command(world, world.release(release.id))
    step = HoldEnded(entered_at=command.entered_at, acts_at=command.acts_at, next=command.next, guardrails=command.guardrails)
    return RecordProgress(project="shop", release=release.id, sequence=command.sequence, at=later(DUE), step=step)


def attempt(
    world: World, command: RecordProgress, metrics: ScriptedMetrics, after: timedelta, clock_of: ClockOfAttempt = still_clock
) -> object:
    """Make one attempt at that step, so long after it was asked for."""
    environment = ActivityEnvironment()
    environment.info = dataclasses.replace(environment.info, started_time=environment.info.scheduled_time + after)
    return environment.run(ReleaseActivities(world.database, guard_with(world.database, metrics), clock_of).record_progress, command)
