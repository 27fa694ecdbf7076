"""The invariants themselves: a varied database violates none, and each planted violation is found."""

import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from activities.commands.pause_remove import EndOrPauseRelease, pause_release, remove_release
from activities.messages import Restarted, Resumed, Skipped, Step
from activities.store.database import Database
from domain.access import Person
from domain.flags.patch import FlagPatch
from domain.releases.release import NextStage, NextStep, Release
from tests.activities.acting import act, change, command_for, end_hold, put_back, record, retry, roll_back
from tests.activities.experimenting import give_variants
from tests.by_hand import change_flag_by_hand
from tests.pipelines import allocate, enable, hold, pipeline, rollout, set_value, stage
from tests.workflows.state_machine.invariants import violations
from tests.workflows.state_machine.monotonic import regressions
from tests.workflows.state_machine.planting import checks_of, plant
from tests.workflows.state_machine.record import Record, read_record
from tests.world import NOW, World, make_world

STAGES = pipeline(
    stage("Development", actions=[enable(), set_value("one")]),
    hold("Watch", "60m", "development"),
    stage("Beta", "production", "60m", [enable("beta-users")]),
    stage("Production", "production", "60m", [set_value("two")]),
)
RAMP = pipeline(stage("Ramp", "production", actions=[rollout(40, 40, "60m")]), hold("Watch", "60m"), key="ramp")
_THREE = [set_value("three")]
_SPLITS: list[dict[str, Any]] = [{"one-page": 30, "two-pages": 20}, {"one-page": 20, "two-pages": 55.5}]
SPLIT = pipeline(
    *(stage(f"Split {number}", "staging", actions=[allocate(each), allocate(each, "staff")]) for number, each in enumerate(_SPLITS)),
    hold("Watch", "60m"),
    key="split",
)
BACK = pipeline(stage("Here", actions=_THREE), stage("There", "production", actions=_THREE), hold("Watch", "60m"), key="back")


@pytest.fixture(scope="module")
def template(migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Varied releases: one completed, one removed while paused after its rollout, one rolled back twice, and one with variants."""
    path = Path(shutil.copy(migrated_sqlite, tmp_path_factory.mktemp("template") / "template.db"))
    database = Database(f"sqlite:///{path}")
    world = make_world(database)
    give_variants(world)
    world.publish(STAGES)
    world.publish(RAMP)
    world.publish(BACK)
    world.publish(SPLIT)
    complete(world, world.add())
    second = world.add(pipeline="ramp")
    for step, following in ((1, 2), (2, 3), (3, None)):
        make_step(world, second, step, following)
    pause_or_remove(world, second, pause_release)
    pause_or_remove(world, second, remove_release)
    roll_back_twice(world, world.add(pipeline="back"))
    split_and_roll_back(world, world.add(pipeline="split"))
    database.close()
    return path


@pytest.fixture
def path(template: Path, tmp_path: Path) -> str:
    """A copy of the template for planting violations."""
    return str(shutil.copy(template, tmp_path / "planted.db"))


def complete(world: World, release: Release) -> None:
    """Act, hold, pause, resume, block, retry, restart, skip and complete."""
    by = Person(key=world.caller.key, owner="olivia", owner_id=world.caller.owner_id)
    act(world, release, NOW)
    pause_or_remove(world, release, pause_release)
    write_step(world, release, Resumed(by=by, entered_at=NOW))
    end_hold(world, release, NOW + timedelta(hours=2))
    act(world, release, NOW + timedelta(hours=3))
    by_hand = FlagPatch(value="by hand")
    change_flag_by_hand(world.project.key, "production", "checkout", by_hand, world.caller, world.database)
    change(world, command_for(world, release), NOW + timedelta(hours=4))
    retry(world, release, overwrite=True)
    beta = NextStage(index=2, name="Beta", environment="production", trigger=STAGES["stages"][2]["trigger"])
    write_step(world, release, Restarted(by=by, stage=beta))
    act(world, release, NOW + timedelta(hours=6))
    write_step(world, release, Skipped(by=by))


def make_step(world: World, release: Release, step: int, following: int | None) -> None:
    """Make one step of the rollout, an hour after the previous one."""
    command, at = command_for(world, release), NOW + timedelta(hours=9 + step)
    shares: list[dict[str, Any]] = [{"rollout": {"percent": share, "enabled": True}} for share in (40, 80)]
    patch = FlagPatch.model_validate([*shares, {"enabled": True, "rollout": None}][step - 1])
    more = {"next": None, "next_step": NextStep(step=following, every=timedelta(hours=1))} if following else {}
    change(world, command.model_copy(update={"step": step, "patch": patch, "acts_at": at, **more}), at)


def roll_back_twice(world: World, release: Release) -> None:
    """Act twice, roll back to the state after the first stage, and then roll back completely."""
    for _ in range(2):
        act(world, release, NOW + timedelta(hours=20))
    roll_back(world, release, to_stage="Here")
    put_back(world, release)
    roll_back(world, release)
    put_back(world, release)


def split_and_roll_back(world: World, release: Release) -> None:
    """Serve variants, let one grow and the other shrink, roll back to the state after the first stage, and remove it there."""
    for hours in (30, 31):
        act(world, release, NOW + timedelta(hours=hours))
    roll_back(world, release, to_stage="Split 0")
    put_back(world, release)
    pause_or_remove(world, release, remove_release)


def write_step(world: World, release: Release, step: Step) -> None:
    record(world, release, step, NOW + timedelta(hours=1))


def pause_or_remove(world: World, release: Release, command: Callable[..., Release]) -> None:
    with world.database.transaction() as store:
        command(store, world.caller, world.project, EndOrPauseRelease(release=release.id), NOW)


def read(path: str) -> Record:
    return read_record(path, "shop")


def plant_in_release(path: str, statement: str) -> None:
    """Plant a violation. `first`, `second`, `third` and `fourth` are replaced by the ids of the releases."""
    for name, each in zip(("first", "second", "third", "fourth"), read(path).releases, strict=True):
        statement = statement.replace(name, f"'{each.row['id']}'")
    plant(path, statement)


def test_varied_database_violates_no_invariant(path: str) -> None:
    record = read(path)

    assert violations(record) == []
    assert regressions(record, record) == []
    events = {entry["event"] for entry in record.audit}
    assert events >= {"release.blocked", "release.retried", "release.resumed", "release.restarted", "stage.unchanged", "release.completed"}


DUPLICATE = "INSERT INTO audit_entries SELECT 'x', {columns} FROM audit_entries WHERE release = first AND event = '{event}' LIMIT 1"
COLUMNS = "at, actor_kind, actor_id, actor_owner, on_behalf_of, event, project, environment, feature, segment, pipeline, release, stage"
TWICE = DUPLICATE.replace("{columns}", f"{COLUMNS}, before, after, reason")


ONE, STAFF = "$.allocation.one-page", "$.overrides.staff.allocation"
SPLIT_UP = "json_extract(state, '$.allocation') IS NOT NULL"
GREW = "release = fourth AND stage = 'Split 1' AND event = 'flag.changed'"


@pytest.mark.parametrize(
    ("statement", "check"),
    [
        ("UPDATE changes SET after = before WHERE release_id = first AND visit = 1", "each_change_has_one_audit_entry"),
        ("UPDATE changes SET sequence = sequence + 1 WHERE release_id = second", "each_change_has_one_audit_entry"),
        ("DELETE FROM audit_entries WHERE release = first AND event = 'stage.hold_ended'", "each_write_has_one_audit_entry"),
        (TWICE.format(event="release.resumed"), "each_write_has_one_audit_entry"),
        ("UPDATE changes SET visit = 2 WHERE release_id = first AND visit = 3", "each_step_is_made_once"),
        (
            "UPDATE changes SET visit = 1, key = release_id || '/1/1 ', step = 1 WHERE release_id = first AND visit = 3",
            "each_step_is_made_once",
        ),
        ("DELETE FROM changes WHERE release_id = second AND step = 2", "each_step_is_made_once"),
        ("UPDATE releases SET status = 'paused', step = 3 WHERE id = second", "each_step_is_made_once"),
        ("DELETE FROM stage_runs WHERE release_id = first AND visit = 2", "visits_are_complete"),
        ("UPDATE releases SET stage = 'Beta', stage_index = 2 WHERE id = first", "visits_are_complete"),
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
        ("DELETE FROM audit_entries WHERE release = first AND event = 'release.resumed'", "paused_and_blocked_releases_do_nothing"),
        ("UPDATE audit_entries SET event = 'release.advanced' WHERE event = 'release.retried'", "paused_and_blocked_releases_do_nothing"),
        ("""UPDATE releases SET paused = '{"remaining": "PT1H"}' WHERE id = second""", "row_explains_the_status"),
        ("UPDATE stage_runs SET acted_at = entered_at WHERE release_id = first AND visit = 2", "nothing_acts_early"),
        ("UPDATE stage_runs SET entered_at = acts_at WHERE release_id = first AND visit = 3", "nothing_acts_early"),
        ("UPDATE changes SET made_at = '2026-03-02 18:30:00.000000' WHERE release_id = second AND step = 2", "no_step_is_early"),
        ("UPDATE releases SET status = 'completed' WHERE id = third", "nothing_follows_the_end"),
        ("UPDATE changes SET after = before WHERE undoes_from = 1", "each_rollback_change_has_one_audit_entry"),
        ("UPDATE changes SET sequence = sequence - 1 WHERE undoes_from = 0", "each_rollback_change_has_one_audit_entry"),
        ("UPDATE changes SET key = release_id || '/4/1' WHERE undoes_from = 1", "each_rollback_change_has_one_audit_entry"),
        (
            "UPDATE changes SET before = json_set(before, '$.value', 'other') WHERE release_id = third AND visit = 2",
            "rollbacks_restore_earlier_values",
        ),
        ("UPDATE stage_runs SET outcome = 'acted' WHERE release_id = third AND visit = 2", "undone_visits_are_rolled_back"),
        ("UPDATE stage_runs SET outcome = 'rolled_back' WHERE release_id = first AND visit = 1", "undone_visits_are_rolled_back"),
        ("UPDATE releases SET ended_at = NULL", "feature_is_in_one_release"),
        ("UPDATE stage_runs SET outcome = 'acted' WHERE release_id = second AND visit = 2", "outcomes_fit_the_changes"),
        ("""UPDATE feature_states SET state = json_set(state, '$.value', 'unrecorded')""", "flags_match_their_changes"),
        ("""UPDATE feature_states SET state = json_set(state, '$.rollout', json('{"percent": 80}'))""", "flags_match_their_changes"),
        ("UPDATE feature_states SET state = json_remove(state, '$.overrides.beta-users')", "flags_match_their_changes"),
        (
            "UPDATE audit_entries SET before = json_set(before, '$.value', 'other') WHERE event = 'flag.changed'",
            "flags_match_their_changes",
        ),
        (
            f"UPDATE feature_states SET state = json_set(state, '{ONE}.at', json('[[1, 3001]]')) WHERE {SPLIT_UP}",
            "flags_match_their_changes",
        ),
        (f"UPDATE feature_states SET state = json_remove(state, '$.allocation') WHERE {SPLIT_UP}", "flags_match_their_changes"),
        (f"UPDATE feature_states SET state = json_remove(state, '{STAFF}') WHERE {SPLIT_UP}", "flags_match_their_changes"),
        (f"UPDATE feature_states SET state = json_set(state, '{ONE}.percent', 29.99) WHERE {SPLIT_UP}", "shares_are_where_they_say"),
        (
            f"UPDATE feature_states SET state = json_set(state, '{STAFF}.one-page.percent', 31) WHERE {SPLIT_UP}",
            "shares_are_where_they_say",
        ),
        (
            f"UPDATE audit_entries SET after = json_set(after, '{ONE}.at', json('[[3000, 5000]]')) WHERE {GREW}",
            "shares_are_where_they_say",
        ),
        (
            f"UPDATE audit_entries SET after = json_set(after, '{ONE}.at', json('[[8000, 10000]]')) WHERE {GREW}",
            "nobody_moves_from_a_variant_that_keeps_its_share",
        ),
        (
            f"UPDATE audit_entries SET after = json_set(after, '{STAFF}.two-pages.at', json('[[4450, 10000]]')) WHERE {GREW}",
            "nobody_moves_from_a_variant_that_keeps_its_share",
        ),
        (
            f"UPDATE changes SET after = json_set(after, '{ONE}.at', json('[[1, 3001]]')) WHERE undoes_from = 1 AND release_id = fourth",
            "rollbacks_restore_earlier_values",
        ),
    ],
)
def test_violation_of_an_invariant_is_found(path: str, statement: str, check: str) -> None:
    plant_in_release(path, statement)

    assert check in checks_of(violations(read(path)))


@pytest.mark.parametrize(
    ("statement", "check"),
    [
        ("DELETE FROM audit_entries WHERE event = 'release.resumed'", "audit_log_only_grows"),
        ("UPDATE features SET salt = salt + 1", "salts_stay"),
        ("UPDATE audit_entries SET reason = 'edited' WHERE event = 'release.resumed'", "audit_log_only_grows"),
        ("UPDATE changes SET after = before WHERE release_id = first AND visit = 1", "changes_stay"),
        ("DELETE FROM changes WHERE release_id = second", "changes_stay"),
        ("DELETE FROM changes WHERE release_id = third AND undoes_from = 1", "changes_stay"),
        ("UPDATE stage_runs SET outcome = 'rolled_back' WHERE release_id = first AND visit = 1", "finished_visits_stay"),
        ("UPDATE stage_runs SET outcome = 'held' WHERE release_id = first AND visit = 1", "finished_visits_stay"),
        ("UPDATE releases SET visit = 2 WHERE id = first", "rows_go_forward"),
        ("UPDATE releases SET sequence = sequence - 1 WHERE id = first", "rows_go_forward"),
        ("UPDATE releases SET responsible = added_by, on_conflict = 'overwrite' WHERE id = first", "rows_go_forward"),
        ("UPDATE releases SET sequence = sequence + 1 WHERE id = second", "finished_releases_stay"),
    ],
)
def test_regression_is_found(path: str, statement: str, check: str) -> None:
    before = read(path)

    plant_in_release(path, statement)

    assert check in checks_of(regressions(before, read(path)))
