"""A release in the Temporal Web UI."""

import asyncio
from datetime import UTC, datetime

from activities.commands.pause_remove import EndOrPauseRelease, pause_release
from activities.commands.request_rollback import RollBackRelease, request_rollback
from activities.store.database import Database
from domain.access import Owner
from tests.pipelines import enable, hold, pipeline, set_value, stage
from tests.waiting import wait_until
from tests.workflows.controls import until_blocked, until_paused
from tests.workflows.harness import dev_server_harness
from tests.workflows.web_ui import details, summaries
from workflows.search_attributes import ENVIRONMENT, FEATURE, NEXT_AT, PIPELINE, PROJECT, STAGE, STATUS

BETA = stage("Production Beta", "production", "1d12h", actions=[enable("beta-users"), set_value("v2", "beta-users")])


def test_waiting_release_describes_itself_and_its_stages(sqlite: Database) -> None:
    async def scenario() -> None:
        async with dev_server_harness(sqlite) as harness, harness.worker():
            harness.world.publish(pipeline(stage("Development"), BETA, hold("Watch", "7d")))
            release = await harness.add()
            waiting = await harness.until(release, "running", stage="Production Beta")
            assert waiting.acts_at
            await harness.until_timer_set(release)
            handle = harness.handle(release)

            assert handle.id == f"release/shop/checkout/{release.id}"
            time = f"{waiting.acts_at:%Y-%m-%d %H:%M:%S} UTC"
            texts = await summaries(handle)
            assert "checkout in Standard v1" in texts
            assert "Development: enable for everyone" in texts
            assert f"Production Beta: acts after 1 d 12 h, at {time}" in texts
            text = await details(handle)
            assert "1. **Development** (development): done" in text
            assert f"2. **Production Beta** (production): acts at {time}" in text
            assert "3. **Watch** (production): acts at" in text
            description = await handle.describe()
            assert await description.static_summary() == "checkout in Standard v1"
            planned = '**Production Beta** (production): enable for beta-users, set the value "v2" for beta-users'
            assert planned in (await description.static_details() or "")

    asyncio.run(scenario())


def test_releases_can_be_found_by_project_pipeline_feature_environment_stage_and_status(sqlite: Database) -> None:
    async def scenario() -> None:
        async with dev_server_harness(sqlite) as harness, harness.worker():
            harness.world.publish(pipeline(stage("Development"), BETA))
            release = await harness.add()
            waiting = await harness.until(release, "running", stage="Production Beta")
            await harness.until_timer_set(release)
            query = "FlaghoistStage = 'Production Beta' AND FlaghoistStatus = 'running' AND FlaghoistFeature = 'checkout'"

            async def found() -> list[str]:
                return [execution.id async for execution in harness.env.client.list_workflows(query)]

            assert await wait_until("Temporal to list the release", found) == [release.workflow_id]
            attributes = (await harness.handle(release).describe()).typed_search_attributes
            assert (attributes[PROJECT], attributes[PIPELINE], attributes[FEATURE]) == ("shop", "standard", "checkout")
            assert (attributes[ENVIRONMENT], attributes[STAGE], attributes[STATUS]) == ("production", "Production Beta", "running")
            assert attributes[NEXT_AT] == waiting.acts_at

    asyncio.run(scenario())


def test_blocked_release_says_why_and_names_the_allowed_controls(sqlite: Database) -> None:
    async def scenario() -> None:
        async with dev_server_harness(sqlite) as harness, harness.worker():
            harness.world.publish(pipeline(stage("Development")))
            release = await asyncio.to_thread(harness.world.add)
            with sqlite.transaction() as store:
                store.keys.revoke(harness.world.key_id, release.added_at)
            await harness.run_outbox()
            blocked = await harness.until(release, "blocked")
            assert blocked.blocked
            await until_blocked(harness, release)

            text = await details(harness.handle(release))

            assert blocked.blocked.message in text
            assert "Allowed controls: skip, retry, restart, rollback, remove." in text

    asyncio.run(scenario())


def test_details_and_history_name_the_person_who_paused_or_rolled_back(sqlite: Database) -> None:
    async def scenario() -> None:
        async with dev_server_harness(sqlite) as harness, harness.worker():
            harness.world.publish(pipeline(stage("Development"), hold("Watch", "7d")))
            release = await harness.add()
            await harness.until(release, "running", stage="Watch")
            petra = harness.world.caller.model_copy(update={"owner": Owner(kind="person", name="petra")})

            with sqlite.transaction() as store:
                pause_release(store, petra, harness.world.project, EndOrPauseRelease(release=release.id), datetime.now(tz=UTC))
            await harness.run_outbox()
            await until_paused(harness, release)
            assert "**Paused** by petra since" in await details(harness.handle(release))
            events = (await harness.handle(release).fetch_history()).events
            assert [b"petra" in event.SerializeToString() for event in events].count(True) >= 1

            with sqlite.transaction() as store:
                rollback = RollBackRelease(release=release.id, to_stage="Development", reason="too slow")
                request_rollback(store, petra, harness.world.project, rollback, datetime.now(tz=UTC))
            await harness.run_outbox()
            await harness.until(release, "paused", visit=3)
            assert "Roll back to the state after 'Development', requested by petra" in await summaries(harness.handle(release))

    asyncio.run(scenario())
