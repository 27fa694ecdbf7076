"""The whole audit log, as a stream of lines."""

import asyncio
import json
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy import text

from activities.store.database import Database
from api.app import create_app
from api.routes.audit import EXPORTED_AT_ONCE
from settings import Settings
from tests.api.answers import pointers, problem_of
from tests.audited import fill_audit_log
from tests.http import OWNER_KEY, Api
from tests.waiting import wait_until

AUDIT = "/projects/shop/audit"
ALL = {"Accept": "application/x-ndjson"}
MORE_THAN_TWO_BATCHES = 2 * EXPORTED_AT_ONCE + 10


def exported(api: Api, path: str = AUDIT, **filters: str) -> list[Any]:
    answer = api.request("GET", path, params=filters, headers=ALL)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/x-ndjson"), answer.text
    return [json.loads(line) for line in answer.content.decode().split("\n")[:-1]]


def listed(api: Api, path: str = AUDIT, **filters: str) -> list[Any]:
    found: list[Any] = []
    cursor: dict[str, str] = {}
    while True:
        page = api.get(path, limit=200, **filters, **cursor)
        found += page["items"]
        if page["next"] is None:
            return found
        cursor = {"cursor": page["next"]}


def test_every_entry_is_exported_as_it_is_listed(api_on_both: Api, url_on_both: str) -> None:
    api_on_both.make_project()
    fill_audit_log(url_on_both, MORE_THAN_TWO_BATCHES)

    entries = exported(api_on_both)

    assert len(entries) > MORE_THAN_TWO_BATCHES
    assert entries == listed(api_on_both)
    assert [entry["id"] for entry in entries] == sorted((entry["id"] for entry in entries), reverse=True)


def test_an_export_is_filtered_like_a_list(api: Api, sqlite_of_the_room: str) -> None:
    api.make_project()
    fill_audit_log(sqlite_of_the_room, MORE_THAN_TWO_BATCHES)
    filters = [
        {"segment": "staff"},
        {"event": "segment.changed"},
        {"owner": "olga", "since": "2026-03-02T09:03:00Z"},
        {"feature": "nothing"},
    ]

    for each in filters:
        assert exported(api, **each) == listed(api, **each)

    assert len(exported(api, event="segment.changed", segment="staff")) == len(range(0, MORE_THAN_TWO_BATCHES, 3))
    assert exported(api, feature="nothing") == []


@pytest.mark.parametrize(
    "accept", ["application/x-ndjson", "text/html, APPLICATION/X-NDJSON; q=0.9", "application/json,application/x-ndjson"]
)
def test_whoever_accepts_lines_gets_all_of_them(api: Api, accept: str) -> None:
    api.make_project()

    assert api.request("GET", AUDIT, headers={"Accept": accept}).headers["content-type"] == "application/x-ndjson"


@pytest.mark.parametrize("accept", ["*/*", "application/json", "application/ndjson", ""])
def test_whoever_does_not_gets_a_page(api: Api, accept: str) -> None:
    api.make_project()

    assert api.request("GET", AUDIT, headers={"Accept": accept}).json()["next"] is None


def test_a_page_of_everything_makes_no_sense(api: Api) -> None:
    api.make_project()

    for asked in ("limit", "cursor"):
        refused = problem_of(api.request("GET", AUDIT, params={asked: "5"}, headers=ALL), 422, "invalid")
        assert pointers(refused) == [f"/{asked}"]


def test_an_export_is_refused_like_a_list(api: Api) -> None:
    api.make_project()
    viewer = api.make_key("vera", {"project": "shop", "role": "viewer"})

    problem_of(viewer.request("GET", "/projects/elsewhere/audit", headers=ALL), 404, "not_found")
    problem_of(viewer.request("GET", "/audit", headers=ALL), 403, "not_allowed")
    assert exported(viewer)


def test_the_log_of_the_instance_has_what_belongs_to_no_project_and_to_deleted_ones(api: Api) -> None:
    api.make_project()
    key = api.post("/keys", {"name": "root", "owner": {"kind": "person", "name": "olivia"}, "grants": [{"role": "owner"}]})
    api.request("DELETE", "/projects/shop")

    entries = listed(api, "/audit")

    assert [entry["event"] for entry in entries[:2]] == ["project.deleted", "key.created"]
    assert (entries[1]["project"], entries[1]["after"]["id"]) == (None, key["id"])
    assert {entry["project"] for entry in listed(api, "/audit", project="shop")} == {"shop"}
    assert exported(api, "/audit") == entries
    assert exported(api, "/audit", event="key.created", owner="bootstrap") == entries[1:2]


@pytest.mark.parametrize("accept", ["application/x-ndjson;q=0", "application/x-ndjson; Q=0.000, application/json", "application/x-ndjson2"])
def test_who_takes_anything_but_lines_gets_a_page(api: Api, accept: str) -> None:
    api.make_project()

    answer = api.request("GET", AUDIT, headers={"Accept": accept})

    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["items"]


@pytest.mark.parametrize("accept", ["application/x-ndjson;q=0.1", "text/html, Application/X-NDJSON; charset=utf-8"])
def test_who_takes_lines_too_gets_them(api: Api, accept: str) -> None:
    api.make_project()

    assert api.request("GET", AUDIT, headers={"Accept": accept}).headers["content-type"] == "application/x-ndjson"


Piece = MutableMapping[str, Any]
Told = Callable[[FastAPI, Piece], Awaitable[None]]


async def exported_by(app: FastAPI, told: Told, left: asyncio.Event, path: str) -> None:
    """Ask for all lines; `told` is told of each piece of the answer, and `left` says when the client goes away."""
    asked = False

    async def receive() -> Piece:
        nonlocal asked
        if asked:
            await left.wait()
            return {"type": "http.disconnect"}
        asked = True
        return {"type": "http.request", "body": b"", "more_body": False}

    headers = [(b"authorization", f"Bearer {OWNER_KEY}".encode()), (b"accept", b"application/x-ndjson")]
    places = {"path": f"/api/v1{path}", "raw_path": f"/api/v1{path}".encode(), "query_string": b"", "headers": headers}
    asgi = {"version": "3.0", "spec_version": "2.3"}
    scope: Piece = {"type": "http", "method": "GET", "scheme": "http", "server": ("api", 80), "client": ("here", 1), "asgi": asgi, **places}
    await app(scope, receive, lambda piece: told(app, piece))


def run_with(url: str, told: Told, left: asyncio.Event, path: str = AUDIT) -> None:
    async def story() -> None:
        app = create_app(Settings(database_url=url, bootstrap_key=OWNER_KEY))
        async with app.router.lifespan_context(app):
            await exported_by(app, told, left, path)

    asyncio.run(story())


def test_no_connection_is_held_while_lines_are_sent_and_no_more_than_a_batch(api_on_both: Api, url_on_both: str) -> None:
    api_on_both.make_project()
    fill_audit_log(url_on_both, MORE_THAN_TWO_BATCHES)
    sizes = []

    async def look(app: FastAPI, piece: Piece) -> None:
        if piece.get("body"):
            await _until_no_connection_is_held(app)
            sizes.append(piece["body"].count(b"\n"))

    run_with(url_on_both, look, asyncio.Event())

    assert sizes == [EXPORTED_AT_ONCE, EXPORTED_AT_ONCE, sum(sizes) - 2 * EXPORTED_AT_ONCE]


async def _until_no_connection_is_held(app: FastAPI) -> None:
    """Return once every connection is given back. The stream stands still, and the API's own loops take one for a moment only."""
    pool = app.state.database.engine.pool
    await wait_until("every connection to be given back", lambda: pool.checkedout() == 0)


def test_nothing_more_is_read_for_a_client_that_went_away(api: Api, sqlite_of_the_room: str) -> None:
    api.make_project()
    fill_audit_log(sqlite_of_the_room, 20 * EXPORTED_AT_ONCE)
    left, pieces = asyncio.Event(), list[Piece]()

    async def leave_early(_app: FastAPI, piece: Piece) -> None:
        pieces.append(piece)
        if len(pieces) == 3:
            left.set()
            await asyncio.sleep(0.05)

    run_with(sqlite_of_the_room, leave_early, left)

    assert 3 <= len(pieces) < 8
    assert pieces[-1]["more_body"], "what broke off does not look whole"


def test_an_export_that_breaks_off_does_not_look_whole(api: Api, sqlite_of_the_room: str) -> None:
    api.make_project()
    fill_audit_log(sqlite_of_the_room, 20 * EXPORTED_AT_ONCE)
    pieces: list[Piece] = []

    async def lose_the_log(app: FastAPI, piece: Piece) -> None:
        pieces.append(piece)
        if len(pieces) == 3:
            with app.state.database.transaction() as store:
                store.connection.execute(text("UPDATE audit_entries SET event = 'unheard of'"))

    with pytest.raises(ValueError, match="unheard of"):
        run_with(sqlite_of_the_room, lose_the_log, asyncio.Event())

    assert all(piece.get("more_body", True) for piece in pieces)


def test_an_outage_before_the_first_line_is_answered_as_one(sqlite_url: str) -> None:
    database, pieces = Database(sqlite_url), list[Piece]()
    with database.transaction() as store:
        store.connection.execute(text("ALTER TABLE audit_entries RENAME TO lost"))
    database.close()

    async def keep(_app: FastAPI, piece: Piece) -> None:
        pieces.append(piece)

    run_with(sqlite_url, keep, asyncio.Event(), path="/audit")

    assert [piece["status"] for piece in pieces if "status" in piece] == [503]
    assert b"database_unavailable" in pieces[1]["body"]
