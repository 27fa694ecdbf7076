"""The checks of gates themselves: a story with everything that guards stages breaks none, and each violation planted in it is found."""

import shutil
import sqlite3
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from activities.commands.approve import DecideOnRelease, approve_release, reject_release
from activities.commands.stops_freezes import end_freeze, lift_stop, make_freeze, place_stop
from activities.messages import HeldBack
from activities.store.database import Database, Store
from activities.store.identifiers import new_id
from api.routes.features import change_flag
from domain.access import Access, Caller, Grant, Owner, Role
from domain.flags.patch import FlagPatch
from domain.pipelines.freeze import Freeze
from domain.releases.release import Release
from domain.releases.stop import Stop
from tests.activities.acting import act, change, command_for, end_hold, retry
from tests.pipelines import approval, hold, pipeline, set_value, stage, window
from tests.workflows.state_machine.promises import broken_promises
from tests.workflows.state_machine.record import read_record
from tests.world import NOW, World, make_world

HOUR = timedelta(hours=1)
GATES = [approval(2), window("08:00", "20:00", timezone="Asia/Kolkata")]
ASKING = stage("Asking", actions=[set_value("one")]) | {"gates": GATES}
GUARDED = pipeline(ASKING, hold("Watch", "1h"), stage("Production", "production", "1h"))


@pytest.fixture(scope="module")
def told(migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A release that was approved, rejected, approved again, held by all there is, and completed."""
    path = Path(shutil.copy(migrated_sqlite, tmp_path_factory.mktemp("told") / "told.db"))
    database = Database(f"sqlite:///{path}")
    world = make_world(database)
    gates = world.publish(GUARDED).definition.stages[0].gates
    release = world.add()
    vera, victor = operator(world, "vera"), operator(world, "victor")
    decide(world, vera, release)
    by_hand = FlagPatch(value="by hand")
    change_flag(world.project.key, "development", "checkout", by_hand, world.caller, database)
    decide(world, victor, release, reject_release)
    retry(world, release, overwrite=True)
    guard(world, "development", NOW + 10 * HOUR)
    held = change(world, command_for(world, release, gates=gates, overwrite=True), NOW + HOUR)
    assert isinstance(held, HeldBack)
    let_go(world)
    decide(world, vera, release)
    decide(world, victor, release)
    guard(world, "production", NOW + HOUR * 3 / 2)
    change(world, command_for(world, release, gates=gates, overwrite=True, acts_at=NOW), NOW + HOUR)
    end_hold(world, release, NOW + 2 * HOUR)
    act(world, release, NOW + 4 * HOUR)
    database.close()
    return path


@pytest.fixture
def story(told: Path, tmp_path: Path) -> str:
    """The same, to be spoilt."""
    return str(shutil.copy(told, tmp_path / "story.db"))


def operator(world: World, name: str) -> Caller:
    owner, grants = Owner(kind="person", name=name), (Grant(project="shop", role=Role.OPERATOR, environments=("development",)),)
    with world.database.transaction() as store:
        key = store.keys.add(name, owner, grants, f"fh_the_secret_of_{name}", NOW)
        return Caller(key=key.id, owner=owner, owner_id=store.keys.owner_id(owner), access=Access(grants=grants))


def decide(world: World, by: Caller, release: Release, deciding: Callable[..., Release] = approve_release) -> None:
    with world.database.transaction() as store:
        deciding(store, by, world.project, DecideOnRelease(release=release.id), NOW)


def guard(world: World, environment: str, until: object) -> None:
    """Stop an environment, and freeze it."""
    by = world.caller
    placed = {"placed_at": NOW, "placed_by": by.owner.name, "placed_by_id": by.owner_id, "expires_at": until}
    stop = Stop.model_validate({"id": new_id(), "reason": "incident", "environment": environment} | placed)
    period = {"starts_at": NOW, "ends_at": until, "environments": (environment,)}
    freeze = Freeze.model_validate({"id": new_id(), "name": "Move", "made_by": by.owner.name} | period)
    with world.database.transaction() as store:
        place_stop(store, by, world.project, stop)
        make_freeze(store, by, world.project, freeze, NOW)


def let_go(world: World) -> None:
    """Lift every stop, and take every freeze away."""

    def everything(store: Store) -> None:
        for stop in store.stops.standing(world.project.id, NOW):
            lift_stop(store, world.caller, world.project, stop.id, NOW, None)
        for freeze in store.freezes.ahead(world.project.id, NOW):
            end_freeze(store, world.caller, world.project, freeze.id, NOW)

    with world.database.transaction() as store:
        everything(store)


def plant(story: str, statement: str) -> None:
    """Write something that the product never writes."""
    connection = sqlite3.connect(story)
    assert connection.execute(statement).rowcount
    connection.commit()
    connection.close()


def findings(story: str) -> set[str]:
    return {each.partition(":")[0] for each in broken_promises(read_record(story, "shop"))}


def test_a_story_with_everything_that_guards_stages_breaks_no_promise(story: str) -> None:
    record = read_record(story, "shop")

    assert broken_promises(record) == []
    told = {entry["event"] for entry in record.audit}
    assert told >= {"stage.waiting", "release.approved", "release.rejected", "stop.lifted", "freeze.deleted", "release.completed"}


AUDIT = "UPDATE audit_entries SET"
INSTEAD = f"{AUDIT} feature = 'checkout', environment = 'development',"
"""In the place of what stood between the last approval and the act."""
AT_LAST = "WHERE event = '{event}' AND rowid = (SELECT max(rowid) FROM audit_entries WHERE event = '{event}')"


@pytest.mark.parametrize(
    ("statement", "finding"),
    [
        (f"{AUDIT} rowid = 9999 WHERE event = 'stop.lifted'", "nothing_acts_under_a_stop"),
        (f"{AUDIT} after = json_set(after, '$.expires_at', NULL) WHERE event = 'stop.placed'", "nothing_acts_under_a_stop"),
        (f"{AUDIT} environment = NULL WHERE event = 'stop.placed'", "nothing_acts_under_a_stop"),
        (f"{AUDIT} environment = 'development', pipeline = 'standard' WHERE event = 'stop.placed'", "nothing_acts_under_a_stop"),
        (f"{AUDIT} rowid = 9999 WHERE event = 'freeze.deleted'", "nothing_acts_in_a_freeze"),
        (
            f"{AUDIT} after = json_set(after, '$.ends_at', '2027-03-02T09:00:00Z') WHERE event = 'freeze.created'",
            "nothing_acts_in_a_freeze",
        ),
        (f"{AUDIT} after = json_set(after, '$.environments', json('[]')) WHERE event = 'freeze.created'", "nothing_acts_in_a_freeze"),
        ("UPDATE pipelines SET definition = replace(definition, 'Asia/Kolkata', 'America/New_York')", "nothing_acts_outside_its_window"),
        ("UPDATE pipelines SET definition = replace(definition, '20:00', '15:00')", "nothing_acts_outside_its_window"),
        (f"{AUDIT} at = '2026-03-02 14:30:00.000000' WHERE event = 'flag.changed'", "nothing_acts_outside_its_window"),
        ("DELETE FROM approvals WHERE rowid = (SELECT max(rowid) FROM approvals)", "nothing_acts_short_of_an_approval"),
        ("UPDATE approvals SET owner_id = (SELECT added_by FROM releases)", "nothing_acts_short_of_an_approval"),
        ("UPDATE approvals SET owner_id = (SELECT owner_id FROM approvals LIMIT 1)", "nothing_acts_short_of_an_approval"),
        ("UPDATE approvals SET visit = 2", "nothing_acts_short_of_an_approval"),
        (f"{AUDIT} rowid = rowid + 9999 {AT_LAST.format(event='release.approved')}", "nothing_acts_short_of_an_approval"),
        (
            f"{INSTEAD} event = 'release.rejected', release = (SELECT id FROM releases) {AT_LAST.format(event='stop.placed')}",
            "nothing_acts_short_of_an_approval",
        ),
        (
            f"""{INSTEAD} event = 'flag.changed', before = '{{"value": "two"}}' {AT_LAST.format(event="stop.placed")}""",
            "nothing_acts_short_of_an_approval",
        ),
        (
            "UPDATE pipelines SET definition = replace(definition, '\"approvals\": 2', '\"approvals\": 3')",
            "nothing_acts_short_of_an_approval",
        ),
        (f"DELETE FROM audit_entries {AT_LAST.format(event='release.approved')}", "each_yes_is_told_once"),
        ("UPDATE approvals SET binds = 'something else'", "each_yes_is_told_once"),
        ("UPDATE approvals SET lapsed_at = '2026-03-02 09:00:01.000000'", "each_yes_is_told_once"),
        ("UPDATE stops SET lifted_at = NULL", "each_guard_is_told_once"),
        ("DELETE FROM stops", "each_guard_is_told_once"),
        ("DELETE FROM freezes", "each_guard_is_told_once"),
        ("""UPDATE releases SET held = '{"code": "stopped", "message": "", "until": null}'""", "only_what_runs_is_held"),
    ],
)
def test_a_promise_about_gates_that_is_broken_is_found(story: str, statement: str, finding: str) -> None:
    plant(story, statement)

    assert finding in findings(story)
