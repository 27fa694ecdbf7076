"""What people see of a release in the Temporal Web UI, read back through the client."""

import asyncio
from datetime import UTC, datetime

from temporalio.api.sdk.v1 import WorkflowMetadata
from temporalio.client import WorkflowHandle
from temporalio.converter import DataConverter

from activities.commands.pause_remove import EndOrPauseRelease, pause_release
from activities.commands.request_rollback import RollBackRelease, request_rollback
from activities.store.database import Database
from domain.access import Owner
from tests.pipelines import enable, hold, pipeline, set_value, stage
from tests.workflows.harness import Stand, real_stand
from tests.workflows.test_controls import until_paused
from workflows.search_attributes import ENVIRONMENT, FEATURE, NEXT_AT, PIPELINE, PROJECT, STAGE, STATUS

BETA = stage("Production Beta", "production", "1d12h", actions=[enable("beta-users"), set_value("v2", "beta-users")])


async def summaries(handle: WorkflowHandle[object, object]) -> list[str]:
    """The summary of each event that has one."""
    converter = DataConverter.default.payload_converter
    events = (await handle.fetch_history()).events
    return [converter.from_payload(e.user_metadata.summary, str) for e in events if e.user_metadata.summary.data]


async def details(handle: WorkflowHandle[object, object]) -> str:
    """The current state, as the Web UI shows it."""
    metadata = await handle.query("__temporal_workflow_metadata", result_type=WorkflowMetadata)
    return str(metadata.current_details)


def test_a_waiting_release_says_in_words_what_it_is_and_what_it_waits_for(sqlite: Database) -> None:
    async def story() -> None:
        async with real_stand(sqlite) as stand, stand.worker():
            stand.world.publish(pipeline(stage("Development"), BETA, hold("Watch", "7d")))
            release = await stand.add()
            waiting = await stand.until(release, "running", stage="Production Beta")
            assert waiting.acts_at
            await stand.until_waiting(release)
            handle = stand.handle(release)

            assert handle.id == f"release/shop/checkout/{release.id}"
            until = f"{waiting.acts_at:%Y-%m-%d %H:%M:%S} UTC"
            said = await summaries(handle)
            assert "checkout on its way through Standard v1" in said
            assert "Development: enable for everyone" in said
            assert f"Production Beta: acts after 1 d 12 h, at {until}" in said
            ladder = await details(handle)
            assert "1. **Development** (development): done" in ladder
            assert f"2. **Production Beta** (production): acts at {until}" in ladder
            assert "3. **Watch** (production): acts at" in ladder
            description = await handle.describe()
            assert await description.static_summary() == "checkout on its way through Standard v1"
            planned = '**Production Beta** (production): enable for beta-users, set the value "v2" for beta-users'
            assert planned in (await description.static_details() or "")

    asyncio.run(story())


def test_releases_are_found_by_project_pipeline_feature_environment_stage_and_status(sqlite: Database) -> None:
    async def story() -> None:
        async with real_stand(sqlite) as stand, stand.worker():
            stand.world.publish(pipeline(stage("Development"), BETA))
            release = await stand.add()
            waiting = await stand.until(release, "running", stage="Production Beta")
            await stand.until_waiting(release)

            found = await search(
                stand, "FlaghoistStage = 'Production Beta' AND FlaghoistStatus = 'running' AND FlaghoistFeature = 'checkout'"
            )
            assert found == [release.workflow_id]
            attributes = (await stand.handle(release).describe()).typed_search_attributes
            assert (attributes[PROJECT], attributes[PIPELINE], attributes[FEATURE]) == ("shop", "standard", "checkout")
            assert (attributes[ENVIRONMENT], attributes[STAGE], attributes[STATUS]) == ("production", "Production Beta", "running")
            assert attributes[NEXT_AT] == waiting.acts_at

    async def search(stand: Stand, query: str) -> list[str]:
        for _ in range(100):
            found = [execution.id async for execution in stand.env.client.list_workflows(query)]
            if found:
                return found
            await asyncio.sleep(0.1)
        return []

    asyncio.run(story())


def test_a_blocked_release_says_why_and_which_controls_help(sqlite: Database) -> None:
    async def story() -> None:
        async with real_stand(sqlite) as stand, stand.worker():
            stand.world.publish(pipeline(stage("Development", wait="3s")))
            release = await stand.add()
            with sqlite.transaction() as store:
                store.keys.revoke(stand.world.key_id, release.added_at)
            blocked = await stand.until(release, "blocked")
            assert blocked.blocked

            ladder = await details(stand.handle(release))

            assert blocked.blocked.message in ladder
            assert "Controls: skip, retry, restart, rollback, remove." in ladder

    asyncio.run(story())


def test_who_asked_for_what_the_record_decides_is_in_the_details_and_in_the_history(sqlite: Database) -> None:
    async def story() -> None:
        async with real_stand(sqlite) as stand, stand.worker():
            stand.world.publish(pipeline(stage("Development"), hold("Watch", "7d")))
            release = await stand.add()
            await stand.until(release, "running", stage="Watch")
            petra = stand.world.caller.model_copy(update={"owner": Owner(kind="person", name="petra")})

            with sqlite.transaction() as store:
                pause_release(store, petra, stand.world.project, EndOrPauseRelease(release=release.id), datetime.now(tz=UTC))
            await stand.delivery.deliver()
            await asyncio.wait_for(until_paused(stand, release), 10)
            assert "**Paused** by petra since" in await details(stand.handle(release))
            events = (await stand.handle(release).fetch_history()).events
            assert [b"petra" in event.SerializeToString() for event in events].count(True) >= 1

            with sqlite.transaction() as store:
                asked = RollBackRelease(release=release.id, to_stage="Development", reason="too slow")
                request_rollback(store, petra, stand.world.project, asked, datetime.now(tz=UTC))
            await stand.delivery.deliver()
            await stand.until(release, "paused", visit=3)
            assert "To be rolled back to the state after 'Development', as requested by petra" in await summaries(stand.handle(release))

    asyncio.run(story())
