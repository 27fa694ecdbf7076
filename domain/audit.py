"""The audit log: a record of everything that people and the system do."""

from enum import StrEnum
from typing import Any, Literal

from domain.access import Caller, Person
from domain.model import Frozen, Moment


class Actor(Frozen):
    """The cause of an audit entry: an API key, a release, a person using Temporal directly, or the system itself."""

    kind: Literal["key", "release", "temporal", "system"]
    id: str
    owner: str | None = None


class AuditEvent(StrEnum):
    """The events of the audit log, named as on the wire."""

    PROJECT_CREATED = "project.created"
    PROJECT_CHANGED = "project.changed"
    PROJECT_DELETED = "project.deleted"
    ENVIRONMENT_CREATED = "environment.created"
    ENVIRONMENT_CHANGED = "environment.changed"
    ENVIRONMENT_DELETED = "environment.deleted"
    ENVIRONMENT_KEY_ROTATED = "environment.key_rotated"
    FEATURE_CREATED = "feature.created"
    FEATURE_CHANGED = "feature.changed"
    FEATURE_DELETED = "feature.deleted"
    SEGMENT_CREATED = "segment.created"
    SEGMENT_CHANGED = "segment.changed"
    SEGMENT_DELETED = "segment.deleted"
    PIPELINE_CREATED = "pipeline.created"
    PIPELINE_CHANGED = "pipeline.changed"
    PIPELINE_DELETED = "pipeline.deleted"
    PIPELINE_PUBLISHED = "pipeline.published"
    PIPELINE_CLONED = "pipeline.cloned"
    PIPELINE_ARCHIVED = "pipeline.archived"
    PROVIDER_CONNECTED = "provider.connected"
    PROVIDER_CHANGED = "provider.changed"
    PROVIDER_DISCONNECTED = "provider.disconnected"
    SOURCE_CREATED = "source.created"
    SOURCE_CHANGED = "source.changed"
    SOURCE_DELETED = "source.deleted"
    METRIC_CREATED = "metric.created"
    METRIC_CHANGED = "metric.changed"
    METRIC_DELETED = "metric.deleted"
    KEY_CREATED = "key.created"
    KEY_ROTATED = "key.rotated"
    KEY_REVOKED = "key.revoked"
    FREEZE_CREATED = "freeze.created"
    FREEZE_DELETED = "freeze.deleted"
    STOP_PLACED = "stop.placed"
    STOP_LIFTED = "stop.lifted"
    WEBHOOK_CREATED = "webhook.created"
    WEBHOOK_CHANGED = "webhook.changed"
    WEBHOOK_ROTATED = "webhook.rotated"
    WEBHOOK_RESENT = "webhook.resent"
    WEBHOOK_DELETED = "webhook.deleted"
    FLAG_CHANGED = "flag.changed"
    RELEASE_ADDED = "release.added"
    RELEASE_BLOCKED = "release.blocked"
    RELEASE_PAUSED = "release.paused"
    RELEASE_RESUMED = "release.resumed"
    RELEASE_ADVANCED = "release.advanced"
    RELEASE_RETRIED = "release.retried"
    RELEASE_RESTARTED = "release.restarted"
    RELEASE_ROLLING_BACK = "release.rolling_back"
    RELEASE_ROLLED_BACK = "release.rolled_back"
    RELEASE_NOT_ROLLED_BACK = "release.not_rolled_back"
    RELEASE_APPROVED = "release.approved"
    RELEASE_REJECTED = "release.rejected"
    RELEASE_COMPLETED = "release.completed"
    RELEASE_REMOVED = "release.removed"
    RELEASE_TERMINATED = "release.terminated"
    GUARDRAIL_BREACHED = "guardrail.breached"
    GUARDRAIL_CANNOT_TELL = "guardrail.cannot_tell"
    EXPERIMENT_ALL_WORSE = "experiment.all_worse"
    EXPERIMENT_DECIDED = "experiment.decided"
    STAGE_UNCHANGED = "stage.unchanged"
    STAGE_WAITING = "stage.waiting"
    STAGE_HOLD_ENDED = "stage.hold_ended"
    STAGE_SKIPPED = "stage.skipped"

    @classmethod
    def _missing_(cls, value: object) -> "AuditEvent | None":
        """Accept the former name, which a worker of an earlier build may still write during a rolling upgrade."""
        return cls.STAGE_HOLD_ENDED if value == "stage.held" else None


class AuditEntry(Frozen):
    """One entry of the audit log."""

    id: str = ""
    at: Moment
    actor: Actor
    on_behalf_of: str | None = None
    event: AuditEvent
    project: str | None = None
    environment: str | None = None
    feature: str | None = None
    segment: str | None = None
    pipeline: str | None = None
    release: str | None = None
    stage: str | None = None
    before: dict[str, Any] | None = None
    after: dict[str, Any] | None = None
    reason: str | None = None


TEMPORAL = Actor(kind="temporal", id="temporal")
SYSTEM = Actor(kind="system", id="reconciler")


def by_key(caller: Caller) -> Actor:
    """Return the caller as an actor."""
    return Actor(kind="key", id=caller.key, owner=caller.owner.name)


def by_person(person: Person) -> Actor:
    """Return the person who decided about a release as an actor."""
    return Actor(kind="key", id=person.key, owner=person.owner)


def by_release(release: str) -> Actor:
    """Return a release that acts by itself as an actor."""
    return Actor(kind="release", id=release)
