"""The webhook dispatcher: wakes the workflows of webhooks that have due deliveries in the database."""

import asyncio
from datetime import UTC, datetime, timedelta

import structlog
from temporalio.common import SearchAttributePair, TypedSearchAttributes, WorkflowIDReusePolicy
from temporalio.service import RPCError, RPCStatusCode

from activities.store.database import Database
from activities.store.deliveries import WebhookWake
from workflows.messages import WAKE, WEBHOOK, WEBHOOK_QUEUE, WebhookInput
from workflows.policies import RPC_TIMEOUT
from workflows.search_attributes import PROJECT
from workflows.service.client import ReleaseClient

log = structlog.get_logger()

LOOK_INTERVAL = timedelta(minutes=1)
"""The time between two looks for the workflow of a webhook under its other id."""

POLL_INTERVAL = timedelta(seconds=1)


class WebhookDispatcher:
    """Polls every second. Waking a workflow twice does no harm, so workers need no coordination."""

    def __init__(self, database: Database, releases: ReleaseClient) -> None:
        self.database = database
        self.releases = releases
        self._looked_at: dict[str, datetime] = {}

    async def run(self) -> None:
        """Run until cancelled."""
        while True:
            try:
                await self.dispatch()
            except Exception as error:
                log.warning("webhook_dispatch_failed", error=str(error))
            await asyncio.sleep(POLL_INTERVAL.total_seconds())

    async def dispatch(self) -> None:
        """Wake the workflow of each webhook with due deliveries. Start it if it does not run."""
        now = datetime.now(UTC)
        for wake in await asyncio.to_thread(self._due, now):
            if wake.project:
                await self._wake(WebhookInput(project=wake.project, webhook=wake.webhook))
            await asyncio.to_thread(self._record, wake, now)

    def _due(self, now: datetime) -> list[WebhookWake]:
        with self.database.reading() as store:
            return store.deliveries.to_wake(now)

    def _record(self, wake: WebhookWake, now: datetime) -> None:
        """Record the wake, or drop the deliveries of a webhook that was deleted."""
        with self.database.transaction() as store:
            if wake.project:
                store.deliveries.woken(wake.deliveries, now)
            else:
                store.deliveries.drop(wake.webhook)

    async def _wake(self, webhook: WebhookInput) -> None:
        """Wake the workflow, or start it. One that was started under the other id, before keys were set or removed, goes on."""
        if not self.releases.encryption.is_on:
            if not await self._wake_running(webhook, webhook.nameless_workflow_id):
                attributes = TypedSearchAttributes([SearchAttributePair(PROJECT, webhook.project)])
                await self._start(webhook, webhook.workflow_id, attributes)
        elif not await self._wake_running(webhook, webhook.workflow_id):
            await self._start(webhook, webhook.nameless_workflow_id)

    async def _wake_running(self, webhook: WebhookInput, workflow_id: str) -> bool:
        """Wake the workflow with this id, and return True if it runs. Looks once a minute: a webhook has one workflow at a time."""
        now = datetime.now(UTC)
        if now - self._looked_at.get(webhook.webhook, datetime.min.replace(tzinfo=UTC)) < LOOK_INTERVAL:
            return False
        try:
            await self.releases.client.get_workflow_handle(workflow_id).signal(WAKE, rpc_timeout=RPC_TIMEOUT)
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise
            self._looked_at[webhook.webhook] = now
            return False
        return True

    async def _start(self, webhook: WebhookInput, workflow_id: str, attributes: TypedSearchAttributes | None = None) -> None:
        await self.releases.client.start_workflow(
            WEBHOOK,
            webhook,
            id=workflow_id,
            task_queue=WEBHOOK_QUEUE,
            id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
            start_signal=WAKE,
            search_attributes=attributes,
            static_summary=f"Webhook {webhook.webhook} of {webhook.project}",
            rpc_timeout=RPC_TIMEOUT,
        )
