"""The log of an API process: what it contains, and what it never contains."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import APIRouter
from structlog.testing import capture_logs

from api.app import create_app
from api.dashboard.page_route import PageRoute
from settings import Settings
from tests.api.answers import problem_of
from tests.http import OWNER_KEY, Api
from tests.pipelines import approval, pipeline, stage
from tests.ports import free_port
from tests.waiting import CEILING, wait_for

STRANGER = "fh_a_secret_that_nobody_should_ever_read_in_a_log"


class LoggingApi(Api):
    """The API in its own process, with its log in a file."""

    log: Path

    def lines(self, **fields: Any) -> list[dict[str, Any]]:
        """Return the log lines with these fields, oldest first, once the line of the request or of the given event is among them."""

        def matching() -> list[dict[str, Any]] | None:
            lines = [json.loads(line) for line in self.log.read_text().splitlines() if line.endswith("}")]
            found = [line for line in lines if all(line.get(name) == value for name, value in fields.items())]
            return found if any(line["event"] == fields.get("event", "request") for line in found) else None

        return wait_for(f"a line with {fields}", matching, interval=0.05)


@pytest.fixture(scope="module")
def logging_api(migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LoggingApi]:
    folder, port = tmp_path_factory.mktemp("logs"), free_port()
    (folder / "flaghoist.db").write_bytes(migrated_sqlite.read_bytes())
    environment = {
        "FLAGHOIST_HOME": str(folder),
        "FLAGHOIST_PORT": str(port),
        "FLAGHOIST_BOOTSTRAP_KEY": OWNER_KEY,
        "FLAGHOIST_LOG_LEVEL": "debug",
        "TEMPORAL_ADDRESS": f"127.0.0.1:{free_port()}",
    }
    api = LoggingApi(f"http://127.0.0.1:{port}", OWNER_KEY)
    api.log = folder / "api.log"
    with (
        api.log.open("wb") as log,
        subprocess.Popen([sys.executable, "-m", "api.app"], stdout=log, stderr=log, env=os.environ | environment) as process,
    ):
        try:
            api.wait_until_ready()
            api.make_project()
            api.publish(pipeline(stage("Development")))
            yield api
        finally:
            process.terminate()
            process.wait(CEILING)
            api.close()


def test_each_request_logs_one_line_with_caller_route_and_status(logging_api: LoggingApi) -> None:
    answer = logging_api.request("GET", "/projects/shop/releases", params={"limit": 1, "status": "running"})

    [line] = logging_api.lines(request_id=answer.headers["x-request-id"])
    [key] = logging_api.get("/keys")["items"]
    fields = {name: line[name] for name in ("event", "level", "method", "route", "status", "project", "key")}
    assert fields == {
        "event": "request",
        "level": "info",
        "method": "GET",
        "route": "/api/v1/projects/{project}/releases",
        "status": 200,
        "project": "shop",
        "key": key["id"],
    }
    assert line["ms"] > 0
    assert line["owner"]
    assert "limit" not in str(line)


def test_valid_request_id_of_the_client_is_kept(logging_api: LoggingApi) -> None:
    def id_for(sent: str) -> str:
        return str(logging_api.request("GET", "/projects", headers={"X-Request-Id": sent}).headers["x-request-id"])

    assert id_for("trace-4711.a_B") == "trace-4711.a_B"
    assert len(logging_api.lines(request_id="trace-4711.a_B", event="request")) == 1
    for invalid in ("x" * 65, "two words", "quote\"'", ""):
        assert len(id_for(invalid)) == 36
    assert id_for("") != id_for("")


def test_log_lines_of_a_request_have_the_release_id(logging_api: LoggingApi) -> None:
    answer = logging_api.request("POST", "/projects/shop/releases", {"feature": "checkout", "pipeline": "standard"})
    release = answer.json()["id"]
    removed = logging_api.request("POST", f"/projects/shop/releases/{release}/remove")

    for each, event in ((answer, "release_added"), (removed, "release_removed")):
        lines = logging_api.lines(request_id=each.headers["x-request-id"])
        assert next(line["event"] for line in lines if line.get("release")) == event
        assert lines[-1]["event"] == "request"
    assert logging_api.lines(event="request", release=release)
    assert all("request_id" not in line for line in logging_api.lines(event="outbox_entry_failed"))


def test_each_control_that_the_record_decides_has_its_own_log_event(logging_api: LoggingApi) -> None:
    gated = stage("Development", wait="1h") | {"gates": [approval(2)]}
    logging_api.publish(pipeline(gated, key="gated"))
    operator = {"project": "shop", "role": "operator", "environments": ["*"]}
    ann, ben = logging_api.make_key("ann", operator), logging_api.make_key("ben", operator)

    for body, controls in (
        ({"key": "approved"}, ((ann, "approve"), (ben, "pause"), (ben, "approve"), (ann, "rollback"))),
        ({"key": "rejected"}, ((ann, "reject"), (ann, "remove"))),
    ):
        logging_api.post("/projects/shop/features", body)
        release = logging_api.add(body["key"], "gated")["id"]
        for person, control in controls:
            answer = person.request("POST", f"/projects/shop/releases/{release}/{control}", {})
            assert answer.is_success, answer.text
        logging_api.lines(request_id=answer.headers["x-request-id"])

        lines = [line for line in logging_api.lines(release=release) if line["event"].startswith("release_")]
        events = {"approve": "approved", "reject": "rejected", "pause": "paused", "rollback": "rolling_back", "remove": "removed"}
        assert [line["event"] for line in lines] == ["release_added", *(f"release_{events[control]}" for _, control in controls)]
        assert {(line["feature"], line["project"]) for line in lines} == {(body["key"], "shop")}


def test_problem_has_the_request_id_in_header_body_and_log(logging_api: LoggingApi) -> None:
    refused = [
        (logging_api.request("GET", "/projects/nowhere"), 404, "not_found"),
        (logging_api.request("GET", "/no/such/path"), 404, "not_found"),
        (logging_api.request("DELETE", "/projects/shop/features"), 405, "method_not_allowed"),
        (logging_api.request("POST", "/projects", content=b"{", headers={"Content-Type": "application/json"}), 400, "json_invalid"),
        (logging_api.request("POST", "/projects", {"key": "-"}), 422, "invalid"),
        (logging_api.with_key(None).request("GET", "/projects"), 401, "not_authenticated"),
    ]

    for answer, status, code in refused:
        problem = problem_of(answer, status, code)
        assert problem["request_id"] == answer.headers["x-request-id"]
        [line] = logging_api.lines(request_id=problem["request_id"])
        assert (line["status"], line["code"]) == (status, code)


def test_health_checks_and_scrapes_are_logged_at_debug_level(logging_api: LoggingApi) -> None:
    for path in ("/healthz", "/readyz", "/metrics"):
        logging_api.request("GET", f"{logging_api.address}{path}")

        assert {line["level"] for line in logging_api.lines(route=path)} == {"debug"}


def test_secrets_and_queries_are_never_logged(logging_api: LoggingApi) -> None:
    made = logging_api.request(
        "POST", "/keys", {"name": "ci", "owner": {"kind": "service", "name": "ci"}, "grants": [{"project": "shop", "role": "viewer"}]}
    ).json()
    with_new = logging_api.with_key(made.get("secret", STRANGER))
    with_new.request("GET", "/projects")
    stranger = logging_api.with_key(STRANGER)
    stranger.request("GET", "/projects", params={"cursor": "bGVhaw-cursor"})
    logging_api.request("DELETE", f"/keys/{STRANGER}")
    logging_api.request("GET", f"/projects/{STRANGER}/releases/{STRANGER}")
    logging_api.request("GET", f"/{STRANGER}")
    logging_api.request("POST", "/projects", content=f'{{"key": "{STRANGER}"'.encode(), headers={"Content-Type": "application/json"})

    assert logging_api.lines(event="request", status=400, code="json_invalid")
    log = logging_api.log.read_text()
    assert made["secret"]
    for secret in (OWNER_KEY, STRANGER, made["secret"], "bGVhaw", "Bearer"):
        assert secret not in log


def test_internal_error_has_the_request_id_under_which_it_was_logged() -> None:
    async def run() -> httpx.Response:
        app = create_app(Settings())

        @app.get("/broken")
        def broken() -> None:
            raise RuntimeError("nobody expected this")

        # In process, so that the route exists only in this application. A real server behaves the same.
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://api") as client:
            return await client.get("/broken", headers={"X-Request-Id": "defect-1"})

    with capture_logs() as logs:
        answer = asyncio.run(run())

    problem = problem_of(answer, 500, "internal_error")
    assert "nobody expected" not in answer.text
    assert (problem["request_id"], answer.headers["x-request-id"]) == ("defect-1", "defect-1")
    assert [(line["event"], line.get("status")) for line in logs] == [("request_failed", None), ("request", 500)]


def test_an_unexpected_failure_of_a_page_is_shown_on_a_page_with_the_request_id_under_which_it_was_logged() -> None:
    async def run() -> httpx.Response:
        app, broken = create_app(Settings()), APIRouter(route_class=PageRoute)

        @broken.get("/broken")
        def fail() -> None:
            raise RuntimeError("nobody expected this")

        app.include_router(broken)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://api") as client:
            return await client.get("/broken?a=b", headers={"X-Request-Id": "defect-1"})

    with capture_logs() as logs:
        answer = asyncio.run(run())

    assert answer.status_code == 500
    assert "including the request id: defect-1." in answer.text
    assert "nobody expected" not in answer.text
    assert 'href="/broken?a=b">Open the page again</a>' in answer.text
    assert [(line["event"], line.get("code")) for line in logs] == [("request_failed", None), ("request", "internal_error")]
