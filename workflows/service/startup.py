"""The connection of a worker to Temporal. A failure that no retry repairs ends the worker."""

import asyncio
from contextlib import suppress

import structlog
from temporalio.client import Client

from workflows.service.connection import Connection
from workflows.service.namespace import register_search_attributes
from workflows.service.rejections import explain

log = structlog.get_logger()

RETRY_DELAY = 2.0


class WorkerCannotStart(Exception):
    """The worker can't work until somebody changes its configuration or its rights."""


async def connect_worker(stop: asyncio.Event, connection: Connection) -> Client | None:
    """Wait for Temporal, and register the search attributes. Return None if stopped while waiting. Raises WorkerCannotStart."""
    while not stop.is_set():
        try:
            client = await connection.connect(lazy=False)
            await register_search_attributes(client)
            return client
        except Exception as error:
            if reason := await explain(error, connection):
                raise WorkerCannotStart(reason) from error
            log.warning("temporal_not_ready", error=str(error))
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), RETRY_DELAY)
    return None
