"""Webhooks: every event is delivered although workers are killed, and redirects are not followed."""

import threading
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.stack import Stack, running_stack
from tests.pipelines import pipeline, stage
from tests.receiver import Receiver, answering, receiving
from tests.waiting import CEILING, wait_for

pytestmark = pytest.mark.e2e

EVENTS = ["stage.acted", "release.completed"]
DELIVERED = [("stage.acted", "Development"), ("stage.acted", "Production"), ("release.completed", "Production")]


def _webhook(stack: Stack, receiver: Receiver) -> dict[str, Any]:
    """Make a webhook in a project whose pipeline has two stages."""
    stack.api.make_project()
    stack.api.publish(pipeline(stage("Development"), stage("Production", "production", "1s")))
    made: dict[str, Any] = stack.api.post("/projects/shop/webhooks", {"url": receiver.url(), "events": EVENTS})
    return made


def _deliveries(stack: Stack, webhook: dict[str, Any]) -> list[dict[str, Any]]:
    """Return its deliveries, oldest first."""
    items: list[dict[str, Any]] = stack.api.get(f"/projects/shop/webhooks/{webhook['id']}/deliveries")["items"]
    return items[::-1]


def test_worker_killed_while_it_delivers_loses_nothing(tmp_path: Path, sqlite_url: str) -> None:
    finish = threading.Event()

    def hang(request: BaseHTTPRequestHandler) -> None:
        finish.wait(CEILING)

    with receiving() as receiver, running_stack(tmp_path, sqlite_url) as stack:
        receiver.answer = hang
        webhook = _webhook(stack, receiver)
        release = stack.api.add()["id"]
        receiver.wait_for(1)

        stack.worker.kill()
        receiver.answer = answering(204)
        finish.set()
        stack.worker.start()
        stack.api.wait_for_release(release, "completed")
        wait_for("everything to be delivered", lambda: [each["status"] for each in _deliveries(stack, webhook)] == ["delivered"] * 3)

        assert receiver.events == [DELIVERED[0], *DELIVERED], "the one that was under way came twice, and all came in order"
        assert [each.id for each in receiver.received[1:]] == [each["id"] for each in _deliveries(stack, webhook)]
        assert receiver.received[0].id == receiver.received[1].id
        assert {each.verified(webhook["secret"])["data"]["release"] for each in receiver.received} == {release}


def test_redirect_is_not_followed_and_a_failed_delivery_is_sent_again_by_hand(tmp_path: Path, sqlite_url: str) -> None:
    with receiving() as receiver, receiving() as inside, running_stack(tmp_path, sqlite_url) as stack:
        receiver.answer = answering(307, Location=inside.url("/admin"))
        webhook = _webhook(stack, receiver)
        stack.api.wait_for_release(stack.api.add()["id"], "completed")
        wait_for("each to be attempted", lambda: [bool(each["attempts"]) for each in _deliveries(stack, webhook)] == [True] * 3)

        failed = _deliveries(stack, webhook)
        assert {(each["last_status"], each["last_failure"]) for each in failed} == {(307, "redirected")}
        assert inside.received == []

        receiver.answer = answering(204)
        path = f"/projects/shop/webhooks/{webhook['id']}/deliveries/{failed[-1]['id']}/resend"
        assert stack.api.post(path)["status"] == "pending"
        wait_for("it to be delivered", lambda: _deliveries(stack, webhook)[-1]["status"] == "delivered")
        assert failed[-1]["id"] in [each.id for each in receiver.received]
        assert inside.received == []


def test_events_without_a_worker_are_delivered_when_one_starts(tmp_path: Path, sqlite_url: str) -> None:
    with receiving() as receiver, running_stack(tmp_path, sqlite_url, with_worker=False) as stack:
        webhook = _webhook(stack, receiver)
        stack.api.patch(f"/projects/shop/webhooks/{webhook['id']}", {"events": ["release.added", "release.removed"]})
        release = stack.api.add()["id"]
        stack.api.post(f"/projects/shop/releases/{release}/remove")

        stack.worker.start()

        receiver.wait_for(2)
        assert receiver.events == [("release.added", "Development"), ("release.removed", "Development")]
