"""Webhooks and their signing secrets."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from activities.store.paging import Page, Slice, fetch_page
from activities.store.tables import deliveries, webhooks
from domain.entity_tag import entity_tag
from domain.errors import NotFound
from domain.webhooks.webhook import Secrets, Webhook

_SHOWN = [webhooks.c[field] for field in Webhook.model_fields]


class WebhookRepository:
    """A project's webhooks, newest first. Deleting one also deletes its secrets and deliveries; the audit log remains."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def add(self, project: str, webhook: Webhook, secret: str) -> None:
        """Insert a webhook."""
        self.connection.execute(insert(webhooks).values(project=project, secret=secret, **webhook.model_dump(mode="python")))

    def count(self, project: str) -> int:
        """Return the number of webhooks in the project."""
        query = select(func.count()).select_from(webhooks).where(webhooks.c.project == project)
        return int(self.connection.execute(query).scalar_one())

    def get(self, project: str, webhook: str, *, lock: bool = False) -> Webhook:
        """Return one webhook of the project. Raises NotFound."""
        query = select(*_SHOWN).where(webhooks.c.project == project, webhooks.c.id == webhook)
        row = self.connection.execute(query.with_for_update() if lock else query).one_or_none()
        if row is None:
            raise NotFound(f"The project has no webhook '{webhook}'.")
        return _read(row)

    def find(self, webhook: str) -> tuple[Webhook, Secrets] | None:
        """Return a webhook with its secrets, or None if it was deleted."""
        row = self.connection.execute(select(webhooks).where(webhooks.c.id == webhook)).one_or_none()
        return (_read(row), Secrets(now=row.secret, old=row.old_secret, old_until=row.old_secret_until)) if row else None

    def etag(self, webhook: str) -> str:
        """Return the entity tag of an existing webhook. It changes with the secret too, which it does not reveal."""
        return entity_tag(self.find(webhook))

    def page(self, project: str, wanted: Slice) -> Page[Webhook]:
        """Return the project's webhooks, newest first."""
        query = select(*_SHOWN).where(webhooks.c.project == project)
        return fetch_page(self.connection, query, webhooks.c.id, wanted, _read, newest_first=True)

    def write(self, webhook: Webhook) -> None:
        """Update a webhook."""
        values = webhook.model_dump(include={"name", "url", "events"})
        self.connection.execute(update(webhooks).where(webhooks.c.id == webhook.id).values(**values))

    def rotate(self, webhook: str, secret: str, at: datetime) -> Secrets:
        """Rotate the secret of an existing webhook. The old secret stays valid for a while."""
        query = select(webhooks.c.secret).where(webhooks.c.id == webhook).with_for_update()
        rotated = Secrets(now=self.connection.execute(query).scalar_one()).rotated(secret, at)
        values = {"secret": rotated.now, "old_secret": rotated.old, "old_secret_until": rotated.old_until}
        self.connection.execute(update(webhooks).where(webhooks.c.id == webhook).values(**values))
        return rotated

    def delete(self, webhook: str) -> None:
        """Delete a webhook with all its deliveries."""
        self.connection.execute(delete(deliveries).where(deliveries.c.webhook == webhook))
        self.connection.execute(delete(webhooks).where(webhooks.c.id == webhook))

    def delete_all(self, project: str) -> None:
        """Delete all webhooks of a project."""
        for webhook in self.connection.execute(select(webhooks.c.id).where(webhooks.c.project == project)).scalars().all():
            self.delete(webhook)


def _read(row: Row[Any]) -> Webhook:
    return Webhook.model_validate({field: getattr(row, field) for field in Webhook.model_fields})
