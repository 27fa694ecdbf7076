"""The checks themselves: a rich story breaks no promise, and each violation planted in it is found."""

import shutil
import sqlite3
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from activities.commands.pause_remove import EndOrPauseRelease, pause_release, remove_release
from activities.messages import Restarted, Resumed, Skipped, Step
from activities.store.database import Database
from api.routes.features import change_flag
from domain.access import Person
from domain.flags.patch import FlagPatch
from domain.releases.release import NextStage, NextStep, Release
from tests.activities.acting import act, change, command_for, end_hold, put_back, record, retry, roll_back
from tests.pipelines import enable, hold, pipeline, rollout, set_value, stage
from tests.workflows.state_machine.monotonic import steps_back
from tests.workflows.state_machine.promises import broken_promises
from tests.workflows.state_machine.record import Record, read_record
from tests.world import NOW, World, make_world

LADDER = pipeline(
    stage("Development", actions=[enable(), set_value("one")]),
    hold("Watch", "60m", "development"),
    stage("Beta", "production", "60m", [enable("beta-users")]),
    stage("Production", "production", "60m", [set_value("two")]),
)
RAMP = pipeline(stage("Ramp", "production", actions=[rollout(40, 40, "60m")]), hold("Watch", "60m"), key="ramp")
_THREE = [set_value("three")]
BACK = pipeline(stage("Here", actions=_THREE), stage("There", "production", actions=_THREE), hold("Watch", "60m"), key="back")


@pytest.fixture(scope="module")
def told(migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three releases that met everything: one completed, one removed while it was paused after its rollout, one rolled back twice."""
    path = Path(shutil.copy(migrated_sqlite, tmp_path_factory.mktemp("told") / "told.db"))
    database = Database(f"sqlite:///{path}")
    world = make_world(database)
    world.publish(LADDER)
    world.publish(RAMP)
    world.publish(BACK)
    climb(world, world.add())
    second = world.add(pipeline="ramp")
    for step, following in ((1, 2), (2, 3), (3, None)):
        grow(world, second, step, following)
    stop(world, second, pause_release)
    stop(world, second, remove_release)
    go_back(world, world.add(pipeline="back"))
    database.close()
    return path


@pytest.fixture
def story(told: Path, tmp_path: Path) -> str:
    """The same, to be spoilt."""
    return str(shutil.copy(told, tmp_path / "story.db"))


def climb(world: World, release: Release) -> None:
    """Act, hold, pause and resume, be blocked and tried again, be restarted, be skipped, complete."""
    by = Person(key=world.caller.key, owner="olivia", owner_id=world.caller.owner_id)
    act(world, release, NOW)
    stop(world, release, pause_release)
    steer(world, release, Resumed(by=by, entered_at=NOW))
    end_hold(world, release, NOW + timedelta(hours=2))
    act(world, release, NOW + timedelta(hours=3))
    by_hand = FlagPatch(value="by hand")
    change_flag(world.project.key, "production", "checkout", by_hand, world.caller, world.database)
    change(world, command_for(world, release), NOW + timedelta(hours=4))
    retry(world, release, overwrite=True)
    beta = NextStage(index=2, name="Beta", environment="production", trigger=LADDER["stages"][2]["trigger"])
    steer(world, release, Restarted(by=by, stage=beta))
    act(world, release, NOW + timedelta(hours=6))
    steer(world, release, Skipped(by=by))


def grow(world: World, release: Release, step: int, following: int | None) -> None:
    """Make one step of the rollout, an hour after the one before."""
    command, at = command_for(world, release), NOW + timedelta(hours=9 + step)
    grown: list[dict[str, Any]] = [{"rollout": {"percent": share, "enabled": True}} for share in (40, 80)]
    patch = FlagPatch.model_validate([*grown, {"enabled": True, "rollout": None}][step - 1])
    more = {"next": None, "next_step": NextStep(step=following, every=timedelta(hours=1))} if following else {}
    change(world, command.model_copy(update={"step": step, "patch": patch, "acts_at": at, **more}), at)


def go_back(world: World, release: Release) -> None:
    """Go on to the hold, back to what the first stage left, and back for good."""
    for _ in range(2):
        act(world, release, NOW + timedelta(hours=20))
    roll_back(world, release, to_stage="Here")
    put_back(world, release)
    roll_back(world, release)
    put_back(world, release)


def steer(world: World, release: Release, step: Step) -> None:
    record(world, release, step, NOW + timedelta(hours=1))


def stop(world: World, release: Release, stopping: Callable[..., Release]) -> None:
    with world.database.transaction() as store:
        stopping(store, world.caller, world.project, EndOrPauseRelease(release=release.id), NOW)


def read(story: str) -> Record:
    return read_record(story, "shop")


def plant(story: str, statement: str) -> None:
    """Write something that the product never writes; `first`, `second` and `third` stand for the releases."""
    for name, each in zip(("first", "second", "third"), read(story).stories, strict=True):
        statement = statement.replace(name, f"'{each.row['id']}'")
    connection = sqlite3.connect(story)
    assert connection.execute(statement).rowcount
    connection.commit()
    connection.close()


def found(wrong: list[str]) -> set[str]:
    return {each.partition(":")[0] for each in wrong}


def test_a_rich_story_breaks_no_promise(story: str) -> None:
    record = read(story)

    assert broken_promises(record) == []
    assert steps_back(record, record) == []
    told = {entry["event"] for entry in record.audit}
    assert told >= {"release.blocked", "release.retried", "release.resumed", "release.restarted", "stage.unchanged", "release.completed"}


THERE_TWICE = "INSERT INTO audit_entries SELECT 'x', {columns} FROM audit_entries WHERE release = first AND event = '{event}' LIMIT 1"
COLUMNS = "at, actor_kind, actor_id, actor_owner, on_behalf_of, event, project, environment, feature, segment, pipeline, release, stage"
TWICE = THERE_TWICE.replace("{columns}", f"{COLUMNS}, before, after, reason")


@pytest.mark.parametrize(
    ("statement", "finding"),
    [
        ("UPDATE changes SET after = before WHERE release_id = first AND visit = 1", "each_change_is_told_once"),
        ("UPDATE changes SET sequence = sequence + 1 WHERE release_id = second", "each_change_is_told_once"),
        ("DELETE FROM audit_entries WHERE release = first AND event = 'stage.hold_ended'", "each_write_is_told_once"),
        (TWICE.format(event="release.resumed"), "each_write_is_told_once"),
        ("UPDATE changes SET visit = 2 WHERE release_id = first AND visit = 3", "each_step_is_made_once"),
        (
            "UPDATE changes SET visit = 1, key = release_id || '/1/1 ', step = 1 WHERE release_id = first AND visit = 3",
            "each_step_is_made_once",
        ),
        ("DELETE FROM changes WHERE release_id = second AND step = 2", "each_step_is_made_once"),
        ("UPDATE releases SET status = 'paused', step = 3 WHERE id = second", "each_step_is_made_once"),
        ("DELETE FROM stage_runs WHERE release_id = first AND visit = 2", "visits_are_whole"),
        ("UPDATE releases SET stage = 'Beta', stage_index = 2 WHERE id = first", "visits_are_whole"),
        ("UPDATE stage_runs SET stage_index = 3 WHERE release_id = first AND visit = 2", "stages_follow_one_another"),
        ("UPDATE stage_runs SET stage = 'Watch', stage_index = 1 WHERE release_id = first AND visit = 5", "stages_follow_one_another"),
        ("UPDATE stage_runs SET stage = 'Watch', stage_index = 2 WHERE release_id = third AND visit = 4", "stages_follow_one_another"),
        ("UPDATE stage_runs SET outcome = 'pending' WHERE release_id = first AND visit = 2", "outcomes_fit_the_status"),
        ("UPDATE releases SET status = 'running' WHERE id = second", "outcomes_fit_the_status"),
        ("UPDATE stage_runs SET outcome = 'unchanged' WHERE release_id = first AND visit = 1", "outcomes_fit_the_changes"),
        ("UPDATE stage_runs SET outcome = 'acted' WHERE release_id = first AND visit = 2", "outcomes_fit_the_changes"),
        ("UPDATE stage_runs SET outcome = 'held' WHERE release_id = first AND visit = 6", "outcomes_fit_the_changes"),
        ("UPDATE audit_entries SET rowid = 9999 WHERE release = second AND event = 'release.paused'", "nothing_follows_the_end"),
        ("UPDATE releases SET ended_at = NULL WHERE id = second", "nothing_follows_the_end"),
        ("DELETE FROM audit_entries WHERE release = first AND event = 'release.resumed'", "nothing_is_done_while_it_stands_still"),
        ("UPDATE audit_entries SET event = 'release.advanced' WHERE event = 'release.retried'", "nothing_is_done_while_it_stands_still"),
        ("""UPDATE releases SET paused = '{"remaining": "PT1H"}' WHERE id = second""", "the_row_says_why_it_stands_still"),
        ("UPDATE stage_runs SET acted_at = entered_at WHERE release_id = first AND visit = 2", "nothing_acts_before_it_is_due"),
        ("UPDATE stage_runs SET entered_at = acts_at WHERE release_id = first AND visit = 3", "nothing_acts_before_it_is_due"),
        ("UPDATE changes SET made_at = '2026-03-02 18:30:00.000000' WHERE release_id = second AND step = 2", "no_step_leaps"),
        ("UPDATE releases SET status = 'completed' WHERE id = third", "nothing_follows_the_end"),
        ("UPDATE changes SET after = before WHERE undoes_from = 1", "each_put_back_is_told_once"),
        ("UPDATE changes SET sequence = sequence - 1 WHERE undoes_from = 0", "each_put_back_is_told_once"),
        ("UPDATE changes SET key = release_id || '/4/1' WHERE undoes_from = 1", "each_put_back_is_told_once"),
        (
            "UPDATE changes SET before = json_set(before, '$.value', 'other') WHERE release_id = third AND visit = 2",
            "only_what_was_changed_is_put_back",
        ),
        ("UPDATE stage_runs SET outcome = 'acted' WHERE release_id = third AND visit = 2", "what_is_undone_says_so"),
        ("UPDATE stage_runs SET outcome = 'rolled_back' WHERE release_id = first AND visit = 1", "what_is_undone_says_so"),
        ("UPDATE releases SET ended_at = NULL", "a_feature_is_in_one_release"),
        ("UPDATE stage_runs SET outcome = 'acted' WHERE release_id = second AND visit = 2", "outcomes_fit_the_changes"),
        ("""UPDATE feature_states SET state = json_set(state, '$.value', 'nobody did this')""", "flags_are_what_was_done"),
        ("""UPDATE feature_states SET state = json_set(state, '$.rollout', json('{"percent": 80}'))""", "flags_are_what_was_done"),
        ("UPDATE feature_states SET state = json_remove(state, '$.overrides.beta-users')", "flags_are_what_was_done"),
        ("UPDATE audit_entries SET before = json_set(before, '$.value', 'other') WHERE event = 'flag.changed'", "flags_are_what_was_done"),
    ],
)
def test_a_promise_that_is_broken_is_found(story: str, statement: str, finding: str) -> None:
    plant(story, statement)

    assert finding in found(broken_promises(read(story)))


@pytest.mark.parametrize(
    ("statement", "finding"),
    [
        ("DELETE FROM audit_entries WHERE event = 'release.resumed'", "nothing_told_is_taken_back"),
        ("UPDATE audit_entries SET reason = 'another' WHERE event = 'release.resumed'", "nothing_told_is_taken_back"),
        ("UPDATE changes SET after = before WHERE release_id = first AND visit = 1", "changes_stay"),
        ("DELETE FROM changes WHERE release_id = second", "changes_stay"),
        ("DELETE FROM changes WHERE release_id = third AND undoes_from = 1", "changes_stay"),
        ("UPDATE stage_runs SET outcome = 'rolled_back' WHERE release_id = first AND visit = 1", "visits_that_are_over_stay"),
        ("UPDATE stage_runs SET outcome = 'held' WHERE release_id = first AND visit = 1", "visits_that_are_over_stay"),
        ("UPDATE releases SET visit = 2 WHERE id = first", "rows_go_forward"),
        ("UPDATE releases SET sequence = sequence - 1 WHERE id = first", "rows_go_forward"),
        ("UPDATE releases SET responsible = added_by, on_conflict = 'overwrite' WHERE id = first", "rows_go_forward"),
        ("UPDATE releases SET sequence = sequence + 1 WHERE id = second", "what_is_finished_stays"),
    ],
)
def test_a_step_back_is_found(story: str, statement: str, finding: str) -> None:
    before = read(story)

    plant(story, statement)

    assert finding in found(steps_back(before, read(story)))
