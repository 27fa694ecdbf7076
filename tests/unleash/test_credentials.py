"""Credentials of a real Unleash: where they are stored, shown and replaced."""

import json
from pathlib import Path

import pytest
from sqlalchemy import make_url
from structlog.testing import capture_logs

from tests.api.answers import pointers, problem_of
from tests.conftest import serve_without_temporal
from tests.http import Api
from tests.unleash.connections import connected_project, connection_to, new_project, put
from tests.unleash.server import UnleashServer

pytestmark = pytest.mark.xdist_group("unleash")


@pytest.mark.parametrize("credential", ["täken", "two\nlines", "\ud800"])
def test_credential_that_cannot_be_sent_is_refused(api: Api, unleash: UnleashServer, credential: str) -> None:
    project = new_project(api)
    body = json.dumps(connection_to(unleash, credential=credential))

    for method, path in (("PUT", "connection"), ("POST", "connection/check")):
        url, headers = f"{api.address}/api/v1{project}/{path}", {"content-type": "application/json"}
        problem = problem_of(api.client.request(method, url, content=body, headers=headers), 422, "invalid")
        assert pointers(problem) == ["/credential"]


def test_credential_is_in_no_answer_and_nowhere_in_clear(api: Api, unleash: UnleashServer, shared_sqlite: str) -> None:
    project = new_project(api)
    answers = [
        put(api, project, connection_to(unleash)),
        put(api, project, connection_to(unleash, calls=3)),
        put(api, project, connection_to(unleash, kind="none")),
        put(api, project, connection_to(unleash, credential={"token": unleash.admin_token})),
        api.request("POST", f"{project}/connection/check", connection_to(unleash), headers={"Idempotency-Key": "once"}),
        api.request("GET", f"{project}/connection"),
        api.request("GET", f"{project}/audit"),
    ]

    assert [each.status_code for each in answers] == [200, 200, 422, 422, 200, 200, 200]
    assert all(unleash.admin_token not in each.text for each in answers)
    file = Path(str(make_url(shared_sqlite).database))
    stored = b"".join(each.read_bytes() for each in file.parent.glob(f"{file.name}*"))
    assert unleash.address.encode() in stored
    assert unleash.admin_token.encode() not in stored
    events = {each["event"]: json.dumps(each) for each in answers[-1].json()["items"]}
    assert {"provider.connected", "provider.changed", "environment.created"} <= set(events)
    assert unleash.address in events["provider.connected"]


def test_credential_is_in_no_log_line(sqlite_url: str, unleash: UnleashServer) -> None:
    for api in serve_without_temporal(sqlite_url):
        with capture_logs() as lines:
            project = connected_project(api, unleash)
            put(api, project, connection_to(unleash, address="http://127.0.0.1:1"))
            put(api, project, connection_to(unleash, environments={"live": "prod"}))
            api.get(f"{project}/features")

    assert any(line["event"] == "request" for line in lines)
    assert unleash.admin_token not in str(lines)


def test_stored_credential_stays_unless_the_address_changes(api: Api, unleash: UnleashServer) -> None:
    project = connected_project(api, unleash)
    kept = {key: value for key, value in connection_to(unleash, calls=2).items() if key != "credential"}

    changed = put(api, project, kept)
    moved = put(api, project, kept | {"address": unleash.address.replace("127.0.0.1", "localhost")})

    assert changed.json()["calls"] == 2
    assert pointers(problem_of(moved, 422, "invalid")) == ["/credential"]


def test_without_a_secret_key_the_command_that_makes_one_is_named(sqlite_url: str, unleash: UnleashServer) -> None:
    for api in serve_without_temporal(sqlite_url, secret_keys=""):
        problem = problem_of(put(api, new_project(api), connection_to(unleash)), 422, "invalid")

        assert pointers(problem) == ["/credential"]
        assert "flaghoist secret-key" in problem["detail"]


def test_credential_can_be_replaced_after_its_key_was_lost(sqlite_url: str, unleash: UnleashServer) -> None:
    other = "b3RoZXItc2VjcmV0LWtleS1vZi10aGUtdGVzdHMtMzI="
    for api in serve_without_temporal(sqlite_url):
        project = connected_project(api, unleash)
    for api in serve_without_temporal(sqlite_url, secret_keys=other):
        checked = api.post(f"{project}/connection/check")
        repaired = put(api, project, connection_to(unleash))

        assert "FLAGHOIST_SECRET_KEYS" in next(each["message"] for each in checked["findings"] if not each["passed"])
        assert repaired.status_code == 200
