"""Pages keep their order while items are added."""

import base64

import pytest

from activities.store.database import Database
from activities.store.identifiers import new_id
from activities.store.paging import Slice
from domain.access import Owner
from domain.audit import AuditEvent
from domain.errors import CursorInvalid
from tests.world import NOW, World, make_world


def keys_by_page(world: World, limit: int) -> list[list[str]]:
    pages, cursor = [], None
    while True:
        with world.database.reading() as store:
            page = store.features.page(Slice(cursor, limit), world.project.id)
        pages.append([feature.key for feature in page.items])
        cursor = page.next
        if cursor is None:
            return pages


def test_a_list_by_key_can_be_paged(world: World) -> None:
    with world.database.transaction() as store:
        for key in ("b-2", "a_1", "zz", "a-1", "b1"):
            store.features.insert(
                NOW, id=new_id(), project_id=world.project.id, key=key, name=key, description="", type="toggle", default_state={}
            )

    assert keys_by_page(world, 50) == [["a-1", "a_1", "b-2", "b1", "checkout", "zz"]]
    assert keys_by_page(world, 2) == [["a-1", "a_1"], ["b-2", "b1"], ["checkout", "zz"]]
    assert keys_by_page(world, 6) == [["a-1", "a_1", "b-2", "b1", "checkout", "zz"]], "no empty page follows a full one"


def test_newest_first_pages_ignore_items_added_later(world: World) -> None:
    for number in range(5):
        with world.database.transaction() as store:
            store.audit.record(world.caller, AuditEvent.FEATURE_CHANGED, NOW, reason=str(number))
    with world.database.reading() as store:
        first = store.audit.page(Slice(limit=2), {})
    with world.database.transaction() as store:
        store.audit.record(world.caller, AuditEvent.FEATURE_CHANGED, NOW, reason="meanwhile")

    with world.database.reading() as store:
        second = store.audit.page(Slice(first.next, 2), {})
        third = store.audit.page(Slice(second.next, 2), {})

    assert [[entry.reason for entry in page.items] for page in (first, second, third)] == [["4", "3"], ["2", "1"], ["0"]]
    assert third.next is None


def test_keys_are_listed_newest_first(sqlite: Database) -> None:
    world = make_world(sqlite)
    with sqlite.transaction() as store:
        for number in range(3):
            store.keys.add(f"key {number}", Owner(kind="service", name="ci"), [], f"fh_secret_number_{number}", NOW)

    with sqlite.reading() as store:
        first = store.keys.page(Slice(limit=3))
        second = store.keys.page(Slice(first.next, 3))

    assert [key.name for key in first.items] == ["key 2", "key 1", "key 0"]
    assert [key.id for key in second.items] == [world.key_id]


def encoded(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    "cursor", ["", "=", "x", "???", "é", "\ud800", encoded("checkout"), encoded("v2:checkout"), encoded("v1:"), encoded("v1:a\x00b"), "_w"]
)
def test_an_invalid_cursor_is_refused(sqlite: Database, cursor: str) -> None:
    with sqlite.reading() as store, pytest.raises(CursorInvalid, match="Invalid cursor"):
        store.features.page(Slice(cursor), "p")
