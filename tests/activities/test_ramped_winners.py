"""Winners that are shipped in steps: what each step changes, whatever is attempted again."""

from datetime import timedelta
from typing import Any

import pytest

from activities.messages import Made, Refused
from domain.flags.allocation import percents
from domain.metrics.sample import Unknown
from domain.releases.status import StageOutcome
from tests.activities.acting import change, change_by_hand, changes_of, put_back, retry, roll_back, runs_of
from tests.activities.guarding import later
from tests.activities.ramping import HOUR, LOST, OVER, SPLIT, WON, command_of_step, ramping, take_step
from tests.pipelines import ship_winner
from tests.scripted_metrics import ScriptedMetrics
from tests.world import World


@pytest.fixture
def metrics() -> ScriptedMetrics:
    scripted = ScriptedMetrics()
    scripted.groups["conversion"] = WON
    return scripted


def served(world: World) -> dict[str, Any]:
    return percents(world.flag("production").allocation)


def test_winner_grows_in_steps_and_the_others_give_up_their_shares_in_proportion(world: World, metrics: ScriptedMetrics) -> None:
    release = ramping(world)

    found = []
    for _ in range(3):
        assert isinstance(take_step(world, release, metrics), Made)
        found.append(served(world))

    assert found == [{"one-page": 60, "two-pages": 17.14}, {"one-page": 80, "two-pages": 8.57}, {"one-page": 100}]
    now = world.release(release.id)
    assert (now.stage, now.visit, [run.outcome for run in runs_of(world, release)][:2]) == ("Watch", 3, [StageOutcome.ACTED] * 2)


def test_steps_wait_for_each_other(world: World, metrics: ScriptedMetrics) -> None:
    release = ramping(world)
    made = take_step(world, release, metrics)

    now = world.release(release.id)
    assert (now.stage, now.step, now.acts_at) == ("Ship", 2, made.made_at + timedelta(hours=6))


def test_control_is_shipped_at_once_and_ends_the_stage(world: World, metrics: ScriptedMetrics) -> None:
    release = ramping(world)
    metrics.groups["conversion"] = LOST
    command = command_of_step(world, release)

    made = change(world, command, later(OVER), metrics=metrics)
    again = change(world, command, later(OVER + 60), metrics=metrics)

    assert isinstance(made, Made)
    assert made.ends_ramp
    assert again == made
    assert served(world) == {}
    assert world.release(release.id).stage == "Watch"


def test_overrides_are_removed_when_everyone_has_the_winner(world: World, metrics: ScriptedMetrics) -> None:
    release = ramping(world, ship_winner(overrides="remove"))

    take_step(world, release, metrics)
    take_step(world, release, metrics)
    assert set(world.flag("production").overrides) == {"beta-users"}
    take_step(world, release, metrics)
    assert world.flag("production").overrides == {}


def test_overrides_are_removed_with_the_control(world: World, metrics: ScriptedMetrics) -> None:
    release = ramping(world, ship_winner(overrides="remove"))
    metrics.groups["conversion"] = LOST

    take_step(world, release, metrics, later(OVER))

    assert world.flag("production").overrides == {}


def test_attempt_that_comes_late_gets_the_recorded_answer(world: World, metrics: ScriptedMetrics) -> None:
    release = ramping(world)
    commands, answers = [], []
    for _ in range(3):
        commands.append(command_of_step(world, release))
        answers.append(take_step(world, release, metrics))
    metrics.groups.clear()

    again = [change(world, each, later(HOUR * 9), metrics=metrics) for each in commands]

    assert again == answers
    assert len(changes_of(world, release)) == 4
    assert served(world) == {"one-page": 100}


def test_ramp_goes_on_while_its_source_is_down(world: World, metrics: ScriptedMetrics) -> None:
    release = ramping(world)
    take_step(world, release, metrics)
    metrics.groups.clear()
    metrics.values["conversion"] = Unknown(code="source_down", message="The database can't be reached.")

    assert isinstance(take_step(world, release, metrics), Made)
    assert served(world) == {"one-page": 80, "two-pages": 8.57}


def test_winner_that_has_more_than_a_step_gives_it_keeps_its_share(world: World, metrics: ScriptedMetrics) -> None:
    release = ramping(world, ship_winner(initial=10, step=50))

    take_step(world, release, metrics)
    assert served(world) == SPLIT
    assert not changes_of(world, release)[-1].changed_anything
    take_step(world, release, metrics)
    assert served(world) == {"one-page": 60, "two-pages": 17.14}


def test_change_by_hand_between_two_steps_blocks_and_the_ramp_grows_from_what_was_shown(world: World, metrics: ScriptedMetrics) -> None:
    release = ramping(world)
    take_step(world, release, metrics)
    change_by_hand(world, "production", allocation={"one-page": 50, "two-pages": 40})

    refused = take_step(world, release, metrics)
    assert isinstance(refused, Refused)
    assert refused.blocked.code == "flag_changed_by_hand"
    retry(world, release, overwrite=True)
    assert isinstance(take_step(world, release, metrics), Made)

    assert served(world) == {"one-page": 80, "two-pages": 16}


def test_pipeline_that_overwrites_grows_the_winner_from_what_it_finds(world: World, metrics: ScriptedMetrics) -> None:
    release = ramping(world, on_conflict="overwrite")
    take_step(world, release, metrics)
    change_by_hand(world, "production", allocation={"one-page": 50, "two-pages": 40})
    command = command_of_step(world, release)

    made = take_step(world, release, metrics)
    again = change(world, command, later(HOUR * 9), metrics=metrics)

    assert isinstance(made, Made)
    assert again == made
    assert served(world) == {"one-page": 80, "two-pages": 16}


def test_rollback_restores_the_layout_before_the_ramp(world: World, metrics: ScriptedMetrics) -> None:
    release = ramping(world)
    before = world.flag("production")
    take_step(world, release, metrics)
    take_step(world, release, metrics)

    roll_back(world, release, to_stage="Split")
    put_back(world, release)

    restored = world.flag("production")
    assert {key: share.at for key, share in restored.allocation.items()} == {key: share.at for key, share in before.allocation.items()}
