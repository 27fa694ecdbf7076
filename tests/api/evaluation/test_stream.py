"""Server-sent events announce changes at once."""

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from activities.store.change_listener import POLL_WITHOUT_NOTIFICATION
from tests.api.evaluation.applications import Application, application, change, keys_of, soon
from tests.api.evaluation.protocol import validate
from tests.http import Api
from tests.waiting import CEILING


class Events:
    """The events of one client, read in a thread."""

    def __init__(self) -> None:
        self.received: list[dict[str, str]] = []
        self.ended = False

    def read(self, lines: Iterator[str]) -> None:
        """Read until the stream ends."""
        event: dict[str, str] = {}
        try:
            for line in lines:
                if line and not line.startswith(":"):
                    name, _, value = line.partition(": ")
                    event[name] = value
                elif event:
                    self.received.append(event)
                    event = {}
        except httpx.HTTPError:
            pass
        self.ended = True

    def last(self) -> Any:
        """Return the data of the newest event."""
        return json.loads(self.received[-1]["data"])


@contextmanager
def listening(api: Api, path: str, **headers: str) -> Iterator[Events]:
    """A client that reads the stream."""
    events = Events()
    # Plain HTTP: loading CA certificates would take longer than most tests.
    client = httpx.Client(verify=False, timeout=CEILING)  # noqa: S501
    with client, client.stream("GET", f"{api.address}{path}", headers=headers) as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        thread = threading.Thread(target=events.read, args=(answer.iter_lines(),), daemon=True)
        thread.start()
        yield events
        # Closing the connection ends the read that blocks in another thread.
        with suppress(OSError):  # Unless the server has closed it.
            answer.extensions["network_stream"].get_extra_info("socket").shutdown(socket.SHUT_RDWR)
        thread.join(CEILING)


def ofrep_path(api: Api) -> str:
    """Return the stream that bulk evaluation names."""
    answer = application(api).evaluate({"targetingKey": "ada"}).json()
    return str(answer["eventStreams"][0]["endpoint"]["requestUri"])


def flagsmith_path(api: Api) -> str:
    """Return the stream that Flagsmith's SDK uses."""
    document = Application(api, keys_of(api)[1]).flagsmith("GET", "environment-document/").json()
    return f"/flagsmith/api/v1/sse/environments/{document['api_key']}/stream"


def test_ofrep_clients_receive_refetch_events(api_on_both: Api) -> None:
    api = api_on_both
    api.make_project()
    with listening(api, ofrep_path(api)) as events:
        soon("where it stands", lambda: events.received)
        change(api, {"enabled": True})
        took = soon("the change", lambda: len(events.received) > 1)

    for event in events.received:
        validate("sseEvent", {key: value for key, value in event.items() if key != "retry"})
        validate("sseEventData", json.loads(event["data"]))
    assert {json.loads(event["data"])["type"] for event in events.received} == {"refetchEvaluation"}
    assert took < POLL_WITHOUT_NOTIFICATION, "by a notification: without one, PostgreSQL is polled after this time"


def test_flagsmith_clients_receive_the_time_of_the_change(api: Api) -> None:
    api.make_project()
    with listening(api, flagsmith_path(api)) as events:
        soon("where it stands", lambda: events.received)
        before = events.last()["updated_at"]
        change(api, {"enabled": True})
        soon("the change", lambda: len(events.received) > 1)

    assert {event["event"] for event in events.received} == {"environment_updated"}
    assert before < events.last()["updated_at"] < time.time() + 1


def test_changes_of_other_environments_are_not_announced(api: Api) -> None:
    api.make_project()
    with listening(api, ofrep_path(api)) as events:
        soon("where it stands", lambda: events.received)
        change(api, {"enabled": True}, environment="staging")
        change(api, {"enabled": True})
        soon("the change", lambda: len(events.received) > 1)
        time.sleep(0.5)

    assert len(events.received) == 2


def test_a_reconnecting_client_receives_only_news(api: Api) -> None:
    api.make_project()
    path = ofrep_path(api)
    with listening(api, path) as events:
        soon("where it stands", lambda: events.received)
    known = events.received[-1]["id"]

    with listening(api, path, **{"Last-Event-ID": known}) as nothing_new:
        time.sleep(0.5)
        assert nothing_new.received == []
    change(api, {"enabled": True})
    with listening(api, path, **{"Last-Event-ID": known}) as missed:
        soon("what was missed", lambda: missed.received)
    for nonsense in ("x", "-1", "9" * 50):
        with listening(api, path, **{"Last-Event-ID": nonsense}) as from_the_start:
            soon("where it stands", lambda received=from_the_start.received: received)  # type: ignore[misc]

    assert int(missed.received[0]["id"]) > int(known)


def test_slow_clients_receive_many_changes_as_one(api: Api) -> None:
    api.make_project()
    with listening(api, ofrep_path(api)) as events:
        soon("where it stands", lambda: events.received)
        for number in range(10):
            change(api, {"enabled": True, "value": f"v{number}"})
        soon("the last change", lambda: application(api).evaluate({"targetingKey": "ada"}, "checkout").json().get("value") == "v9")
        newest = application(api).evaluate({"targetingKey": "ada"}).json()
        soon("the newest", lambda: events.last()["etag"] >= newest["metadata"]["version"])

    assert 2 <= len(events.received) <= 11


def test_a_disconnected_client_is_released(api: Api) -> None:
    api.make_project()
    path, address = ofrep_path(api), urlsplit(api.address)
    for _ in range(20):
        with socket.create_connection((address.hostname or "", address.port or 0)) as client:
            client.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            assert client.recv(100).startswith(b"HTTP/1.1 200")

    with listening(api, path) as events:
        change(api, {"enabled": True})
        soon("the change", lambda: len(events.received) > 1)


def test_a_stream_ends_with_its_environment(api: Api) -> None:
    api.make_project()
    answer = application(api, "staging").evaluate({"targetingKey": "ada"}).json()
    with listening(api, answer["eventStreams"][0]["endpoint"]["requestUri"]) as events:
        soon("where it stands", lambda: events.received)
        api.request("DELETE", "/projects/shop/environments/staging")
        soon("the end", lambda: events.ended)


@pytest.mark.parametrize("name", ["nobody", "%00", "ser.x", "x" * 300, "a%2Fb"])
def test_an_unknown_environment_has_no_stream(api: Api, name: str) -> None:
    api.make_project()
    for path in (f"/ofrep/v1/streams/{name}", f"/flagsmith/api/v1/sse/environments/{name}/stream"):
        assert api.client.get(f"{api.address}{path}").status_code == 404


def test_streams_accept_the_client_key_but_not_the_server_key(api: Api) -> None:
    api.make_project()
    client_key, server_key = keys_of(api)
    with listening(api, f"/flagsmith/api/v1/sse/environments/{client_key}/stream") as events:
        soon("where it stands", lambda: events.received)

    assert api.client.get(f"{api.address}/flagsmith/api/v1/sse/environments/{server_key}/stream").status_code == 404
