"""Telling the workflows of webhooks that something is due: the deliveries themselves say so, in the database."""

import asyncio
from datetime import UTC, datetime, timedelta

import structlog
from temporalio.client import Client
from temporalio.common import SearchAttributePair, TypedSearchAttributes, WorkflowIDReusePolicy

from activities.store.database import Database
from activities.store.deliveries import WebhookWake
from workflows.messages import WAKE, WEBHOOK, WEBHOOK_QUEUE, WebhookInput
from workflows.policies import CALL_TO_TEMPORAL
from workflows.search_attributes import PROJECT

log = structlog.get_logger()

EVERY = timedelta(seconds=1)


class WebhookDispatcher:
    """Looks every second. Knocking twice does no harm, so that workers need not agree who does it."""

    def __init__(self, database: Database, client: Client) -> None:
        self.database = database
        self.client = client

    async def run(self) -> None:
        """Go on until cancelled."""
        while True:
            try:
                await self.wake()
            except Exception as error:
                log.warning("webhook_dispatch_failed", error=str(error))
            await asyncio.sleep(EVERY.total_seconds())

    async def wake(self) -> None:
        """Tell each workflow that something is due, and start it if there is none."""
        now = datetime.now(UTC)
        for wake in await asyncio.to_thread(self._due, now):
            if wake.project:
                await self._tell(WebhookInput(project=wake.project, webhook=wake.webhook))
            await asyncio.to_thread(self._note, wake, now)

    def _due(self, now: datetime) -> list[WebhookWake]:
        with self.database.reading() as store:
            return store.deliveries.to_wake(now)

    def _note(self, wake: WebhookWake, now: datetime) -> None:
        """What was left to a webhook that was deleted meanwhile goes."""
        with self.database.transaction() as store:
            if wake.project:
                store.deliveries.woken(wake.deliveries, now)
            else:
                store.deliveries.drop(wake.webhook)

    async def _tell(self, webhook: WebhookInput) -> None:
        await self.client.start_workflow(
            WEBHOOK,
            webhook,
            id=webhook.workflow_id,
            task_queue=WEBHOOK_QUEUE,
            id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
            start_signal=WAKE,
            search_attributes=TypedSearchAttributes([SearchAttributePair(PROJECT, webhook.project)]),
            static_summary=f"Webhook {webhook.webhook} of {webhook.project}",
            rpc_timeout=CALL_TO_TEMPORAL,
        )
