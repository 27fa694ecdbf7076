"""The audit log and its filters."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from activities.store.audit import FILTERS
from activities.store.database import Database
from activities.store.paging import Slice
from domain.audit import SYSTEM, TEMPORAL, Actor, AuditEntry, AuditEvent, by_key, by_release
from tests.world import NOW, World, make_world

HOUR = timedelta(hours=1)


def entry(reason: str, actor: Actor = SYSTEM, at: datetime = NOW, **more: Any) -> AuditEntry:
    return AuditEntry(at=at, actor=actor, event=more.pop("event", AuditEvent.FLAG_CHANGED), reason=reason, **more)


def write(database: Database, *entries: AuditEntry) -> None:
    with database.transaction() as store:
        for each in entries:
            store.audit.add(each)


def found(database: Database, equal: dict[str, str] | None = None, **more: Any) -> list[str | None]:
    with database.reading() as store:
        return [each.reason for each in store.audit.page(Slice(), equal or {}, **more).items]


def test_an_entry_is_read_as_it_was_written(world: World) -> None:
    whole = entry(
        "because",
        by_key(world.caller),
        on_behalf_of="anna",
        project="shop",
        environment="production",
        feature="checkout",
        segment="staff",
        pipeline="standard",
        release="r",
        stage="Beta users",
        before={"value": None},
        after={"value": "é🚩"},
    )
    write(world.database, whole, entry("nothing more", TEMPORAL))

    with world.database.reading() as store:
        bare, read = store.audit.page(Slice(), {}).items

    assert read.id
    assert read.model_copy(update={"id": ""}) == whole
    assert (bare.project, bare.before, bare.after, bare.actor) == (None, None, None, TEMPORAL)


@pytest.mark.parametrize("column", FILTERS)
def test_entries_are_filtered_by_subject(sqlite: Database, column: str) -> None:
    about: dict[str, Any] = {"event": "release.added"} | {name: "this" for name in FILTERS if name != "event"}
    other = {column: "release.removed" if column == "event" else "that"}
    write(sqlite, entry("it", **about), entry("other", **(about | other)), entry("nothing", event=AuditEvent.KEY_CREATED))

    assert found(sqlite, {column: about[column]}) == ["it"]
    assert found(sqlite, about) == ["it"]
    assert found(sqlite, about | other) == ["other"]


def test_entries_are_filtered_by_actor_and_by_beneficiary(sqlite: Database) -> None:
    world = make_world(sqlite)
    write(
        sqlite,
        entry("olivia herself", by_key(world.caller)),
        entry("for olivia", by_release("r"), on_behalf_of="olivia"),
        entry("for anna", by_release("r"), on_behalf_of="anna"),
        entry("nobody"),
    )

    assert found(sqlite, actor="olivia") == ["for olivia", "olivia herself"]
    assert found(sqlite, actor="anna") == ["for anna"]
    assert found(sqlite, {"release": "r"}, actor="olivia") == []


def test_entries_are_filtered_by_a_half_open_time_range(world: World) -> None:
    write(world.database, *(entry(str(hour), at=NOW + hour * HOUR) for hour in range(4)))

    assert found(world.database, since=NOW + HOUR) == ["3", "2", "1"]
    assert found(world.database, until=NOW + 2 * HOUR) == ["1", "0"]
    assert found(world.database, since=NOW + HOUR, until=NOW + 2 * HOUR) == ["1"]


def test_filters_apply_to_every_page(sqlite: Database) -> None:
    write(sqlite, *(entry(str(number), project="shop" if number % 2 else "other") for number in range(8)))

    with sqlite.reading() as store:
        first = store.audit.page(Slice(limit=3), {"project": "shop"})
        second = store.audit.page(Slice(first.next, 3), {"project": "shop"})

    assert [[each.reason for each in page.items] for page in (first, second)] == [["7", "5", "3"], ["1"]]
    assert second.next is None
