"""Request and response bodies of webhooks and deliveries."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from domain.model import Frozen, Moment
from domain.text import Name
from domain.webhooks.address import LONGEST_URL
from domain.webhooks.event import WebhookEvent
from domain.webhooks.webhook import DeliveryStatus, Failure, Webhook


def _without_duplicates(events: tuple[WebhookEvent, ...]) -> tuple[WebhookEvent, ...]:
    return tuple(event for event in WebhookEvent if event in events)


Url = Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_URL)]
Events = Annotated[tuple[WebhookEvent, ...], Field(min_length=1, max_length=100), AfterValidator(_without_duplicates)]


class CreateWebhook(Frozen):
    """The URL and the events of a webhook, by default all events of this version. The name defaults to the host."""

    url: Url
    events: Events = tuple(WebhookEvent)
    name: Name | None = None


class ChangeWebhook(Frozen):
    """A new URL, name or list of events. Fields that are left out do not change."""

    url: Url | None = None
    events: Events | None = None
    name: Name | None = None


class NewWebhook(Webhook):
    """A webhook with its signing secret, which is shown only once."""

    secret: str
    old_secret_until: Moment | None = None


class DeliveryView(BaseModel):
    """A delivery of one event to the webhook. `id` is the `webhook-id` that the receiver gets with every attempt."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    event: WebhookEvent
    release: str | None
    status: DeliveryStatus
    created_at: Moment
    attempts: int
    last_attempt_at: Moment | None
    last_status: int | None
    last_failure: Failure | None
    next_attempt_at: Moment | None
