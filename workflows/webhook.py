"""The story of one webhook, for as long as something is to be delivered to it."""

from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from temporalio import workflow

from activities.messages import Delivered, DeliverWebhook
from activities.webhooks import DeliveryActivities
from workflows.messages import WAKE, WEBHOOK, WebhookInput, in_words
from workflows.policies import DELIVERY

SHORTEST_WAIT = timedelta(seconds=1)


@workflow.defn(name=WEBHOOK)
class WebhookWorkflow:
    """Delivers what is due, waits until more is, and ends when nothing is left. What is left is in the database alone."""

    @workflow.init
    def __init__(self, webhook: WebhookInput) -> None:
        self.webhook = webhook
        self.failures = webhook.failures
        self.woken = False

    @workflow.run
    async def run(self, webhook: WebhookInput) -> None:
        """Go on until nothing is left to deliver."""
        going_on = True
        while going_on:
            self.woken = False
            delivered = await self._deliver()
            self.failures = delivered.failures
            if delivered.rest:
                await workflow.sleep(delivered.rest, summary=f"{self.failures} failed: leave the receiver in peace")
            going_on = await self._until(delivered.next_at)
            if going_on and workflow.info().is_continue_as_new_suggested():
                workflow.continue_as_new(webhook.model_copy(update={"failures": self.failures}))

    @workflow.signal(name=WAKE)
    def wake(self) -> None:
        """Hear that something is due."""
        self.woken = True

    @workflow.signal(name="knock")
    def wake_by_former_name(self) -> None:
        """Handle the signal name of histories recorded before 0.2; they must replay unchanged."""
        self.woken = True

    async def _deliver(self) -> Delivered:
        method: Any = DeliveryActivities.deliver_notices
        command = DeliverWebhook(project=self.webhook.project, webhook=self.webhook.webhook, failures=self.failures)
        delivered: Delivered = await workflow.execute_activity_method(method, command, summary="Deliver what is due", **DELIVERY)
        return delivered

    async def _until(self, next_at: datetime | None) -> bool:
        """Wait until something is due, or somebody knocks; whether to go on."""
        if next_at is None:
            return self.woken
        left = max(SHORTEST_WAIT, next_at - workflow.now())
        with suppress(TimeoutError):
            await workflow.wait_condition(lambda: self.woken, timeout=left, timeout_summary=f"The next is due at {in_words(next_at)}")
        return True
