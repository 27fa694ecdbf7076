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

    def add(self, payload: WebhookPayload) -> None:
        """Insert a delivery for each webhook that is subscribed to the event."""
        if subscribed := [webhook for webhook, events in self._subscriptions(payload.project).items() if payload.event in events]:
            self.connection.execute(insert(deliveries), [_values(webhook, payload) for webhook in subscribed])

    def expect_none(self, project: str) -> None:
        """Queue nothing for this project, which is known to have no webhooks."""
        self._events[project] = {}

    def _subscriptions(self, project: str) -> dict[str, frozenset[str]]:
        if project not in self._events:
            rows = self.connection.execute(select(webhooks.c.id, webhooks.c.events).where(webhooks.c.project == project))
            self._events[project] = {row.id: frozenset(row.events) for row in rows}
        return self._events[project]


def _values(webhook: str, payload: WebhookPayload) -> dict[str, Any]:
    about = {"id": new_id(), "webhook": webhook, "event": payload.event, "release": payload.release}
    delivery = Delivery(**about, created_at=payload.at, due_since=payload.at, next_attempt_at=payload.at)
    return delivery.model_dump() | {"event": payload.event.value, "body": payload.body, "wake_at": payload.at}
