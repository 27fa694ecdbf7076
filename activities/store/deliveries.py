"""Webhook deliveries and the outcome of their attempts."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, delete, func, select, update

from activities.store.paging import Page, Slice, fetch_page
from activities.store.tables import deliveries, webhooks
from domain.errors import NotFound
from domain.webhooks.webhook import Delivery, DeliveryStatus

WAKE_AGAIN_AFTER = timedelta(minutes=10)
"""The lateness of a delivery at which its workflow is woken again. The workflow may have been terminated or lost."""
KEPT = timedelta(days=30)
"""The time that a finished delivery stays listed."""
AT_ONCE = 200

_SHOWN = [deliveries.c[field] for field in Delivery.model_fields]
_ENDED = deliveries.c.status != DeliveryStatus.PENDING.value


class DueDeliveries(NamedTuple):
    """A delivery that is due, with its body."""

    delivery: Delivery
    body: str


class WebhookWake(NamedTuple):
    """A webhook whose workflow must be woken because deliveries are due."""

    project: str
    webhook: str
    deliveries: tuple[str, ...]


class DeliveryRepository:
    """Deliveries, newest first. Each is also an outbox entry: its workflow must be woken once `wake_at` has passed."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def page(self, webhook: str, wanted: Slice, status: DeliveryStatus | None = None) -> Page[Delivery]:
        """Return the deliveries of one webhook, newest first."""
        query = select(*_SHOWN).where(deliveries.c.webhook == webhook)
        if status:
            query = query.where(deliveries.c.status == status.value)
        return fetch_page(self.connection, query, deliveries.c.id, wanted, _read, newest_first=True)

    def get(self, webhook: str, delivery: str, *, lock: bool = False) -> Delivery:
        """Return one delivery of a webhook. Raises NotFound."""
        query = select(*_SHOWN).where(deliveries.c.webhook == webhook, deliveries.c.id == delivery)
        row = self.connection.execute(query.with_for_update() if lock else query).one_or_none()
        if row is None:
            raise NotFound(f"This webhook has no delivery '{delivery}'.")
        return _read(row)

    def due(self, webhook: str, now: datetime) -> DueDeliveries | None:
        """Return the oldest delivery that is due."""
        is_due = (deliveries.c.webhook == webhook) & (deliveries.c.next_attempt_at <= now)
        row = self.connection.execute(select(*_SHOWN, deliveries.c.body).where(is_due).order_by(deliveries.c.id).limit(1)).one_or_none()
        return DueDeliveries(_read(row), row.body) if row else None

    def next_at(self, webhook: str) -> datetime | None:
        """Return when the next delivery is due."""
        query = select(func.min(deliveries.c.next_attempt_at)).where(deliveries.c.webhook == webhook)
        at: datetime | None = self.connection.execute(query).scalar_one()
        return at

    def write(self, delivery: Delivery, wake_at: datetime | None) -> None:
        """Store the state of a delivery, and when its workflow must be woken for it."""
        values = delivery.model_dump(exclude={"id", "webhook", "event", "release", "created_at"})
        self.connection.execute(update(deliveries).where(deliveries.c.id == delivery.id).values(**values, wake_at=wake_at))

    def give_up(self, webhook: str, before: datetime) -> None:
        """Give up all deliveries that have been due since before that time."""
        late = (deliveries.c.webhook == webhook) & (deliveries.c.next_attempt_at.is_not(None)) & (deliveries.c.due_since < before)
        ended = {"status": DeliveryStatus.GIVEN_UP.value, "next_attempt_at": None, "wake_at": None}
        self.connection.execute(update(deliveries).where(late).values(**ended))

    def sweep(self, webhook: str, now: datetime) -> None:
        """Delete old finished deliveries, in batches."""
        old = select(deliveries.c.id).where(deliveries.c.webhook == webhook, _ENDED, deliveries.c.created_at < now - KEPT)
        gone = self.connection.execute(old.order_by(deliveries.c.id).limit(AT_ONCE)).scalars().all()
        if gone:
            self.connection.execute(delete(deliveries).where(deliveries.c.id.in_(gone)))

    def to_wake(self, now: datetime) -> list[WebhookWake]:
        """Return the webhooks whose workflows must be woken. `project` is empty for a deleted webhook."""
        waiting = select(deliveries.c.id, deliveries.c.webhook).where(deliveries.c.wake_at <= now)
        found: dict[str, list[str]] = {}
        for row in self.connection.execute(waiting.order_by(deliveries.c.wake_at).limit(AT_ONCE)):
            found.setdefault(row.webhook, []).append(row.id)
        known = self.connection.execute(select(webhooks.c.id, webhooks.c.project).where(webhooks.c.id.in_(found))).all()
        projects: dict[str, str] = {row.id: row.project for row in known}
        return [WebhookWake(projects.get(webhook, ""), webhook, tuple(ids)) for webhook, ids in found.items()]

    def woken(self, ids: Iterable[str], now: datetime) -> None:
        """Record that the workflow was woken for these deliveries."""
        waiting = deliveries.c.id.in_(list(ids)) & (deliveries.c.wake_at <= now)
        self.connection.execute(update(deliveries).where(waiting).values(wake_at=now + WAKE_AGAIN_AFTER))

    def drop(self, webhook: str) -> None:
        """Delete the deliveries of a deleted webhook."""
        self.connection.execute(delete(deliveries).where(deliveries.c.webhook == webhook))


def _read(row: Row[*tuple[Any, ...]]) -> Delivery:
    return Delivery.model_validate({field: getattr(row, field) for field in Delivery.model_fields})
