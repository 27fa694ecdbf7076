"""Databases of earlier versions are upgraded, and their releases continue."""

import json

import pytest
from sqlalchemy import select, text

from activities.store.database import Database
from activities.store.migrate import differences, migrate
from activities.store.paging import Slice
from activities.store.snapshots import read_snapshot
from activities.store.tables import metadata, webhooks
from domain.access import Caller
from domain.releases.release import Release
from domain.releases.status import ReleaseStatus
from domain.webhooks.event import WebhookEvent
from tests.activities.acting import act, put_back, roll_back, runs_of
from tests.store.record_database import DATABASES, Contents, contents, fill
from tests.world import World

REVISION_OF = {"0.1": "0001", "0.2": "0009"}
"""The schema of each recorded version; 0.2 was recorded before its event names changed."""
RECORDED = sorted(path.stem for path in DATABASES.glob("*.json"))


@pytest.fixture(params=RECORDED)
def earlier(request: pytest.FixtureRequest, database: Database) -> Contents:
    """Restore the recorded database of one version, on SQLite and PostgreSQL, and return its rows."""
    metadata.drop_all(database.engine)
    with database.transaction() as store:
        store.connection.execute(text("DROP TABLE alembic_version"))
    migrate(database, REVISION_OF[request.param])
    recorded: Contents = json.loads((DATABASES / f"{request.param}.json").read_text())
    fill(database, recorded)
    return recorded


def _world(database: Database) -> World:
    with database.reading() as store:
        project = store.projects.get("shop")
        release = next(iter(store.releases.unfinished_in(project.id)))
        owner, access = store.keys.owner(release.responsible_id)
    caller = Caller(key="key", owner=owner, owner_id=release.responsible_id, access=access)
    return World(database, project, caller, "key")


def _text(row: dict[str, object]) -> str:
    """The row as text, with the event names of this version."""
    return json.dumps(row, sort_keys=True).replace('"stage.held"', '"stage.hold_ended"')


def _release_of(world: World, feature: str) -> Release:
    with world.database.reading() as store:
        releases = store.releases.unfinished_in(world.project.id)
    return next(release for release in releases if release.feature == feature)


def test_no_row_is_lost_or_altered(database: Database, earlier: Contents) -> None:
    migrate(database)

    assert differences(database) == []
    now = contents(database)
    for table, rows in earlier.items():
        kept = [{name: value for name, value in row.items() if name in rows[0]} for row in now[table]] if rows else now[table]
        assert sorted(map(_text, kept)) == sorted(map(_text, rows)), table


def test_a_running_release_continues_to_its_end(database: Database, earlier: Contents) -> None:
    migrate(database)
    world = _world(database)

    release = _release_of(world, "search")
    assert release.stage == "Production"

    act(world, release)

    assert world.flag("production", "search").enabled
    assert world.release(release.id).status is ReleaseStatus.COMPLETED
    assert [run.outcome for run in runs_of(world, release)] == ["acted", "acted"]


def test_a_blocked_release_still_says_why(database: Database, earlier: Contents) -> None:
    migrate(database)

    blocked = _release_of(_world(database), "checkout").blocked

    assert blocked is not None
    assert blocked.code == "flag_changed_by_hand"
    assert blocked.details["now"]["value"] == "by hand"


def test_earlier_data_is_served_to_applications(database: Database, earlier: Contents) -> None:
    migrate(database)
    world = _world(database)

    with database.reading() as store:
        environments = store.environments.all(world.project.id)
        snapshots = [read_snapshot(store, each.id) for each in environments]
        held = [store.environment_keys.holder(each.keys.server_key) for each in snapshots if each]

    assert held == [each.id for each in environments]
    assert [len(each.flags) for each in snapshots if each] == [len(earlier["features"])] * len(environments)
    assert len({each.keys.client_key for each in snapshots if each}) == len(environments)


def test_a_flag_can_be_added_to_an_earlier_pipeline(database: Database, earlier: Contents) -> None:
    migrate(database)
    world = _world(database)
    world.add_feature("new")

    assert world.add("new", "short").status is ReleaseStatus.STARTING


def test_a_completed_release_can_be_rolled_back(database: Database, earlier: Contents) -> None:
    migrate(database)
    world = _world(database)
    with database.reading() as store:
        page = store.releases.page(world.project.id, Slice(), {"status": "completed"}, None, None)
    completed = next(release for release in page.items if release.feature == "banner")
    assert world.flag("development", completed.feature).enabled

    roll_back(world, completed)
    put_back(world, completed)

    assert not world.flag("development", completed.feature).enabled
    assert world.release(completed.id).status is ReleaseStatus.ROLLED_BACK


def test_former_event_names_are_renamed(database: Database, earlier: Contents) -> None:
    recorded = json.dumps({table: rows for table, rows in earlier.items() if table in ("audit_entries", "webhooks")})
    migrate(database)

    with database.reading() as store:
        page = store.audit.page(Slice(limit=200), {"event": "stage.hold_ended"})
        subscriptions = store.connection.execute(select(webhooks.c.events)).scalars().all()
    subscribed = [WebhookEvent(event) for events in subscriptions for event in events]
    assert len(page.items) == recorded.count('"event": "stage.held"')
    assert subscribed.count(WebhookEvent.STAGE_HOLD_ENDED) == len(earlier.get("webhooks", []))


def test_every_recorded_database_is_upgraded() -> None:
    assert set(RECORDED) == set(REVISION_OF)
