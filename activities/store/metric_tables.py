"""Tables of metrics and their sources."""

from sqlalchemy import JSON, Column, ForeignKey, ForeignKeyConstraint, Index, Integer, String, Table, Text

from activities.store.columns import UtcDateTime
from activities.store.tables import metadata

metric_sources = Table(
    "metric_sources",
    metadata,
    Column("project_id", String(36), ForeignKey("projects.id"), primary_key=True),
    Column("key", String(64), primary_key=True),
    Column("name", String(120), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("address", String(500), nullable=False),
    Column("username", String(200)),
    Column("calls", Integer, nullable=False),
    Column("credential", Text),
    Column("changed_at", UtcDateTime, nullable=False),
)

metrics = Table(
    "metrics",
    metadata,
    Column("project_id", String(36), ForeignKey("projects.id"), primary_key=True),
    Column("key", String(64), primary_key=True),
    Column("source", String(64), nullable=False),
    Column("definition", JSON, nullable=False),
    ForeignKeyConstraint(["project_id", "source"], ["metric_sources.project_id", "metric_sources.key"], name="fk_metrics_source"),
    Index("ix_metrics_source", "project_id", "source"),
)
