"""The tables of what guards stages: approvals, freezes and stops."""

from sqlalchemy import JSON, Column, ForeignKey, Index, Integer, String, Table

from activities.store.columns import UtcDateTime
from activities.store.tables import metadata

approvals = Table(
    "approvals",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("release_id", String(36), ForeignKey("releases.id"), nullable=False),
    Column("visit", Integer, nullable=False),
    Column("owner_id", String(36), ForeignKey("owners.id"), nullable=False),
    Column("binds", String(32), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("reason", String(500)),
    Column("lapsed_at", UtcDateTime),
    Index("ix_approvals_release_visit", "release_id", "visit"),
)

freezes = Table(
    "freezes",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("project_id", String(36), ForeignKey("projects.id"), nullable=False),
    Column("name", String(120), nullable=False),
    Column("reason", String(2000), nullable=False),
    Column("environments", JSON, nullable=False),
    Column("starts_at", UtcDateTime, nullable=False),
    Column("ends_at", UtcDateTime, nullable=False),
    Column("made_by", String(120), nullable=False),
    Index("ix_freezes_project_ends_at", "project_id", "ends_at"),
)

stops = Table(
    "stops",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("project_id", String(36), ForeignKey("projects.id"), nullable=False),
    Column("reason", String(500), nullable=False),
    Column("environment", String(64)),
    Column("pipeline", String(64)),
    Column("placed_at", UtcDateTime, nullable=False),
    Column("placed_by", String(36), ForeignKey("owners.id"), nullable=False),
    Column("expires_at", UtcDateTime),
    Column("lifted_at", UtcDateTime),
    Column("lifted_by", String(120)),
    Index("ix_stops_project_lifted_at", "project_id", "lifted_at"),
)
