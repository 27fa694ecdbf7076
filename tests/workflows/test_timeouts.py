"""The timeouts are in order: what waits inside gives up before what waits around it."""

from contextlib import closing

import pytest
from sqlalchemy import text

from activities.http_post import TIMEOUT_SECONDS
from activities.store.database import Database
from activities.store.timeouts import (
    CONNECT_TIMEOUT,
    LOCK_TIMEOUT,
    LONGEST_WAIT,
    RESPONSE_TIMEOUT,
    SQLITE_LOCK_TIMEOUT,
    STATEMENT_TIMEOUT,
    TURN_TIMEOUT,
    BoundedConnection,
)
from workflows.policies import ACTIVITY_OPTIONS, DELIVERY_OPTIONS, LOCAL_ACTIVITY_OPTIONS

ATTEMPT, LOCAL_ATTEMPT, DELIVERY = (
    options["start_to_close_timeout"].total_seconds() for options in (ACTIVITY_OPTIONS, LOCAL_ACTIVITY_OPTIONS, DELIVERY_OPTIONS)
)


def test_an_attempt_outlasts_every_wait_for_the_database() -> None:
    assert TURN_TIMEOUT < SQLITE_LOCK_TIMEOUT < TURN_TIMEOUT + SQLITE_LOCK_TIMEOUT <= LONGEST_WAIT
    assert LOCK_TIMEOUT < STATEMENT_TIMEOUT < RESPONSE_TIMEOUT <= LONGEST_WAIT
    assert CONNECT_TIMEOUT < LONGEST_WAIT < LOCAL_ATTEMPT < ATTEMPT
    assert max(LONGEST_WAIT, TIMEOUT_SECONDS) < DELIVERY


@pytest.mark.parametrize("options", [ACTIVITY_OPTIONS, LOCAL_ACTIVITY_OPTIONS, DELIVERY_OPTIONS], ids=["regular", "local", "delivery"])
def test_the_wait_for_a_slot_ends_no_activity(options: dict[str, object]) -> None:
    assert "schedule_to_close_timeout" not in options
    assert "schedule_to_start_timeout" not in options


def test_postgresql_gets_its_timeouts(postgresql_url: str) -> None:
    with closing(Database(postgresql_url)) as database, database.reading() as store:
        shown = {name: store.connection.execute(text(f"SHOW {name}")).scalar() for name in ("statement_timeout", "lock_timeout")}

    assert shown == {"statement_timeout": f"{STATEMENT_TIMEOUT}s", "lock_timeout": f"{LOCK_TIMEOUT}s"}
    assert BoundedConnection.RESPONSE_TIMEOUT == RESPONSE_TIMEOUT


def test_sqlite_gets_its_timeout(sqlite: Database) -> None:
    with sqlite.reading() as store:
        assert store.connection.execute(text("PRAGMA busy_timeout")).scalar() == SQLITE_LOCK_TIMEOUT * 1000
