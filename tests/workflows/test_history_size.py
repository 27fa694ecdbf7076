"""A release costs few events at Temporal."""

import asyncio

from activities.store.database import Database
from tests.pipelines import hold, pipeline, stage
from tests.workflows.harness import dev_server_harness

OF_THE_WORKFLOW, AT_ONCE, WITH_A_WAIT = 8, 1, 7
"""The numbers in docs/guide/limits.md."""


def test_history_is_as_long_as_the_guide_says(sqlite: Database) -> None:
    async def scenario() -> None:
        async with dev_server_harness(sqlite) as harness, harness.worker():
            at_once = [stage(f"Stage {number}", "staging") for number in range(3)]
            harness.world.publish(pipeline(*at_once, hold("Watch", "1s"), stage("Production", "production", "1s")))
            release = await harness.add()
            await harness.until(release, "completed")

            events = (await harness.handle(release).fetch_history()).events
            assert len(events) == OF_THE_WORKFLOW + 3 * AT_ONCE + 2 * WITH_A_WAIT

    asyncio.run(scenario())
