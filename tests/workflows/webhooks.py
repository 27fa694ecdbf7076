"""A worker and a dispatcher that deliver to webhooks."""

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from datetime import timedelta

from activities.http_post import HttpPoster
from activities.store.paging import Slice
from domain.webhooks.webhook import RetryPolicy
from tests.workflows.harness import Handle, Harness
from worker import build_webhook_worker
from workflows.messages import WebhookInput
from workflows.service.webhook_dispatcher import WebhookDispatcher
from workflows.service.worker_pools import WEBHOOK_SLOTS

SHORT = RetryPolicy(
    first=timedelta(milliseconds=300), factor=1, backoff=timedelta(milliseconds=100), longest_backoff=timedelta(milliseconds=200)
)


@asynccontextmanager
async def webhook_worker(harness: Harness, policy: RetryPolicy = SHORT, seconds: float = 10) -> AsyncIterator[None]:
    """Deliver to webhooks while the block lasts. An attempt may take that many seconds."""
    with ThreadPoolExecutor(WEBHOOK_SLOTS) as threads:
        poster = HttpPoster(allow_private=True, seconds=seconds)
        async with build_webhook_worker(harness.env.client, harness.world.database, threads, poster, policy):
            dispatcher = asyncio.create_task(WebhookDispatcher(harness.world.database, harness.releases).run())
            yield
            dispatcher.cancel()
            with suppress(asyncio.CancelledError):
                await dispatcher


def webhook_handle(harness: Harness, webhook: str | None = None) -> Handle:
    """Return the handle of a webhook's workflow. Without an id it is the project's only webhook."""
    if webhook is None:
        with harness.world.database.reading() as store:
            [only] = store.webhooks.page("shop", Slice()).items
        webhook = only.id
    return harness.env.client.get_workflow_handle(WebhookInput(project="shop", webhook=webhook).workflow_id)
