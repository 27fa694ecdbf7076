"""The events that webhooks send, and the document sent for each."""

import json
from enum import StrEnum
from typing import Any

from domain.audit import Actor, AuditEntry, AuditEvent
from domain.model import Frozen, Moment

VERSION = 1
"""Version of the document. It is raised when a field changes its meaning or is removed, but not when one is added."""


class WebhookEvent(StrEnum):
    """An event that a webhook can send. One with the name of an audit event is sent for every audit entry of that event.

    The exception is `flag.changed`, which is sent only for changes by hand: a stage sends `stage.acted`, a rollback `release.rolled_back`.
    """

    STAGE_ENTERED = "stage.entered"
    STAGE_ACTED = "stage.acted"
    STAGE_UNCHANGED = "stage.unchanged"
    STAGE_HOLD_ENDED = "stage.hold_ended"
    STAGE_SKIPPED = "stage.skipped"
    STAGE_WAITING = "stage.waiting"
    APPROVAL_NEEDED = "approval.needed"
    RELEASE_ADDED = "release.added"
    RELEASE_BLOCKED = "release.blocked"
    RELEASE_PAUSED = "release.paused"
    RELEASE_RESUMED = "release.resumed"
    RELEASE_APPROVED = "release.approved"
    RELEASE_REJECTED = "release.rejected"
    RELEASE_COMPLETED = "release.completed"
    RELEASE_REMOVED = "release.removed"
    RELEASE_ROLLED_BACK = "release.rolled_back"
    RELEASE_NOT_ROLLED_BACK = "release.not_rolled_back"
    RELEASE_TERMINATED = "release.terminated"
    GUARDRAIL_BREACHED = "guardrail.breached"
    GUARDRAIL_CANNOT_TELL = "guardrail.cannot_tell"
    EXPERIMENT_ALL_WORSE = "experiment.all_worse"
    EXPERIMENT_DECIDED = "experiment.decided"
    STOP_PLACED = "stop.placed"
    STOP_LIFTED = "stop.lifted"
    FREEZE_CREATED = "freeze.created"
    FREEZE_DELETED = "freeze.deleted"
    FLAG_CHANGED = "flag.changed"
    FEATURE_DELETED = "feature.deleted"
    SEGMENT_CHANGED = "segment.changed"
    SEGMENT_DELETED = "segment.deleted"

    @classmethod
    def _missing_(cls, value: object) -> "WebhookEvent | None":
        """Accept the name that `stage.hold_ended` had before 0.2."""
        return cls.STAGE_HOLD_ENDED if value == "stage.held" else None


DETAILS: dict[WebhookEvent, tuple[str, ...]] = {
    WebhookEvent.RELEASE_ADDED: ("version",),
    WebhookEvent.STAGE_WAITING: ("code", "message", "until"),
    WebhookEvent.APPROVAL_NEEDED: ("message", "until"),
    WebhookEvent.RELEASE_BLOCKED: ("code",),
    WebhookEvent.RELEASE_ROLLED_BACK: ("to_stage", "force"),
    WebhookEvent.GUARDRAIL_BREACHED: ("guardrail", "metric", "consequence", "shadow", "measured", "message"),
    WebhookEvent.GUARDRAIL_CANNOT_TELL: ("guardrail", "metric", "message"),
    WebhookEvent.EXPERIMENT_ALL_WORSE: ("message",),
    WebhookEvent.EXPERIMENT_DECIDED: ("ships", "outcome", "winner", "message"),
    WebhookEvent.STOP_PLACED: ("id", "expires_at"),
    WebhookEvent.STOP_LIFTED: ("id",),
    WebhookEvent.FREEZE_CREATED: ("id", "name", "environments", "starts_at", "ends_at"),
    WebhookEvent.FREEZE_DELETED: ("id", "name", "environments"),
    WebhookEvent.FLAG_CHANGED: ("fields",),
    WebhookEvent.SEGMENT_CHANGED: ("fields",),
}
"""Fields of an audit entry that are sent as `details`; `fields` has the names of the changed fields.

Flag values are never sent: a receiver can read them with an API key.
"""

_OF_AUDIT = {event.value: event for event in WebhookEvent}
_OF_CODE = {(AuditEvent.STAGE_WAITING, "approval"): WebhookEvent.APPROVAL_NEEDED}
"""Audit entries that are sent as a different event because of their `code`."""


class WebhookPayload(Frozen):
    """One event with its data, as a webhook sends it."""

    event: WebhookEvent
    at: Moment
    project: str
    environment: str | None = None
    feature: str | None = None
    segment: str | None = None
    pipeline: str | None = None
    release: str | None = None
    stage: str | None = None
    actor: Actor
    on_behalf_of: str | None = None
    reason: str | None = None
    details: dict[str, Any] = {}

    @property
    def body(self) -> str:
        """The document as it is sent. It is stored and signed byte for byte."""
        data = self.model_dump(mode="json", exclude={"event", "at"})
        document = {"type": self.event.value, "version": VERSION, "timestamp": self.model_dump(mode="json")["at"], "data": data}
        return json.dumps(document, separators=(",", ":"))


def payload_of(entry: AuditEntry) -> WebhookPayload | None:
    """Return the payload for an audit entry, or None for an entry that webhooks do not send."""
    shown = entry.after or entry.before or {}
    event = _OF_CODE.get((entry.event, shown.get("code", ""))) or _OF_AUDIT.get(entry.event.value)
    if event is None or entry.project is None or (event is WebhookEvent.FLAG_CHANGED and entry.release):
        return None
    if "fields" in (sent := DETAILS.get(event, ())):
        shown = {"fields": _changed_fields(entry)}
        if not shown["fields"]:
            return None
    places = {field: getattr(entry, field) for field in ("project", "environment", "feature", "segment", "pipeline", "release", "stage")}
    details = {field: shown.get(field) for field in sent}
    cause = {"actor": entry.actor, "on_behalf_of": entry.on_behalf_of, "reason": entry.reason}
    return WebhookPayload(event=event, at=entry.at, details=details, **places, **cause)


def _changed_fields(entry: AuditEntry) -> list[str]:
    before, after = entry.before or {}, entry.after or {}
    return [field for field in after if field not in before or before[field] != after[field]]
