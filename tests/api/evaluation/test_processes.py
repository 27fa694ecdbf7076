"""Applications keep reading with several API processes, during a database outage, and while a process stops."""

import asyncio
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sse_starlette import ServerSentEvent
from sse_starlette.sse import SendTimeoutError

from api.evaluation.stream import event_stream
from tests.api.answers import problem_of
from tests.api.evaluation.applications import Application, application, change, keys_of, soon
from tests.api.evaluation.test_stream import listening, ofrep_path
from tests.conftest import serve
from tests.http import OWNER_KEY, Api
from tests.ports import free_port
from tests.postgresql import DatabaseSwitch
from tests.waiting import CEILING

running = contextmanager(serve)
"""The API in a thread for the duration of the block."""


def test_a_change_by_one_process_reaches_all_others(database_url: str) -> None:
    with running(database_url) as one, running(database_url) as another:
        one.make_project()
        app = application(another)
        with listening(another, ofrep_path(another)) as events:
            soon("where it stands", lambda: events.received)
            change(one, {"enabled": True, "value": "new"})
            soon("the change", lambda: len(events.received) > 1)

            assert app.evaluate({"targetingKey": "ada"}, "checkout").json()["value"] == "new", "who is told reads it there at once"


def test_flags_are_served_during_a_database_outage_and_updated_after_it(postgresql_url: str) -> None:
    with running(postgresql_url) as api:
        api.make_project()
        change(api, {"enabled": True})
        client_key, server_key = keys_of(api)
        app, server = Application(api, client_key), Application(api, server_key)
        before = (app.flagsmith("GET", "flags/").json(), server.flagsmith("GET", "environment-document/").json())

        with DatabaseSwitch(postgresql_url).outage():
            problem_of(api.request("GET", "/projects"), 503, "database_unavailable")
            now = (app.flagsmith("GET", "flags/").json(), server.flagsmith("GET", "environment-document/").json())
            assert now == before
            assert app.evaluate({"targetingKey": "ada"}, "checkout").json()["value"] == "classic"
            assert app.flagsmith("POST", "identities/", {"identifier": "ada"}).status_code == 503
            assert Application(api, "never-seen").flagsmith("GET", "flags/").status_code == 503

        soon("the database to be back", lambda: api.request("GET", "/projects").status_code == 200)
        change(api, {"value": "new"})
        soon("the change", lambda: app.evaluate({"targetingKey": "ada"}, "checkout").json()["value"] == "new")


def test_a_process_with_open_streams_stops_at_once(sqlite_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    port = free_port()
    settings = {"DATABASE_URL": sqlite_url, "PORT": str(port), "BOOTSTRAP_KEY": OWNER_KEY}
    for name, value in settings.items():
        monkeypatch.setenv(f"FLAGHOIST_{name}", value)
    with (tmp_path / "api.log").open("wb") as log, subprocess.Popen([sys.executable, "-m", "api.app"], stderr=log) as process:
        api = Api(f"http://127.0.0.1:{port}", OWNER_KEY)
        try:
            api.wait_until_ready()
            api.make_project()
            with listening(api, ofrep_path(api)) as events:
                soon("where it stands", lambda: events.received)
                process.send_signal(signal.SIGTERM)
                # The server waits for open connections without a limit, so a stream that did not end would keep it alive.
                assert process.wait(CEILING) in (0, -signal.SIGTERM)
        finally:
            process.kill()
            api.close()


def test_a_client_that_does_not_read_is_dropped() -> None:
    sent = []
    ended = []

    async def events() -> AsyncIterator[ServerSentEvent]:
        try:
            while True:
                yield ServerSentEvent("news")
        finally:
            ended.append(True)

    async def send(message: Any) -> None:
        sent.append(message["type"])
        if message["type"] == "http.response.body":
            await asyncio.sleep(10 * CEILING)  # The client's receive window is full.

    async def receive() -> Any:
        await asyncio.sleep(10 * CEILING)

    async def answer() -> None:
        await event_stream(events(), too_slow=0.1)({"type": "http", "method": "GET"}, receive, send)

    with pytest.raises(SendTimeoutError):
        asyncio.run(asyncio.wait_for(answer(), CEILING))

    assert (sent, ended) == (["http.response.start", "http.response.body"], [True])


def test_an_incomplete_request_does_not_block_others(api: Api) -> None:
    api.make_project()
    app = application(api)
    host, port = api.address.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as silent:
        silent.sendall(b"POST /ofrep/v1/evaluate/flags HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
        assert app.evaluate({"targetingKey": "ada"}).status_code == 200
