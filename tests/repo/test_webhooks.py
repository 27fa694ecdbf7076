"""docs/guide/webhooks.md tells of every event and every failure, and what it shows verifies what we send."""

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
TOLD_BY_STAGES = {WebhookEvent.STAGE_ACTED: ("step",)}


def _block(language: str) -> str:
    return str(re.findall(rf"```{language}\n(.*?)```", DOCUMENT, re.DOTALL)[0])


def test_every_event_has_its_row_with_its_details_and_no_other_has() -> None:
    shown = {row[0].strip("`"): tuple(re.findall(r"`(\w+)`", row[2])) for row in rows(DOCUMENT) if len(row) == 3 and "." in row[0]}

    assert shown == {event.value: (DETAILS | TOLD_BY_STAGES).get(event, ()) for event in WebhookEvent}


def test_every_failure_has_its_row_and_no_other_has() -> None:
    table = DOCUMENT.split("| `last_failure` |")[1].split("\n\n")[0]

    assert set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)) == {failure.value for failure in Failure}


def test_the_document_that_is_shown_has_the_fields_that_are_sent() -> None:
    shown = json.loads(_block("json"))
    entry = AuditEntry(
        at=datetime(2026, 3, 2, 9, 0, tzinfo=UTC), actor=by_release("r"), event=AuditEvent.RELEASE_BLOCKED, project="webshop"
    )
    notice = payload_of(entry.model_copy(update={"after": {"code": "flag_changed_by_hand"}}))

    assert notice
    sent = json.loads(notice.body)
    assert (shown["type"], shown["version"], shown["timestamp"]) == (sent["type"], VERSION, sent["timestamp"])
    assert (list(shown), list(shown["data"])) == (list(sent), list(sent["data"]))
    assert shown["data"]["details"] == sent["data"]["details"]


def test_the_receiver_that_is_shown_takes_what_we_send_and_nothing_else() -> None:
    named: dict[str, Any] = {}
    exec(_block("python"), named)  # noqa: S102 (it is our own documentation)
    headers = signed_headers([SECRET], "d", datetime.now(UTC), '{"type": "stop.placed"}')

    assert named["receive"](SECRET, b'{"type": "stop.placed"}', headers) == {"type": "stop.placed"}
    with pytest.raises(WebhookVerificationError):
        named["receive"](SECRET, b'{"type": "stop.lifted"}', headers)
