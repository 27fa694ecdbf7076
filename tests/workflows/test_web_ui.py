"""A release in the Temporal Web UI."""

import asyncio
from datetime import UTC, datetime

from activities.commands.pause_remove import EndOrPauseRelease, pause_release
from activities.commands.request_rollback import RollBackRelease, request_rollback
from activities.store.database import Database
from domain.access import Owner
from domain.releases.control import Control
from tests.pipelines import enable, hold, pipeline, set_value, stage
from tests.waiting import wait_until
from tests.workflows.controls import send, until_blocked, until_paused
from tests.workflows.harness import dev_server_harness
from tests.workflows.web_ui import activity_results, details, summaries
from workflows.messages import ROLL_OVER
from workflows.search_attributes import ENVIRONMENT, FEATURE, NEXT_AT, PIPELINE, PROJECT, STAGE, STATUS
from workflows.web_ui import MAX_SUMMARY_BYTES

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


def test_details_say_when_and_for_whom_each_stage_acted_and_link_back(sqlite: Database) -> None:
    async def scenario() -> None:
        async with dev_server_harness(sqlite, public_url="https://flags.example") as harness, harness.worker():
            harness.world.publish(pipeline(stage("Development"), hold("Watch", "7d"), hold("Watch on", "7d"), BETA))
            release = await harness.add()
            entered = (await harness.until(release, "running", stage="Watch")).entered_at
            await harness.until_timer_set(release)
            await send(harness, harness.record(release), Control.SKIP)
            skipped = (await harness.until(release, "running", stage="Watch on")).entered_at
            text = await details(harness.handle(release))

            assert f"1. **Development** (development): done at {entered:%Y-%m-%d %H:%M:%S} UTC for olivia — enable for everyone" in text
            assert f"2. **Watch** (production): skipped at {skipped:%Y-%m-%d %H:%M:%S} UTC by olivia" in text
            assert f"(https://flags.example/api/v1/projects/shop/releases/{release.id})" in text

    asyncio.run(scenario())


def test_summary_and_details_survive_continue_as_new(sqlite: Database) -> None:
    async def scenario() -> None:
        async with dev_server_harness(sqlite) as harness, harness.worker():
            harness.world.publish(pipeline(stage("Development"), BETA))
            release = await harness.add()
            await harness.until(release, "running", stage="Production Beta")
            await harness.until_timer_set(release)
            handle = harness.handle(release)
            before = await details(handle)
            first_run = (await handle.describe()).run_id
            await handle.signal(ROLL_OVER)

            async def is_next_run() -> bool:
                return (await handle.describe()).run_id != first_run

            await wait_until("the next run", is_next_run)
            await harness.until_timer_set(release)

            assert await details(handle) == before
            assert "**running**: checkout in Standard v1" in before
            planned = '— enable for beta-users, set the value "v2" for beta-users'
            assert planned in before
            memo = await (await handle.describe()).memo()
            assert memo["summary"] == "checkout in Standard v1"
            assert planned.strip("— ") in memo["details"]

    asyncio.run(scenario())


def test_activity_says_in_words_what_it_did(sqlite: Database) -> None:
    async def scenario() -> None:
        async with dev_server_harness(sqlite) as harness, harness.worker():
            harness.world.publish(pipeline(stage("Development"), stage("Again")))
            handle = harness.handle(await harness.add())
            await harness.result(handle)

            assert await activity_results(handle) == [
                "Changed checkout in development: enable for everyone.",
                "checkout in development is so already: enable for everyone.",
            ]

    asyncio.run(scenario())


def test_longest_names_fit_into_every_summary(sqlite: Database) -> None:
    async def scenario() -> None:
        async with dev_server_harness(sqlite) as harness, harness.worker():
            name = '"旗' * 50
            harness.world.publish(pipeline(stage(name, actions=[set_value("旗" * 200)]), hold(f"{name[:-2]}2", "1s")) | {"name": name})
            handle = harness.handle(await harness.add())
            await harness.result(handle)

            texts = await summaries(handle)
            assert max(len(text.encode()) for text in texts) <= MAX_SUMMARY_BYTES
            assert any(text.endswith("…") for text in texts)

    asyncio.run(scenario())
