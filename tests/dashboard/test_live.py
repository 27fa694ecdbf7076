"""The stream that tells open pages to look again."""

import asyncio
from collections.abc import AsyncGenerator, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from typing import Any, TypeVar

import pytest
from sqlalchemy import event

from activities.store.database import Database
from activities.store.keys import hash_secret, new_secret
from activities.store.sessions import SessionRepository
from api.dashboard.changes import OpenPage, ProjectChanges
from api.dashboard.session import LASTS
from api.dependencies import now
from domain.access import Access, Caller, Grant, Owner
from domain.audit import AuditEvent
from tests.dashboard.conftest import SignIn, key_of
from tests.dashboard.visitor import Visitor
from tests.http import Api

T = TypeVar("T")


@contextmanager
def _events(visitor: Visitor) -> Iterator[Iterator[str]]:
    with visitor.client.stream("GET", "/projects/shop/live") as answer:
        assert answer.status_code == 200
        yield (line for line in answer.iter_lines() if line.startswith("data:"))


def test_a_change_reaches_an_open_page(api: Api, sign_in: SignIn) -> None:
    with _events(sign_in()) as events:
        assert next(events) == "data: look"

        api.post("/projects/shop/features", {"key": "new"})

        assert next(events) == "data: look"


def test_the_stream_ends_with_the_session(api: Api, sign_in: SignIn) -> None:
    maria = api.make_key("maria", {"project": "shop", "role": "viewer"})
    with _events(sign_in(key_of(maria))) as events:
        next(events)

        api.request("DELETE", f"/keys/{maria.get('/whoami')['id']}")
        api.post("/projects/shop/features", {"key": "new"})

        assert set(events) <= {"data: look"}, "it ends"


def test_a_stranger_is_told_nothing(api: Api, sign_in: SignIn) -> None:
    api.make_project("other")
    stranger = sign_in(key_of(api.make_key("stan", {"project": "other", "role": "admin"})))

    assert stranger.look("/projects/shop/live").status_code == 404


def test_a_change_costs_three_queries_however_many_pages_are_open(sqlite_url: str) -> None:
    with closing(Database(sqlite_url)) as database:
        assert _run(_queries_of_a_change(database, pages=500)) == ["BEGIN", "SELECT", "SELECT", "BEGIN", "SELECT"]


def test_a_change_is_noticed_again_after_the_sessions_could_not_be_read(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(Database(sqlite_url)) as database:
        _run(_notice_after_a_failure(database, monkeypatch))


async def _notice_after_a_failure(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    changes = ProjectChanges(database)
    (page,) = _open_pages(database, changes, 1)
    assert await anext(page) == 0
    _record_change(database)
    with monkeypatch.context() as broken:
        broken.setattr(SessionRepository, "callers", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            await changes._poll()

    await changes._poll()

    assert await anext(page) == 1


def _run(work: Coroutine[Any, Any, T]) -> T:
    """Run it on a thread: an open browser of other tests keeps an event loop running on this one."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()


def _open_pages(database: Database, changes: ProjectChanges, pages: int) -> list[AsyncGenerator[int]]:
    """Return what as many pages are told, each in a session of its own."""
    with database.transaction() as store:
        key = store.keys.add("maria", Owner(kind="person", name="maria"), (Grant(project="shop", role="viewer"),), new_secret(), now())
        hashes = [hash_secret(store.sessions.begin(key.id, store.keys.secret_hash(key.id), now(), now() + LASTS)) for _ in range(pages)]
    return [changes.of(OpenPage("shop", each)) for each in hashes]


def _record_change(database: Database) -> None:
    caller = Caller(key="k", owner=Owner(kind="person", name="maria"), owner_id="o", access=Access())
    with database.transaction() as store:
        store.audit.record(caller, AuditEvent.PROJECT_CHANGED, now(), project="shop")


async def _queries_of_a_change(database: Database, pages: int) -> list[str]:
    """Return the first word of each statement that tells all open pages of one change."""
    changes, queries = ProjectChanges(database), list[str]()
    opened = _open_pages(database, changes, pages)
    assert [await anext(page) for page in opened] == [0] * pages
    _record_change(database)
    event.listen(database.engine, "before_cursor_execute", lambda *arguments: queries.append(arguments[2].split()[0]))
    await changes._poll()
    assert [await anext(page) for page in opened] == [1] * pages
    return queries
