"""docs/guide/webhooks.md lists every event and failure, and its receiver verifies our requests."""

import json
import re
from datetime import UTC, datetime
from typing import Any

import pytest
from standardwebhooks.webhooks import WebhookVerificationError

from domain.audit import AuditEntry, AuditEvent, by_release
from domain.webhooks.event import DETAILS, VERSION, WebhookEvent, payload_of
from domain.webhooks.signature import signed_headers
from domain.webhooks.webhook import Failure
from tests.repo.guide import rows, text_of
from tests.webhooks import SECRET

DOCUMENT = text_of("docs/guide/webhooks.md")
EXTRA_DETAILS = {WebhookEvent.STAGE_ACTED: ("step",)}


def _block(language: str) -> str:
    return str(re.findall(rf"```{language}\n(.*?)```", DOCUMENT, re.DOTALL)[0])


def test_every_event_is_listed_with_its_details_and_no_others() -> None:
    shown = {row[0].strip("`"): tuple(re.findall(r"`(\w+)`", row[2])) for row in rows(DOCUMENT) if len(row) == 3 and "." in row[0]}

    assert shown == {event.value: (DETAILS | EXTRA_DETAILS).get(event, ()) for event in WebhookEvent}


def test_every_failure_is_listed_and_no_others() -> None:
    table = DOCUMENT.split("| `last_failure` |")[1].split("\n\n")[0]

    assert set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)) == {failure.value for failure in Failure}


def test_shown_payload_has_the_fields_of_a_real_one() -> None:
    shown = json.loads(_block("json"))
    entry = AuditEntry(
        at=datetime(2026, 3, 2, 9, 0, tzinfo=UTC), actor=by_release("r"), event=AuditEvent.RELEASE_BLOCKED, project="webshop"
    )
    payload = payload_of(entry.model_copy(update={"after": {"code": "flag_changed_by_hand"}}))

    assert payload
    sent = json.loads(payload.body)
    assert (shown["type"], shown["version"], shown["timestamp"]) == (sent["type"], VERSION, sent["timestamp"])
    assert (list(shown), list(shown["data"])) == (list(sent), list(sent["data"]))
    assert shown["data"]["details"] == sent["data"]["details"]


def test_shown_receiver_accepts_our_requests_and_no_others() -> None:
    namespace: dict[str, Any] = {}
    exec(_block("python"), namespace)  # noqa: S102 (it is our own documentation)
    headers = signed_headers([SECRET], "d", datetime.now(UTC), '{"type": "stop.placed"}')

    assert namespace["receive"](SECRET, b'{"type": "stop.placed"}', headers) == {"type": "stop.placed"}
    with pytest.raises(WebhookVerificationError):
        namespace["receive"](SECRET, b'{"type": "stop.lifted"}', headers)
