"""A worker is unhealthy until it has polled for work."""

import asyncio

from activities.store.database import Database
from tests.http import get_url
from tests.ports import free_port
from tests.waiting import CEILING
from tests.workflows.harness import dev_server_harness
from workflows.service.worker_health import WorkerHealth, serving_health


def test_worker_is_unhealthy_until_it_has_polled(sqlite: Database) -> None:
    address, health = f"127.0.0.1:{free_port()}", WorkerHealth()

    async def scenario() -> None:
        async with dev_server_harness(sqlite) as harness:
            watching = asyncio.create_task(health.watch(harness.releases))
            assert (await asyncio.to_thread(get_url, f"http://{address}/healthz")).status_code == 503

            async with harness.worker():
                await asyncio.wait_for(watching, CEILING)

            answer = await asyncio.to_thread(get_url, f"http://{address}/healthz")
            assert (answer.status_code, answer.json()) == (200, {"status": "polling"})
            assert (await asyncio.to_thread(get_url, f"http://{address}/")).status_code == 404

    with serving_health(address, health):
        asyncio.run(scenario())
