"""Table definitions. User-chosen keys are stored as text, so that records outlive what they name."""

from datetime import datetime

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
    text,
)

from activities.store.columns import UtcDateTime
from domain.releases.status import UNFINISHED

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

UNFINISHED_SQL = text(f"status IN ({', '.join(repr(status.value) for status in sorted(UNFINISHED))})")
NOT_DELETED_SQL = text("deleted_at IS NULL")


def _id() -> Column[str]:
    return Column("id", String(36), primary_key=True)


def _project() -> Column[str]:
    return Column("project_id", String(36), ForeignKey("projects.id"), nullable=False)


def _named() -> list[Column[str]]:
    return [Column("key", String(64), nullable=False), Column("name", String(120), nullable=False)]


def _lifetime() -> list[Column[datetime]]:
    return [Column("created_at", UtcDateTime, nullable=False), Column("deleted_at", UtcDateTime)]


def _key_unique_while_alive(table: str, *columns: str) -> Index:
    return Index(f"uq_{table}_key", *columns, unique=True, sqlite_where=NOT_DELETED_SQL, postgresql_where=NOT_DELETED_SQL)


projects = Table(
    "projects",
    metadata,
    _id(),
    *_named(),
    Column("provider", String(16), nullable=False, server_default="builtin"),
    *_lifetime(),
    _key_unique_while_alive("projects", "key"),
)

environments = Table(
    "environments", metadata, _id(), _project(), *_named(), *_lifetime(), _key_unique_while_alive("environments", "project_id", "key")
)

segments = Table(
    "segments",
    metadata,
    _id(),
    _project(),
    *_named(),
    Column("rules", JSON, nullable=False),
    *_lifetime(),
    _key_unique_while_alive("segments", "project_id", "key"),
)

features = Table(
    "features",
    metadata,
    _id(),
    _project(),
    *_named(),
    Column("description", String(2000), nullable=False),
    Column("type", String(16), nullable=False),
    Column("default_state", JSON, nullable=False),
    Column("variants", JSON, nullable=False, server_default="[]"),
    Column("salt", Integer, nullable=False, server_default="0"),
    *_lifetime(),
    _key_unique_while_alive("features", "project_id", "key"),
)

feature_states = Table(
    "feature_states",
    metadata,
    Column("feature_id", String(36), ForeignKey("features.id"), primary_key=True),
    Column("environment_id", String(36), ForeignKey("environments.id"), primary_key=True),
    Column("state", JSON, nullable=False),
    Column("changed_at", UtcDateTime, nullable=False),
)

numbers = Table("numbers", metadata, Column("number", Integer, primary_key=True), Column("id", String(36), nullable=False, unique=True))

serving = Table(
    "serving",
    metadata,
    Column("environment_id", String(36), ForeignKey("environments.id"), primary_key=True),
    Column("client_key", String(64), nullable=False, unique=True),
    Column("server_key", String(64), nullable=False, unique=True),
    Column("version", BigInteger, nullable=False),
)

identities = Table(
    "identities",
    metadata,
    Column("environment_id", String(36), ForeignKey("environments.id"), primary_key=True),
    Column("identifier", String(300), primary_key=True),
    Column("traits", JSON, nullable=False),
    Column("changed_at", UtcDateTime, nullable=False),
)

pipelines = Table(
    "pipelines",
    metadata,
    _id(),
    _project(),
    Column("key", String(64), nullable=False),
    Column("version", Integer, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("status", String(16), nullable=False),
    Column("definition", JSON, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("published_at", UtcDateTime),
    Column("published_by", String(120)),
    UniqueConstraint("project_id", "key", "version"),
)

owners = Table(
    "owners",
    metadata,
    _id(),
    Column("kind", String(16), nullable=False),
    Column("name", String(120), nullable=False),
    UniqueConstraint("kind", "name"),
)

api_keys = Table(
    "api_keys",
    metadata,
    _id(),
    Column("name", String(120), nullable=False),
    Column("secret_hash", String(64), nullable=False, unique=True),
    Column("owner_id", String(36), ForeignKey("owners.id"), nullable=False, index=True),
    Column("grants", JSON, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("revoked_at", UtcDateTime),
)

spent_secrets = Table(
    "spent_secrets",
    metadata,
    Column("secret_hash", String(64), primary_key=True),
    Column("api_key_id", String(36), ForeignKey("api_keys.id"), nullable=False),
    Column("spent_at", UtcDateTime, nullable=False),
)

sessions = Table(
    "sessions",
    metadata,
    Column("token_hash", String(64), primary_key=True),
    Column("api_key_id", String(36), ForeignKey("api_keys.id"), nullable=False),
    Column("secret_hash", String(64), nullable=False),
    Column("expires_at", UtcDateTime, nullable=False, index=True),
)

accounts = Table(
    "accounts",
    metadata,
    Column("issuer", String(500), primary_key=True),
    Column("subject", String(255), primary_key=True),
    Column("owner_id", String(36), ForeignKey("owners.id"), nullable=False, unique=True),
    Column("api_key_id", String(36), ForeignKey("api_keys.id"), unique=True),
)

sign_ins = Table(
    "sign_ins",
    metadata,
    Column("state_hash", String(64), primary_key=True),
    Column("nonce", String(64), nullable=False),
    Column("verifier", String(128), nullable=False),
    Column("return_to", String(2000), nullable=False),
    Column("connecting", String(64)),
    Column("expires_at", UtcDateTime, nullable=False, index=True),
)

releases = Table(
    "releases",
    metadata,
    _id(),
    _project(),
    Column("feature_id", String(36), ForeignKey("features.id"), nullable=False),
    Column("pipeline_id", String(36), ForeignKey("pipelines.id"), nullable=False),
    Column("status", String(16), nullable=False),
    Column("stage_index", Integer, nullable=False),
    Column("stage", String(120), nullable=False),
    Column("environment", String(64), nullable=False),
    Column("visit", Integer, nullable=False),
    Column("step", Integer, nullable=False, server_default="1"),
    Column("sequence", Integer, nullable=False),
    Column("write_key", String(120), nullable=False),
    Column("parameters", JSON, nullable=False, server_default="{}"),
    Column("starting_stage", Integer, nullable=False),
    Column("on_conflict", String(16), nullable=False),
    Column("added_at", UtcDateTime, nullable=False),
    Column("added_by", String(36), ForeignKey("owners.id"), nullable=False),
    Column("responsible", String(36), ForeignKey("owners.id"), nullable=False),
    Column("entered_at", UtcDateTime),
    Column("acts_at", UtcDateTime),
    Column("ended_at", UtcDateTime),
    Column("blocked", JSON(none_as_null=True)),
    Column("paused", JSON(none_as_null=True)),
    Column("rollback", JSON(none_as_null=True)),
    Column("held", JSON(none_as_null=True)),
    Column("hides_names", Boolean, nullable=False, server_default=false()),
    Index(
        "uq_releases_unfinished_feature",
        "feature_id",
        unique=True,
        sqlite_where=UNFINISHED_SQL,
        postgresql_where=UNFINISHED_SQL,
    ),
    Index("ix_releases_project", "project_id", "id"),
    Index("ix_releases_pipeline_status", "pipeline_id", "status", "ended_at"),
    Index("ix_releases_feature", "feature_id", "id"),
    Index("ix_releases_overdue", "acts_at", sqlite_where=UNFINISHED_SQL, postgresql_where=UNFINISHED_SQL),
)

seen = Table(
    "seen",
    metadata,
    Column("release_id", String(36), ForeignKey("releases.id"), primary_key=True),
    Column("environment", String(64), primary_key=True),
    Column("state", JSON, nullable=False),
)

stage_runs = Table(
    "stage_runs",
    metadata,
    Column("release_id", String(36), ForeignKey("releases.id"), primary_key=True),
    Column("visit", Integer, primary_key=True),
    Column("stage_index", Integer, nullable=False),
    Column("stage", String(120), nullable=False),
    Column("outcome", String(16), nullable=False),
    Column("entered_at", UtcDateTime),
    Column("acts_at", UtcDateTime),
    Column("acted_at", UtcDateTime),
)

changes = Table(
    "changes",
    metadata,
    Column("key", String(128), primary_key=True),
    Column("release_id", String(36), ForeignKey("releases.id"), nullable=False, index=True),
    Column("stage", String(120), nullable=False),
    Column("visit", Integer, nullable=False),
    Column("step", Integer, nullable=False),
    Column("environment", String(64), nullable=False),
    Column("feature", String(64), nullable=False),
    Column("patch", JSON, nullable=False),
    Column("before", JSON, nullable=False),
    Column("after", JSON, nullable=False),
    Column("made_at", UtcDateTime, nullable=False),
    Column("sequence", Integer, nullable=False),
    Column("undoes_from", Integer),
)

audit_entries = Table(
    "audit_entries",
    metadata,
    _id(),
    Column("at", UtcDateTime, nullable=False),
    Column("actor_kind", String(16), nullable=False),
    Column("actor_id", String(64), nullable=False),
    Column("actor_owner", String(120)),
    Column("on_behalf_of", String(120)),
    Column("event", String(40), nullable=False),
    Column("project", String(64)),
    Column("environment", String(64)),
    Column("feature", String(64)),
    Column("segment", String(64)),
    Column("pipeline", String(64)),
    Column("release", String(36)),
    Column("stage", String(120)),
    Column("before", JSON(none_as_null=True)),
    Column("after", JSON(none_as_null=True)),
    Column("reason", String(500)),
    Index("ix_audit_entries_project", "project", "id"),
    Index("ix_audit_entries_release", "release", "id"),
    Index("ix_audit_entries_feature", "project", "feature", "id"),
)

outbox = Table(
    "outbox",
    metadata,
    _id(),
    Column("kind", String(16), nullable=False),
    Column("release_id", String(36), ForeignKey("releases.id"), nullable=False),
    Column("leased_until", UtcDateTime),
    Column("attempts", Integer, nullable=False),
    Column("traceparent", String(55)),
)

leases = Table(
    "leases",
    metadata,
    Column("name", String(40), primary_key=True),
    Column("holder", String(36), nullable=False),
    Column("until", UtcDateTime, nullable=False),
)

requests = Table(
    "requests",
    metadata,
    Column("api_key_id", String(36), ForeignKey("api_keys.id"), primary_key=True),
    Column("route", String(400), primary_key=True),
    Column("idempotency_key", String(128), primary_key=True),
    Column("digest", String(64), nullable=False),
    Column("status", Integer),
    Column("answer", JSON(none_as_null=True)),
    Column("headers", JSON(none_as_null=True)),
    Column("at", UtcDateTime, nullable=False, index=True),
)

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
    # No foreign key: a webhook may be deleted while a release writes a delivery, and that write must not fail.
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
    Column("knock_at", UtcDateTime, key="wake_at"),
    Index("ix_deliveries_webhook", "webhook", "id"),
    Index("ix_deliveries_due", "webhook", "next_attempt_at"),
    Index("ix_deliveries_knock", "wake_at"),
)
