"""New webhook deliveries, written in the transaction of the event."""

from typing import Any

from sqlalchemy import Connection, insert, select

from activities.store.identifiers import new_id
from activities.store.tables import deliveries, webhooks
from domain.webhooks.event import WebhookPayload
from domain.webhooks.webhook import Delivery


class WebhookOutbox:
    """Queues deliveries. A project's webhooks are looked up once per transaction, by an index; most projects have none."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self._events: dict[str, dict[str, frozenset[str]]] = {}

    def add(self, notice: WebhookPayload) -> None:
        """Insert a delivery for each webhook that is subscribed to the event."""
        if told := [webhook for webhook, events in self._wanted(notice.project).items() if notice.event in events]:
            self.connection.execute(insert(deliveries), [_values(webhook, notice) for webhook in told])

    def _wanted(self, project: str) -> dict[str, frozenset[str]]:
        if project not in self._events:
            rows = self.connection.execute(select(webhooks.c.id, webhooks.c.events).where(webhooks.c.project == project))
            self._events[project] = {row.id: frozenset(row.events) for row in rows}
        return self._events[project]


def _values(webhook: str, notice: WebhookPayload) -> dict[str, Any]:
    about = {"id": new_id(), "webhook": webhook, "event": notice.event, "release": notice.release}
    delivery = Delivery(**about, created_at=notice.at, due_since=notice.at, next_attempt_at=notice.at)
    return delivery.model_dump() | {"event": notice.event.value, "body": notice.body, "wake_at": notice.at}
