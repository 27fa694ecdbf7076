"""Webhooks written directly to the store."""

from activities.store.database import Database
from activities.store.identifiers import new_id
from activities.store.paging import Slice
from domain.webhooks.event import WebhookEvent
from domain.webhooks.signature import secret_of
from domain.webhooks.webhook import Delivery, Webhook
from tests.world import NOW

SECRET = secret_of(b"the signing key of the tests....")


def add_webhook(database: Database, url: str, *events: WebhookEvent, project: str = "shop") -> str:
    """Add a webhook for the given events, or for all, and return its id."""
    webhook = Webhook(id=new_id(), name="Receiver", url=url, events=events or tuple(WebhookEvent), created_at=NOW)
    with database.transaction() as store:
        store.webhooks.add(project, webhook, SECRET)
    return webhook.id


def deliveries_of(database: Database, webhook: str) -> list[Delivery]:
    """Return its deliveries, oldest first."""
    with database.reading() as store:
        return list(reversed(store.deliveries.page(webhook, Slice(limit=200)).items))
