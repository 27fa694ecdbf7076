"""Tables of projects whose flags are kept in another system."""

from sqlalchemy import JSON, Column, ForeignKey, Integer, String, Table, Text, UniqueConstraint

from activities.store.columns import UtcDateTime
from activities.store.tables import metadata

connections = Table(
    "connections",
    metadata,
    Column("project_id", String(36), ForeignKey("projects.id"), primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("address", String(500), nullable=False),
    Column("project", String(200), nullable=False),
    Column("environments", JSON, nullable=False),
    Column("calls", Integer, nullable=False),
    Column("credential", Text),
    Column("changed_at", UtcDateTime, nullable=False),
    Column("listed_at", UtcDateTime),
    Column("listings", Integer, nullable=False, server_default="0"),
    Column("outage", JSON(none_as_null=True)),
)

system_names = Table(
    "system_names",
    metadata,
    Column("project_id", String(36), ForeignKey("projects.id"), primary_key=True),
    Column("noun", String(16), primary_key=True),
    Column("key", String(64), primary_key=True),
    Column("name", String(300), nullable=False),
    Column("digest", String(64), nullable=False),
    Column("foreign_parts", JSON(none_as_null=True)),
    Column("read_at", UtcDateTime),
    Column("readings", Integer, nullable=False, server_default="0"),
    UniqueConstraint("project_id", "noun", "name"),
)

intents = Table(
    "intents",
    metadata,
    Column("key", String(128), primary_key=True),
    Column("release_id", String(36), ForeignKey("releases.id"), nullable=False, index=True),
    Column("change", JSON, nullable=False),
    Column("opened_at", UtcDateTime, nullable=False, index=True),
)
