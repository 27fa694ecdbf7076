"""Winners that are shipped in steps: what each step changes, whatever is attempted again."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from activities.messages import ChangeFlag, Made, Refused
from domain.flags.allocation import percents
from domain.metrics.sample import Unknown
from domain.releases.release import NextStep, Release
from domain.releases.status import StageOutcome
from tests.activities.acting import act, change, change_by_hand, changes_of, put_back, retry, roll_back, runs_of
from tests.activities.experimenting import BETTER, SAME, experiment, give_variants
from tests.activities.guarding import guarded_command, later
from tests.pipelines import allocate, enable, hold, pipeline, ship_winner, stage
from tests.scripted_metrics import ScriptedMetrics
from tests.world import World

SPLIT = {"one-page": 30, "two-pages": 30}
WON = BETTER | {"two-pages": (5_000, 520)}
LOST = SAME | {"two-pages": (5_000, 501)}
LONGEST = timedelta(days=15).total_seconds()
HOURS = 3_600.0


@pytest.fixture
def metrics() -> ScriptedMetrics:
    scripted = ScriptedMetrics()
    scripted.groups["conversion"] = WON
    return scripted


def ramping(world: World, action: dict[str, Any] | None = None, **more: Any) -> Release:
    """Return a release whose flag serves two variants, and whose next stage ramps the winner."""
    give_variants(world)
    ship = stage("Ship", "production", actions=[action or ship_winner()]) | {"gates": [experiment(variants=["one-page", "two-pages"])]}
    split = stage("Split", "production", actions=[enable(), enable("beta-users"), allocate(SPLIT)])
    world.publish(pipeline(split, ship, hold("Watch", "1d"), **more))
    release = world.add()
    act(world, release)
    return world.release(release.id)


def command_of(world: World, release: Release) -> ChangeFlag:
    """Return the command for the release's present step, as its workflow would send it."""
    now = world.release(release.id)
    with world.database.reading() as store:
        ramp = store.pipelines.version(now.pipeline.id).definition.stages[now.stage_index].ramp
    assert ramp
    following = NextStep(step=now.step + 1, every=ramp.every) if now.step < len(ramp.shares) else None
    more = {"step": now.step, "next_step": following, "ships_winner": True, "ramps_winner": True}
    return guarded_command(world, now).model_copy(update=more)


def step(world: World, release: Release, metrics: ScriptedMetrics, at: datetime | None = None) -> Any:
    """Make one attempt at the present step."""
    return change(world, command_of(world, release), at or later(HOURS * world.release(release.id).sequence), metrics=metrics)


def served(world: World) -> dict[str, Any]:
    return percents(world.flag("production").allocation)


def test_winner_grows_in_steps_and_the_others_give_up_their_shares_in_proportion(world: World, metrics: ScriptedMetrics) -> None:
    release = ramping(world)

    found = []
    for _ in range(3):
        assert isinstance(step(world, release, metrics), Made)
        found.append(served(world))

    assert found == [{"one-page": 60, "two-pages": 17.14}, {"one-page": 80, "two-pages": 8.57}, {"one-page": 100}]
    now = world.release(release.id)
    assert (now.stage, now.visit, [run.outcome for run in runs_of(world, release)][:2]) == ("Watch", 3, [StageOutcome.ACTED] * 2)


def test_steps_wait_for_each_other(world: World, metrics: ScriptedMetrics) -> None:
    release = ramping(world)
    made = step(world, release, metrics)

    now = world.release(release.id)
    assert (now.stage, now.step, now.acts_at) == ("Ship", 2, made.made_at + timedelta(hours=6))


def test_control_is_shipped_at_once_and_ends_the_stage(world: World, metrics: ScriptedMetrics) -> None:
    release = ramping(world)
    metrics.groups["conversion"] = LOST
    command = command_of(world, release)

    made = change(world, command, later(LONGEST), metrics=metrics)
    again = change(world, command, later(LONGEST + 60), metrics=metrics)

    assert isinstance(made, Made)
    assert made.ends_ramp
    assert again == made
    assert served(world) == {}
    assert world.release(release.id).stage == "Watch"


def test_overrides_are_removed_when_everyone_has_the_winner(world: World, metrics: ScriptedMetrics) -> None:
    release = ramping(world, ship_winner(overrides="remove"))

    step(world, release, metrics)
    step(world, release, metrics)
    assert set(world.flag("production").overrides) == {"beta-users"}
    step(world, release, metrics)
    assert world.flag("production").overrides == {}


def test_overrides_are_removed_with_the_control(world: World, metrics: ScriptedMetrics) -> None:
    release = ramping(world, ship_winner(overrides="remove"))
    metrics.groups["conversion"] = LOST

    step(world, release, metrics, later(LONGEST))

    assert world.flag("production").overrides == {}


def test_attempt_that_comes_late_gets_the_recorded_answer(world: World, metrics: ScriptedMetrics) -> None:
    release = ramping(world)
    commands, answers = [], []
    for _ in range(3):
        commands.append(command_of(world, release))
        answers.append(step(world, release, metrics))
    metrics.groups.clear()

    again = [change(world, each, later(HOURS * 9), metrics=metrics) for each in commands]

    assert again == answers
    assert len(changes_of(world, release)) == 4
    assert served(world) == {"one-page": 100}


def test_ramp_goes_on_while_its_source_is_down(world: World, metrics: ScriptedMetrics) -> None:
    release = ramping(world)
    step(world, release, metrics)
    metrics.groups.clear()
    metrics.values["conversion"] = Unknown(code="source_down", message="The database can't be reached.")

    assert isinstance(step(world, release, metrics), Made)
    assert served(world) == {"one-page": 80, "two-pages": 8.57}


def test_winner_that_has_more_than_a_step_gives_it_keeps_its_share(world: World, metrics: ScriptedMetrics) -> None:
    release = ramping(world, ship_winner(initial=10, step=50))

    step(world, release, metrics)
    assert served(world) == SPLIT
    assert not changes_of(world, release)[-1].changed_anything
    step(world, release, metrics)
    assert served(world) == {"one-page": 60, "two-pages": 17.14}


def test_change_by_hand_between_two_steps_blocks_and_the_ramp_grows_from_what_was_shown(world: World, metrics: ScriptedMetrics) -> None:
    release = ramping(world)
    step(world, release, metrics)
    change_by_hand(world, "production", allocation={"one-page": 50, "two-pages": 40})

    refused = step(world, release, metrics)
    assert isinstance(refused, Refused)
    assert refused.blocked.code == "flag_changed_by_hand"
    retry(world, release, overwrite=True)
    assert isinstance(step(world, release, metrics), Made)

    assert served(world) == {"one-page": 80, "two-pages": 16}


def test_pipeline_that_overwrites_grows_the_winner_from_what_it_finds(world: World, metrics: ScriptedMetrics) -> None:
    release = ramping(world, on_conflict="overwrite")
    step(world, release, metrics)
    change_by_hand(world, "production", allocation={"one-page": 50, "two-pages": 40})
    command = command_of(world, release)

    made = step(world, release, metrics)
    again = change(world, command, later(HOURS * 9), metrics=metrics)

    assert isinstance(made, Made)
    assert again == made
    assert served(world) == {"one-page": 80, "two-pages": 16}


def test_rollback_restores_the_layout_before_the_ramp(world: World, metrics: ScriptedMetrics) -> None:
    release = ramping(world)
    before = world.flag("production")
    step(world, release, metrics)
    step(world, release, metrics)

    roll_back(world, release, to_stage="Split")
    put_back(world, release)

    restored = world.flag("production")
    assert {key: share.at for key, share in restored.allocation.items()} == {key: share.at for key, share in before.allocation.items()}
