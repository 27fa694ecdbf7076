"""The invariants of gates themselves: a database with every gate violates none, and each planted violation is found."""

import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from activities.commands.approve import DecideOnRelease, approve_release, reject_release
from activities.commands.stops_freezes import LiftRequest, end_freeze, lift_stop, make_freeze, place_stop
from activities.messages import HeldBack
from activities.store.database import Database, Store
from activities.store.identifiers import new_id
from domain.access import Access, Caller, Grant, Owner, Role
from domain.flags.patch import FlagPatch
from domain.pipelines.freeze import Freeze
from domain.releases.release import Release
from domain.releases.stop import Stop
from tests.activities.acting import act, change, command_for, end_hold, retry
from tests.by_hand import change_flag_by_hand
from tests.pipelines import approval, hold, pipeline, set_value, stage, window
from tests.workflows.state_machine.invariants import violations
from tests.workflows.state_machine.planting import checks_of, plant
from tests.workflows.state_machine.record import read_record
from tests.world import NOW, World, make_world

HOUR = timedelta(hours=1)
GATES = [approval(2), window("08:00", "20:00", timezone="Asia/Kolkata")]
GATED = stage("Gated", actions=[set_value("one")]) | {"gates": GATES}
PIPELINE = pipeline(GATED, hold("Watch", "1h"), stage("Production", "production", "1h"))


@pytest.fixture(scope="module")
def template(migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A release that was approved, rejected, approved again, held back by every gate, and completed."""
    path = Path(shutil.copy(migrated_sqlite, tmp_path_factory.mktemp("template") / "template.db"))
    database = Database(f"sqlite:///{path}")
    world = make_world(database)
    gates = world.publish(PIPELINE).definition.stages[0].gates
    release = world.add()
    vera, victor = operator(world, "vera"), operator(world, "victor")
    decide(world, vera, release)
    by_hand = FlagPatch(value="by hand")
    change_flag_by_hand(world.project.key, "development", "checkout", by_hand, world.caller, database)
    decide(world, victor, release, reject_release)
    retry(world, release, overwrite=True)
    stop_and_freeze(world, "development", NOW + 10 * HOUR)
    held = change(world, command_for(world, release, gates=gates, overwrite=True), NOW + HOUR)
    assert isinstance(held, HeldBack)
    lift_and_delete(world)
    decide(world, vera, release)
    decide(world, victor, release)
    stop_and_freeze(world, "production", NOW + HOUR * 3 / 2)
    change(world, command_for(world, release, gates=gates, overwrite=True, acts_at=NOW), NOW + HOUR)
    end_hold(world, release, NOW + 2 * HOUR)
    act(world, release, NOW + 4 * HOUR)
    database.close()
    return path


@pytest.fixture
def path(template: Path, tmp_path: Path) -> str:
    """A copy of the template for planting violations."""
    return str(shutil.copy(template, tmp_path / "planted.db"))


def operator(world: World, name: str) -> Caller:
    owner, grants = Owner(kind="person", name=name), (Grant(project="shop", role=Role.OPERATOR, environments=("development",)),)
    with world.database.transaction() as store:
        key = store.keys.add(name, owner, grants, f"fh_the_secret_of_{name}", NOW)
        return Caller(key=key.id, owner=owner, owner_id=store.keys.owner_id(owner), access=Access(grants=grants))


def decide(world: World, by: Caller, release: Release, command: Callable[..., Release] = approve_release) -> None:
    with world.database.transaction() as store:
        command(store, by, world.project, DecideOnRelease(release=release.id), NOW)


def stop_and_freeze(world: World, environment: str, until: object) -> None:
    """Stop and freeze an environment."""
    by = world.caller
    placed = {"placed_at": NOW, "placed_by": by.owner.name, "placed_by_id": by.owner_id, "expires_at": until}
    stop = Stop.model_validate({"id": new_id(), "reason": "incident", "environment": environment} | placed)
    period = {"starts_at": NOW, "ends_at": until, "environments": (environment,)}
    freeze = Freeze.model_validate({"id": new_id(), "name": "Move", "made_by": by.owner.name} | period)
    with world.database.transaction() as store:
        place_stop(store, by, world.project, stop)
        make_freeze(store, by, world.project, freeze, NOW)


def lift_and_delete(world: World) -> None:
    """Lift every stop, and delete every freeze."""

    def everything(store: Store) -> None:
        for stop in store.stops.standing(world.project.id, NOW):
            lift_stop(store, world.caller, world.project, LiftRequest(stop.id), NOW)
        for freeze in store.freezes.ahead(world.project.id, NOW):
            end_freeze(store, world.caller, world.project, freeze.id, NOW)

    with world.database.transaction() as store:
        everything(store)


def test_database_with_every_gate_violates_no_invariant(path: str) -> None:
    record = read_record(path, "shop")

    assert violations(record) == []
    events = {entry["event"] for entry in record.audit}
    assert events >= {"stage.waiting", "release.approved", "release.rejected", "stop.lifted", "freeze.deleted", "release.completed"}


AUDIT = "UPDATE audit_entries SET"
REPLACED = f"{AUDIT} feature = 'checkout', environment = 'development',"
"""Turns an entry between the last approval and the act into something else."""
LATEST = "WHERE event = '{event}' AND rowid = (SELECT max(rowid) FROM audit_entries WHERE event = '{event}')"


@pytest.mark.parametrize(
    ("statement", "check"),
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
        ("DELETE FROM approvals WHERE rowid = (SELECT max(rowid) FROM approvals)", "nothing_acts_without_its_approvals"),
        ("UPDATE approvals SET owner_id = (SELECT added_by FROM releases)", "nothing_acts_without_its_approvals"),
        ("UPDATE approvals SET owner_id = (SELECT owner_id FROM approvals LIMIT 1)", "nothing_acts_without_its_approvals"),
        ("UPDATE approvals SET visit = 2", "nothing_acts_without_its_approvals"),
        (f"{AUDIT} rowid = rowid + 9999 {LATEST.format(event='release.approved')}", "nothing_acts_without_its_approvals"),
        (
            f"{REPLACED} event = 'release.rejected', release = (SELECT id FROM releases) {LATEST.format(event='stop.placed')}",
            "nothing_acts_without_its_approvals",
        ),
        (
            f"""{REPLACED} event = 'flag.changed', before = '{{"value": "two"}}' {LATEST.format(event="stop.placed")}""",
            "nothing_acts_without_its_approvals",
        ),
        (
            "UPDATE pipelines SET definition = replace(definition, '\"approvals\": 2', '\"approvals\": 3')",
            "nothing_acts_without_its_approvals",
        ),
        (f"DELETE FROM audit_entries {LATEST.format(event='release.approved')}", "each_approval_has_one_audit_entry"),
        ("UPDATE approvals SET binds = 'another digest'", "each_approval_has_one_audit_entry"),
        ("UPDATE approvals SET lapsed_at = '2026-03-02 09:00:01.000000'", "each_approval_has_one_audit_entry"),
        ("UPDATE stops SET lifted_at = NULL", "stops_and_freezes_match_the_audit_log"),
        ("DELETE FROM stops", "stops_and_freezes_match_the_audit_log"),
        ("DELETE FROM freezes", "stops_and_freezes_match_the_audit_log"),
        ("""UPDATE releases SET held = '{"code": "stopped", "message": "", "until": null}'""", "only_running_releases_are_held_back"),
    ],
)
def test_violation_of_a_gate_invariant_is_found(path: str, statement: str, check: str) -> None:
    plant(path, statement)

    assert check in checks_of(violations(read_record(path, "shop")))
