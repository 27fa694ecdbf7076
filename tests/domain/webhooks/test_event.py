"""Payloads of webhooks."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from domain.audit import SYSTEM, Actor, AuditEntry, AuditEvent, by_release
from domain.releases.gate_hold import GateHold, GateHoldCode
from domain.webhooks.event import DETAILS, WebhookEvent, WebhookPayload, payload_of

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
    return AuditEntry(at=AT, on_behalf_of="erin", event=event, **({"actor": by_release("r")} | places | more))


BY_HAND = {AuditEvent.FLAG_CHANGED, AuditEvent.SEGMENT_CHANGED}
"""The events of changes by hand. They have tests of their own."""


@pytest.mark.parametrize("event", [event for event in AuditEvent if event not in BY_HAND])
def test_an_audit_entry_is_sent_if_webhooks_have_an_event_of_its_name(event: AuditEvent) -> None:
    payload = payload_of(_entry(event))

    assert (payload.event.value if payload else None) == (event.value if event.value in {each.value for each in WebhookEvent} else None)


@pytest.mark.parametrize(("code", "event"), [("approval", "approval.needed"), ("window", "stage.waiting"), ("stopped", "stage.waiting")])
def test_a_stage_that_waits_for_approval_has_its_own_event(code: GateHoldCode, event: str) -> None:
    held = GateHold(code=code, message="waits", until=AT).model_dump(mode="json")

    payload = payload_of(_entry(AuditEvent.STAGE_WAITING, after=held))

    assert payload
    assert payload.event == event
    assert payload.details["until"] == "2026-03-02T09:00:00Z"


def test_a_deletion_is_sent_with_the_details_of_what_was_deleted() -> None:
    payload = payload_of(_entry(AuditEvent.FREEZE_DELETED, before={"id": "f", "name": "Holidays", "environments": [], "reason": "rest"}))

    assert payload
    assert payload.details == {"id": "f", "name": "Holidays", "environments": []}


def _by_hand(event: AuditEvent, before: dict[str, Any], after: dict[str, Any], **places: Any) -> WebhookPayload | None:
    actor = Actor(kind="key", id="k", owner="erin")
    return payload_of(AuditEntry(at=AT, actor=actor, event=event, project="shop", before=before, after=after, **places))


def test_a_change_of_a_flag_by_hand_is_sent_with_the_names_of_the_changed_fields() -> None:
    before, after = {"enabled": True, "value": "old", "rollout": None}, {"enabled": True, "value": "secret", "rollout": {"percent": 5}}

    payload = _by_hand(AuditEvent.FLAG_CHANGED, before, after, environment="production", feature="checkout")

    assert payload
    assert (payload.event, payload.environment, payload.feature) == ("flag.changed", "production", "checkout")
    assert payload.details == {"fields": ["value", "rollout"]}
    assert "secret" not in payload.body


def test_a_change_of_a_flag_by_a_release_is_not_sent_as_one_by_hand() -> None:
    states = {"before": {"enabled": False}, "after": {"enabled": True}}

    assert payload_of(_entry(AuditEvent.FLAG_CHANGED, **states)) is None
    assert payload_of(_entry(AuditEvent.FLAG_CHANGED, actor=Actor(kind="key", id="k", owner="erin"), stage=None, **states)) is None


def test_a_change_of_a_segment_is_sent_if_it_changed_anything() -> None:
    old = {"name": "Staff", "rules": [{"type": "ALL"}]}

    changed = _by_hand(AuditEvent.SEGMENT_CHANGED, old, old | {"rules": []}, segment="staff")

    assert changed
    assert (changed.event, changed.segment, changed.details) == ("segment.changed", "staff", {"fields": ["rules"]})
    assert _by_hand(AuditEvent.SEGMENT_CHANGED, old, old, segment="staff") is None


def test_only_known_events_are_sent_without_an_audit_entry_of_their_name() -> None:
    assert {each for each in WebhookEvent if each.value not in {event.value for event in AuditEvent}} == NOT_AUDITED


def test_an_entry_without_a_project_is_not_sent() -> None:
    assert payload_of(_entry(AuditEvent.RELEASE_COMPLETED, project=None)) is None


def test_the_document_has_the_documented_format() -> None:
    after = {"code": "flag_changed_by_hand", "message": "changed", "details": {"now": {"value": "secret offer"}}}
    payload = payload_of(_entry(AuditEvent.RELEASE_BLOCKED, after=after, reason="changed"))

    assert payload
    assert json.loads(payload.body) == {
        "type": "release.blocked",
        "version": 1,
        "timestamp": "2026-03-02T09:00:00Z",
        "data": {
            "project": "shop",
            "environment": "production",
            "feature": "checkout",
            "segment": None,
            "pipeline": "standard",
            "release": "r",
            "stage": "Production",
            "actor": {"kind": "release", "id": "r", "owner": None},
            "on_behalf_of": "erin",
            "reason": "changed",
            "details": {"code": "flag_changed_by_hand"},
        },
    }


def test_details_never_include_flag_values() -> None:
    sent = {field for fields in DETAILS.values() for field in fields}

    assert sent.isdisjoint({"details", "now", "seen", "wanted", "value", "parameters", "left_alone", "before", "after"})


def test_the_same_payload_has_the_same_bytes() -> None:
    entry = AuditEntry(at=AT, actor=SYSTEM, event=AuditEvent.RELEASE_TERMINATED, project="shop", reason="Ümläut ✓")
    first, second = payload_of(entry), payload_of(entry)

    assert first
    assert second
    assert first.body == second.body
    assert first.body.isascii()
