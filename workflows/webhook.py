"""The workflow that delivers to one webhook while anything is left to deliver."""

from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from temporalio import workflow

from activities.webhook_messages import Delivered, DeliverWebhook
from activities.webhooks import DeliveryActivities
from workflows.messages import WAKE, WEBHOOK, WebhookInput, format_time
from workflows.policies import DELIVERY_OPTIONS

MIN_WAIT = timedelta(seconds=1)


@workflow.defn(name=WEBHOOK)
class WebhookWorkflow:
    """Delivers due events, waits for the next ones, and ends when none are left. The deliveries themselves are in the database alone."""

    @workflow.init
    def __init__(self, webhook: WebhookInput) -> None:
        self.webhook = webhook
        self.failures = webhook.failures
        self.woken = False

    @workflow.run
    async def run(self, webhook: WebhookInput) -> None:
        """Deliver until nothing is left."""
        has_more = True
        while has_more:
            self.woken = False
            delivered = await self._deliver()
            self.failures = delivered.failures
            if delivered.rest:
                await workflow.sleep(delivered.rest, summary=f"Back off after {self.failures} failed attempts")
            has_more = await self._wait(delivered.next_at)
            if has_more and workflow.info().is_continue_as_new_suggested():
                workflow.continue_as_new(webhook.model_copy(update={"failures": self.failures}))

    @workflow.signal(name=WAKE)
    def wake(self) -> None:
        """Wake the workflow: a delivery is due."""
        self.woken = True

    @workflow.signal(name="knock")
    def wake_by_former_name(self) -> None:
        """Handle the signal name of histories recorded before 0.2; they must replay unchanged."""
        self.woken = True

    async def _deliver(self) -> Delivered:
        method: Any = DeliveryActivities.deliver_notices
        command = DeliverWebhook(project=self.webhook.project, webhook=self.webhook.webhook, failures=self.failures)
        delivered: Delivered = await workflow.execute_activity_method(method, command, summary="Deliver due events", **DELIVERY_OPTIONS)
        return delivered

    async def _wait(self, next_at: datetime | None) -> bool:
        """Wait until the next delivery is due or the workflow is woken. Returns False if nothing is left."""
        if next_at is None:
            return self.woken
        timeout = max(MIN_WAIT, next_at - workflow.now())
        summary = f"Next delivery due at {format_time(next_at)}"
        with suppress(TimeoutError):
            await workflow.wait_condition(lambda: self.woken, timeout=timeout, timeout_summary=summary)
        return True
