"""Renewal of the credentials for Temporal: a changed certificate or API key is used without a restart."""

import asyncio
from collections.abc import Sequence

import structlog
from temporalio.client import Client
from temporalio.worker import Worker

from workflows.service.client import ReleaseClient
from workflows.service.connection import Connection, uses
from workflows.service.rejections import explain

log = structlog.get_logger()

INTERVAL = 5.0
"""Seconds between two looks at the files."""


class CredentialRenewal:
    """Replaces the client in `releases`, which all others ask for it, and in the workers, which use the same runtime."""

    def __init__(self, releases: ReleaseClient, connection: Connection, workers: Sequence[Worker] = ()) -> None:
        self._releases = releases
        self._connection = connection
        self._workers = workers
        self._failure = ""

    async def run(self, interval: float = INTERVAL) -> None:
        """Look at the files until cancelled."""
        while True:
            await asyncio.sleep(interval)
            await self.look()

    async def look(self) -> None:
        """Use the credentials if they have changed and Temporal accepts them. Otherwise keep the client, and log each new reason once."""
        try:
            if client := await self._changed():
                self._use(client)
        except Exception as error:
            reason = await explain(error, self._connection) or str(error) or "Temporal did not answer in time."
            if reason != self._failure:
                log.warning("temporal_credentials_kept", error=reason)
            self._failure = reason
            return
        self._failure = ""
        if client:
            log.info("temporal_credentials_renewed")

    async def _changed(self) -> Client | None:
        """Return a client with the new credentials that Temporal has answered, or None if they are those in use."""
        config = await asyncio.to_thread(self._connection.load_config)
        if uses(self._releases.client, config):
            return None
        client = await self._connection.connect_with(config, lazy=False)
        await ReleaseClient(client).ask_health()
        return client

    def _use(self, client: Client) -> None:
        for worker in self._workers:
            worker.client = client
        self._releases.client = client
