"""Encryption that is turned on, or whose keys are rotated, while releases run: nothing is lost, whichever worker gets the work."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client

from activities.providers.sealing import new_secret_key
from activities.store.database import Database
from domain.releases.control import Control
from domain.releases.release import Release
from tests.pipelines import enable, pipeline, set_value, stage
from tests.waiting import wait_until
from tests.workflows.controls import olivia
from tests.workflows.harness import Harness, dev_server_harness
from workflows.messages import RecordedDecision, SteerRelease
from workflows.payloads import data_converter
from workflows.service.client import ReleaseClient
from workflows.service.outbox_relay import OutboxRelay

pytestmark = pytest.mark.e2e

OLD, NEW = new_secret_key(), new_secret_key()
WAITS = pipeline(stage("Development", actions=[enable(), set_value("one")]), stage("Production", "production", "1h"))


async def connected(harness: Harness, *keys: str) -> Client:
    """Return a client of the harness's server with these keys."""
    return await Client.connect(harness.env.client.service_client.config.target_host, data_converter=data_converter(keys))


def use(harness: Harness, client: Client) -> None:
    """Let the API of the harness talk to Temporal through this client."""
    harness.releases = ReleaseClient(client)
    harness.relay = OutboxRelay(harness.world.database, harness.releases)


@asynccontextmanager
async def waiting_release(database: Database, *keys: str) -> AsyncIterator[tuple[Harness, Release]]:
    """A harness, and a release that was started with these keys and waits for an hour. No worker runs."""
    async with dev_server_harness(database) as harness:
        client = await connected(harness, *keys)
        use(harness, client)
        harness.world.publish(WAITS)
        async with harness.worker(client=client):
            release = await harness.add()
            await harness.until(release, "running", stage="Production")
            await harness.until_timer_set(release)
        yield harness, release


async def failures(harness: Harness, release: Release) -> set[str]:
    """Return what the failed workflow tasks of a release say, to somebody without any key."""
    events = (await harness.handle(release).fetch_history()).events
    failed = [event for event in events if event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED]
    return {event.workflow_task_failed_event_attributes.failure.message for event in failed}


async def advance(harness: Harness, release: Release) -> None:
    control = SteerRelease(by=olivia(harness), reason="to try")
    await harness.releases.send_control(release, Control.ADVANCE, control, "once")


def test_release_from_before_it_was_turned_on_continues(sqlite: Database) -> None:
    async def scenario() -> None:
        async with waiting_release(sqlite) as (harness, release):
            client = await connected(harness, NEW)
            use(harness, client)
            async with harness.worker(client=client):
                await advance(harness, release)
                await harness.until(release, "completed")

    asyncio.run(scenario())


@pytest.mark.parametrize(("before", "lacking", "after"), [((), (), (NEW,)), ((OLD,), (OLD,), (NEW, OLD))], ids=["turned on", "rotated"])
def test_worker_that_lacks_the_key_fails_its_task_and_another_goes_on(
    sqlite: Database, before: tuple[str, ...], lacking: tuple[str, ...], after: tuple[str, ...]
) -> None:
    async def scenario() -> None:
        async with waiting_release(sqlite, *before) as (harness, release):
            client = await connected(harness, *after)
            use(harness, client)
            async with harness.worker(client=await connected(harness, *lacking)):
                decided = RecordedDecision(event="release.stop_lifted", by="olivia", reason="to try")
                await harness.releases.look_again(release.workflow_id, decided)

                async def has_failed() -> bool:
                    return bool(await failures(harness, release))

                await wait_until("a failed workflow task", has_failed)
                [message] = await failures(harness, release)
                assert "FLAGHOIST_PAYLOAD_KEYS" in message
                assert "Add that key at the end of the list" in message
                assert harness.record(release).stage == "Production"
            async with harness.worker(client=client):
                await advance(harness, release)
                await harness.until(release, "completed")

    asyncio.run(scenario())
