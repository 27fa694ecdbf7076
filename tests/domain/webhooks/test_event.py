"""What webhooks tell."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from domain.audit import SYSTEM, AuditEntry, AuditEvent, by_release
from domain.releases.gate_hold import GateHold, GateHoldCode
from domain.webhooks.event import DETAILS, WebhookEvent, payload_of

AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
NOT_AUDITED = {WebhookEvent.STAGE_ENTERED, WebhookEvent.STAGE_ACTED, WebhookEvent.APPROVAL_NEEDED}


def _entry(event: AuditEvent, **more: Any) -> AuditEntry:
    places = {
        "project": "shop",
        "environment": "production",
        "feature": "checkout",
        "pipeline": "standard",
        "release": "r",
        "stage": "Production",
    }
    return AuditEntry(at=AT, actor=by_release("r"), on_behalf_of="erin", event=event, **(places | more))


@pytest.mark.parametrize("event", AuditEvent)
def test_what_is_audited_is_told_under_the_same_name_where_webhooks_know_it(event: AuditEvent) -> None:
    notice = payload_of(_entry(event))

    assert (notice.event.value if notice else None) == (event.value if event.value in {each.value for each in WebhookEvent} else None)


@pytest.mark.parametrize(("code", "told"), [("approval", "approval.needed"), ("window", "stage.waiting"), ("stopped", "stage.waiting")])
def test_a_stage_that_waits_for_people_is_told_under_a_name_of_its_own(code: GateHoldCode, told: str) -> None:
    held = GateHold(code=code, message="waits", until=AT).model_dump(mode="json")

    notice = payload_of(_entry(AuditEvent.STAGE_WAITING, after=held))

    assert notice
    assert notice.event == told
    assert notice.details["until"] == "2026-03-02T09:00:00Z"


def test_what_is_taken_away_is_told_with_what_it_was() -> None:
    notice = payload_of(_entry(AuditEvent.FREEZE_DELETED, before={"id": "f", "name": "Holidays", "environments": [], "reason": "rest"}))

    assert notice
    assert notice.details == {"id": "f", "name": "Holidays", "environments": []}


def test_every_event_is_one_of_the_audit_log_or_told_by_the_stage_itself() -> None:
    assert {each for each in WebhookEvent if each.value not in {event.value for event in AuditEvent}} == NOT_AUDITED


def test_what_concerns_no_project_is_told_to_nobody() -> None:
    assert payload_of(_entry(AuditEvent.RELEASE_COMPLETED, project=None)) is None


def test_the_document_is_as_the_guide_describes_it() -> None:
    after = {"code": "flag_changed_by_hand", "message": "changed", "details": {"now": {"value": "secret offer"}}}
    notice = payload_of(_entry(AuditEvent.RELEASE_BLOCKED, after=after, reason="changed"))

    assert notice
    assert json.loads(notice.body) == {
        "type": "release.blocked",
        "version": 1,
        "timestamp": "2026-03-02T09:00:00Z",
        "data": {
            "project": "shop",
            "environment": "production",
            "feature": "checkout",
            "pipeline": "standard",
            "release": "r",
            "stage": "Production",
            "actor": {"kind": "release", "id": "r", "owner": None},
            "on_behalf_of": "erin",
            "reason": "changed",
            "details": {"code": "flag_changed_by_hand"},
        },
    }


def test_details_never_name_what_holds_the_values_of_flags() -> None:
    told = {field for fields in DETAILS.values() for field in fields}

    assert told.isdisjoint({"details", "now", "seen", "wanted", "value", "parameters", "left_alone", "before", "after"})


def test_the_same_notice_is_written_to_the_same_bytes() -> None:
    entry = AuditEntry(at=AT, actor=SYSTEM, event=AuditEvent.RELEASE_TERMINATED, project="shop", reason="Ümläut ✓")
    first, second = payload_of(entry), payload_of(entry)

    assert first
    assert second
    assert first.body == second.body
    assert first.body.isascii()
