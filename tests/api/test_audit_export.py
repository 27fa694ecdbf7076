"""The export of the whole audit log as NDJSON."""

import asyncio
import json
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy import text

from activities.store.database import Database
from api.app import create_app
from api.routes.audit import EXPORT_BATCH
from settings import Settings
from tests.api.answers import pointers, problem_of
from tests.audited import fill_audit_log
from tests.http import OWNER_KEY, Api
from tests.waiting import wait_until

AUDIT = "/projects/shop/audit"
ALL = {"Accept": "application/x-ndjson"}
MORE_THAN_TWO_BATCHES = 2 * EXPORT_BATCH + 10


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


def test_export_contains_every_entry_as_it_is_listed(api_on_both: Api, url_on_both: str) -> None:
    api_on_both.make_project()
    fill_audit_log(url_on_both, MORE_THAN_TWO_BATCHES)

    entries = exported(api_on_both)

    assert len(entries) > MORE_THAN_TWO_BATCHES
    assert entries == listed(api_on_both)
    assert [entry["id"] for entry in entries] == sorted((entry["id"] for entry in entries), reverse=True)


def test_export_accepts_the_filters_of_a_list(api: Api, sqlite_of_the_room: str) -> None:
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
def test_client_that_accepts_ndjson_gets_all_entries(api: Api, accept: str) -> None:
    api.make_project()

    assert api.request("GET", AUDIT, headers={"Accept": accept}).headers["content-type"] == "application/x-ndjson"


@pytest.mark.parametrize("accept", ["*/*", "application/json", "application/ndjson", ""])
def test_client_that_does_not_accept_ndjson_gets_a_page(api: Api, accept: str) -> None:
    api.make_project()

    assert api.request("GET", AUDIT, headers={"Accept": accept}).json()["next"] is None


def test_export_with_cursor_or_limit_is_invalid(api: Api) -> None:
    api.make_project()

    for parameter in ("limit", "cursor"):
        refused = problem_of(api.request("GET", AUDIT, params={parameter: "5"}, headers=ALL), 422, "invalid")
        assert pointers(refused) == [f"/{parameter}"]


def test_export_requires_the_same_rights_as_a_list(api: Api) -> None:
    api.make_project()
    viewer = api.make_key("vera", {"project": "shop", "role": "viewer"})

    problem_of(viewer.request("GET", "/projects/elsewhere/audit", headers=ALL), 404, "not_found")
    problem_of(viewer.request("GET", "/audit", headers=ALL), 403, "not_allowed")
    assert exported(viewer)


def test_instance_audit_log_includes_deleted_projects_and_entries_outside_projects(api: Api) -> None:
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
def test_client_that_excludes_ndjson_gets_a_page(api: Api, accept: str) -> None:
    api.make_project()

    answer = api.request("GET", AUDIT, headers={"Accept": accept})

    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["items"]


@pytest.mark.parametrize("accept", ["application/x-ndjson;q=0.1", "text/html, Application/X-NDJSON; charset=utf-8"])
def test_client_that_also_accepts_ndjson_gets_all_entries(api: Api, accept: str) -> None:
    api.make_project()

    assert api.request("GET", AUDIT, headers={"Accept": accept}).headers["content-type"] == "application/x-ndjson"


Piece = MutableMapping[str, Any]
Receiver = Callable[[FastAPI, Piece], Awaitable[None]]


async def exported_by(app: FastAPI, receiver: Receiver, disconnected: asyncio.Event, path: str) -> None:
    """Request all lines. `receiver` gets every piece of the response, and `disconnected` is set when the client goes away."""
    sent = False

    async def receive() -> Piece:
        nonlocal sent
        if sent:
            await disconnected.wait()
            return {"type": "http.disconnect"}
        sent = True
        return {"type": "http.request", "body": b"", "more_body": False}

    headers = [(b"authorization", f"Bearer {OWNER_KEY}".encode()), (b"accept", b"application/x-ndjson")]
    request = {"path": f"/api/v1{path}", "raw_path": f"/api/v1{path}".encode(), "query_string": b"", "headers": headers}
    asgi = {"version": "3.0", "spec_version": "2.3"}
    scope: Piece = {
        "type": "http",
        "method": "GET",
        "scheme": "http",
        "server": ("api", 80),
        "client": ("here", 1),
        "asgi": asgi,
        **request,
    }
    await app(scope, receive, lambda piece: receiver(app, piece))


def run_with(url: str, receiver: Receiver, disconnected: asyncio.Event, path: str = AUDIT) -> None:
    async def run() -> None:
        app = create_app(Settings(database_url=url, bootstrap_key=OWNER_KEY))
        async with app.router.lifespan_context(app):
            await exported_by(app, receiver, disconnected, path)

    asyncio.run(run())


def test_export_holds_no_connection_while_sending_and_at_most_one_batch(api_on_both: Api, url_on_both: str) -> None:
    api_on_both.make_project()
    fill_audit_log(url_on_both, MORE_THAN_TWO_BATCHES)
    sizes = []

    async def look(app: FastAPI, piece: Piece) -> None:
        if piece.get("body"):
            await _until_no_connection_is_held(app)
            sizes.append(piece["body"].count(b"\n"))

    run_with(url_on_both, look, asyncio.Event())

    assert sizes == [EXPORT_BATCH, EXPORT_BATCH, sum(sizes) - 2 * EXPORT_BATCH]


async def _until_no_connection_is_held(app: FastAPI) -> None:
    """Return once every connection is given back. The stream stands still, and the API's own loops take one for a moment only."""
    pool = app.state.database.engine.pool
    await wait_until("every connection to be given back", lambda: pool.checkedout() == 0)


def test_export_stops_reading_when_the_client_disconnects(api: Api, sqlite_of_the_room: str) -> None:
    api.make_project()
    fill_audit_log(sqlite_of_the_room, 20 * EXPORT_BATCH)
    disconnected, pieces = asyncio.Event(), list[Piece]()

    async def leave_early(_app: FastAPI, piece: Piece) -> None:
        pieces.append(piece)
        if len(pieces) == 3:
            disconnected.set()
            await asyncio.sleep(0.05)

    run_with(sqlite_of_the_room, leave_early, disconnected)

    assert 3 <= len(pieces) < 8
    assert pieces[-1]["more_body"], "an interrupted stream must not look complete"


def test_interrupted_export_does_not_look_complete(api: Api, sqlite_of_the_room: str) -> None:
    api.make_project()
    fill_audit_log(sqlite_of_the_room, 20 * EXPORT_BATCH)
    pieces: list[Piece] = []

    async def lose_the_log(app: FastAPI, piece: Piece) -> None:
        pieces.append(piece)
        if len(pieces) == 3:
            with app.state.database.transaction() as store:
                store.connection.execute(text("UPDATE audit_entries SET event = 'unknown'"))

    with pytest.raises(ValueError, match="unknown"):
        run_with(sqlite_of_the_room, lose_the_log, asyncio.Event())

    assert all(piece.get("more_body", True) for piece in pieces)


def test_outage_before_the_first_line_is_a_503(sqlite_url: str) -> None:
    database, pieces = Database(sqlite_url), list[Piece]()
    with database.transaction() as store:
        store.connection.execute(text("ALTER TABLE audit_entries RENAME TO lost"))
    database.close()

    async def keep(_app: FastAPI, piece: Piece) -> None:
        pieces.append(piece)

    run_with(sqlite_url, keep, asyncio.Event(), path="/audit")

    assert [piece["status"] for piece in pieces if "status" in piece] == [503]
    assert b"database_unavailable" in pieces[1]["body"]
