"""Webhooks and their deliveries on the wire."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from domain.model import Frozen, Moment
from domain.text import Name
from domain.webhooks.address import LONGEST_URL
from domain.webhooks.event import WebhookEvent
from domain.webhooks.webhook import DeliveryStatus, Failure, Webhook


def _each_once(events: tuple[WebhookEvent, ...]) -> tuple[WebhookEvent, ...]:
    return tuple(event for event in WebhookEvent if event in events)


Url = Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_URL)]
Events = Annotated[tuple[WebhookEvent, ...], Field(min_length=1, max_length=100), AfterValidator(_each_once)]


class CreateWebhook(Frozen):
    """Where to, and which events; without any all that there are now. The name defaults to the host."""

    url: Url
    events: Events = tuple(WebhookEvent)
    name: Name | None = None


class ChangeWebhook(Frozen):
    """Another address, name or choice of events; what is left out stays."""

    url: Url | None = None
    events: Events | None = None
    name: Name | None = None


class NewWebhook(Webhook):
    """A webhook with the secret that it signs with, which is shown this once."""

    secret: str
    old_secret_until: Moment | None = None


class DeliveryView(BaseModel):
    """One notice on its way to the webhook. `id` is what the receiver gets as `webhook-id`, however often it is sent."""

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
