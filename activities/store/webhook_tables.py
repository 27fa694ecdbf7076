"""The tables of webhooks. A project is named by its key, which never changes and is never another's: so the audit log names it."""

from sqlalchemy import JSON, Column, Index, Integer, String, Table, Text

from activities.store.columns import UtcDateTime
from activities.store.tables import metadata

webhooks = Table(
    "webhooks",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("project", String(64), nullable=False),
    Column("name", String(120), nullable=False),
    Column("url", String(2000), nullable=False),
    Column("events", JSON, nullable=False),
    Column("secret", String(120), nullable=False),
    Column("old_secret", String(120)),
    Column("old_secret_until", UtcDateTime),
    Column("created_at", UtcDateTime, nullable=False),
    Index("ix_webhooks_project", "project", "id"),
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("id", String(36), primary_key=True),
    # No foreign key: a webhook may be deleted while a release writes what it is told, and that must not fail.
    Column("webhook", String(36), nullable=False),
    Column("event", String(40), nullable=False),
    Column("release", String(36)),
    Column("body", Text, nullable=False),
    Column("status", String(16), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("due_since", UtcDateTime, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("failures", Integer, nullable=False),
    Column("last_attempt_at", UtcDateTime),
    Column("last_status", Integer),
    Column("last_failure", String(16)),
    Column("next_attempt_at", UtcDateTime),
    Column("knock_at", UtcDateTime),
    Index("ix_deliveries_webhook", "webhook", "id"),
    Index("ix_deliveries_due", "webhook", "next_attempt_at"),
    Index("ix_deliveries_knock", "knock_at"),
)
