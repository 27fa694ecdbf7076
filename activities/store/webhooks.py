"""Webhooks, with the secrets that they sign with."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from activities.store.paging import Page, Slice, fetch_page
from activities.store.tables import deliveries, webhooks
from domain.errors import NotFound
from domain.webhooks.webhook import Secrets, Webhook

_SHOWN = [webhooks.c[field] for field in Webhook.model_fields]


class WebhookRepository:
    """A project's webhooks, newest first. A deleted one is gone, with its secrets and deliveries: the audit log tells of it."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def add(self, project: str, webhook: Webhook, secret: str) -> None:
        """Keep a new one."""
        self.connection.execute(insert(webhooks).values(project=project, secret=secret, **webhook.model_dump(mode="python")))

    def count(self, project: str) -> int:
        """How many the project has."""
        query = select(func.count()).select_from(webhooks).where(webhooks.c.project == project)
        return int(self.connection.execute(query).scalar_one())

    def get(self, project: str, webhook: str, *, lock: bool = False) -> Webhook:
        """One of the project's. Raises NotFound."""
        query = select(*_SHOWN).where(webhooks.c.project == project, webhooks.c.id == webhook)
        row = self.connection.execute(query.with_for_update() if lock else query).one_or_none()
        if row is None:
            raise NotFound(f"There is no webhook '{webhook}' in the project.")
        return _read(row)

    def find(self, webhook: str) -> tuple[Webhook, Secrets] | None:
        """A webhook with what it signs with, unless it was deleted."""
        row = self.connection.execute(select(webhooks).where(webhooks.c.id == webhook)).one_or_none()
        return (_read(row), Secrets(now=row.secret, old=row.old_secret, old_until=row.old_secret_until)) if row else None

    def page(self, project: str, wanted: Slice) -> Page[Webhook]:
        """The project's, newest first."""
        query = select(*_SHOWN).where(webhooks.c.project == project)
        return fetch_page(self.connection, query, webhooks.c.id, wanted, _read, newest_first=True)

    def write(self, webhook: Webhook) -> None:
        """Change one."""
        values = webhook.model_dump(include={"name", "url", "events"})
        self.connection.execute(update(webhooks).where(webhooks.c.id == webhook.id).values(**values))

    def rotate(self, webhook: str, secret: str, at: datetime) -> Secrets:
        """Give one that is there another secret; the old one stays good for a while."""
        query = select(webhooks.c.secret).where(webhooks.c.id == webhook).with_for_update()
        rotated = Secrets(now=self.connection.execute(query).scalar_one()).rotated(secret, at)
        values = {"secret": rotated.now, "old_secret": rotated.old, "old_secret_until": rotated.old_until}
        self.connection.execute(update(webhooks).where(webhooks.c.id == webhook).values(**values))
        return rotated

    def delete(self, webhook: str) -> None:
        """Take one away, with everything that it has delivered or was still to deliver."""
        self.connection.execute(delete(deliveries).where(deliveries.c.webhook == webhook))
        self.connection.execute(delete(webhooks).where(webhooks.c.id == webhook))

    def delete_all(self, project: str) -> None:
        """Take away all that a project has."""
        for webhook in self.connection.execute(select(webhooks.c.id).where(webhooks.c.project == project)).scalars().all():
            self.delete(webhook)


def _read(row: Row[Any]) -> Webhook:
    return Webhook.model_validate({field: getattr(row, field) for field in Webhook.model_fields})
