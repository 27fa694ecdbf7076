"""Transactions are atomic, and reads see one consistent snapshot."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, StatementError

from activities.store.columns import UtcDateTime
from activities.store.database import Database
from domain.audit import AuditEvent
from domain.releases.release import Blocked
from domain.releases.status import ReleaseStatus
from tests.pipelines import pipeline, stage
from tests.world import NOW, World


def events(world: World) -> int:
    with world.database.reading() as store:
        return int(store.connection.execute(text("SELECT count(*) FROM audit_entries")).scalar_one())


def test_a_transaction_that_fails_leaves_nothing(world: World) -> None:
    before = events(world)

    def fail_half_way() -> None:
        with world.database.transaction() as store:
            store.audit.record(world.caller, AuditEvent.PROJECT_CHANGED, NOW)
            store.projects.update(world.project.id, name="Half")
            raise RuntimeError("half-way")

    with pytest.raises(RuntimeError, match="half-way"):
        fail_half_way()

    assert events(world) == before
    with world.database.reading() as store:
        assert store.projects.get("shop").name == "Shop"


def test_a_transaction_whose_last_statement_fails_leaves_nothing(world: World) -> None:
    def fail_at_the_end() -> None:
        with world.database.transaction() as store:
            store.projects.update(world.project.id, name="Half")
            store.connection.execute(text("INSERT INTO leases (name) VALUES ('nobody')"))

    with pytest.raises(DBAPIError):
        fail_at_the_end()

    with world.database.reading() as store:
        assert store.projects.get("shop").name == "Shop"


def test_a_read_is_not_affected_by_concurrent_writes(world: World) -> None:
    with world.database.reading() as store:
        first = store.projects.get("shop").name
        with world.database.transaction() as other:
            other.projects.update(world.project.id, name="Renamed")
        second = store.projects.get("shop").name

    assert (first, second) == ("Shop", "Shop")
    with world.database.reading() as store:
        assert store.projects.get("shop").name == "Renamed"


def test_readers_and_a_writer_do_not_wait_for_each_other(world: World) -> None:
    with world.database.transaction() as writer:
        writer.projects.update(world.project.id, name="Renamed")
        with world.database.reading() as store:
            assert store.projects.get("shop").name == "Shop"


def test_foreign_keys_are_enforced(world: World) -> None:
    """On SQLite too."""
    with pytest.raises(DBAPIError), world.database.transaction() as store:
        store.connection.execute(text("INSERT INTO outbox (id, kind, release_id, attempts) VALUES ('e', 'start', 'nothing', 0)"))


def test_times_come_back_aware_and_in_utc_to_the_microsecond(world: World) -> None:
    world.publish(pipeline(stage("Development")))
    release = world.add()
    at = datetime(2026, 3, 29, 2, 30, 0, 123456, tzinfo=timezone(timedelta(hours=2)))
    with world.database.transaction() as store:
        store.releases.write(release.ended(ReleaseStatus.REMOVED, at, "w"))
        row = store.connection.execute(text("SELECT ended_at FROM releases").columns(ended_at=UtcDateTime())).scalar_one()

    ended_at = world.release(release.id).ended_at
    assert row == ended_at == at
    assert ended_at
    assert (ended_at.tzinfo, ended_at.isoformat()) == (UTC, "2026-03-29T00:30:00.123456+00:00")


def test_a_time_without_a_zone_is_refused(database: Database) -> None:
    with pytest.raises(StatementError, match="must be timezone-aware"), database.transaction() as store:
        store.leases.take("reconciler", "a", datetime(2026, 3, 2), timedelta(seconds=1))  # noqa: DTZ001 (the naive time is intended)


def test_a_release_that_is_not_blocked_has_no_reason_rather_than_an_empty_one(world: World) -> None:
    world.publish(pipeline(stage("Development")))
    release = world.add()
    blocked = release.blocked_by(Blocked(code="c", message="m", since=NOW, details={"now": None}), "w")

    def reasons() -> int:
        with world.database.reading() as store:
            return int(store.connection.execute(text("SELECT count(*) FROM releases WHERE blocked IS NOT NULL")).scalar_one())

    assert reasons() == 0
    with world.database.transaction() as store:
        store.releases.write(blocked)
    assert (reasons(), world.release(release.id).blocked) == (1, blocked.blocked)
    with world.database.transaction() as store:
        store.releases.write(blocked.made_due_now(release.responsible_id, NOW, "w2"))
    assert (reasons(), world.release(release.id).blocked) == (0, None)


def test_every_allowed_value_survives_a_round_trip(world: World) -> None:
    with world.database.transaction() as store:
        feature = store.features.get("checkout", world.project.id, lock="update")
        there = store.environments.get("production", world.project.id)
        for value in ("é🚩\n\t\"'\\u0000", "", None, "x" * 20_000):
            store.features.write_state(feature, there, feature.default.model_copy(update={"value": value}), NOW)
            assert store.features.state(feature, there).value == value
