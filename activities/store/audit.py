"""The audit log. It is append-only."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, select

from activities.store.identifiers import new_id
from activities.store.paging import Page, Slice, fetch_page
from activities.store.tables import audit_entries
from activities.store.webhook_events import WebhookOutbox
from domain.access import Caller
from domain.audit import Actor, AuditEntry, AuditEvent, by_key
from domain.webhooks.event import payload_of

FILTERS = ("event", "project", "environment", "feature", "segment", "pipeline", "release", "stage")


_INSERT = insert(audit_entries)


class AuditLog:
    """Audit entries, newest first. New ones are written together at the end of the transaction."""

    def __init__(self, connection: Connection, webhook_outbox: WebhookOutbox) -> None:
        self.connection = connection
        self.webhook_outbox = webhook_outbox
        self._added: list[dict[str, Any]] = []

    def add(self, entry: AuditEntry) -> None:
        """Append an entry, and queue the webhook deliveries that it causes."""
        if payload := payload_of(entry):
            self.webhook_outbox.add(payload)
        actor = entry.actor
        by = {"actor_kind": actor.kind, "actor_id": actor.id, "actor_owner": actor.owner}
        self._added.append(entry.model_dump(exclude={"id", "actor"}) | {"id": new_id()} | by)

    def flush(self) -> None:
        """Write the entries that this transaction has added."""
        if self._added:
            self.connection.execute(_INSERT, self._added)
            self._added = []

    def record(self, caller: Caller, event: AuditEvent, at: datetime, **about: Any) -> None:
        """Append an entry for a request of this caller; `about` sets further fields."""
        self.add(AuditEntry(at=at, actor=by_key(caller), event=event, **about))

    def page(
        self,
        wanted: Slice,
        equal: Mapping[str, str],
        *,
        actor: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> Page[AuditEntry]:
        """Return entries whose columns equal the given values. `actor` matches an owner who acted or on whose behalf it was done."""
        table = audit_entries.c
        query = select(audit_entries).where(*(table[column] == value for column, value in equal.items()))
        if actor:
            query = query.where((table.actor_owner == actor) | (table.on_behalf_of == actor))
        if since:
            query = query.where(table.at >= since)
        if until:
            query = query.where(table.at < until)
        return fetch_page(self.connection, query, table.id, wanted, _read, newest_first=True)

    def projects_since(self, after: str) -> Mapping[str, str]:
        """Return id -> project of the entries whose ids sort after that text."""
        query = select(audit_entries.c.id, audit_entries.c.project).where(audit_entries.c.id > after, audit_entries.c.project.is_not(None))
        return {row.id: row.project for row in self.connection.execute(query)}


def _read(row: Row[Any]) -> AuditEntry:
    values = dict(row._mapping)
    values.pop("_order")
    actor = Actor(kind=values.pop("actor_kind"), id=values.pop("actor_id"), owner=values.pop("actor_owner"))
    return AuditEntry(actor=actor, **values)
