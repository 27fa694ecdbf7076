"""A release costs few events at Temporal."""

import asyncio
from collections import Counter

from temporalio.api.enums.v1 import EventType

from activities.store.database import Database
from tests.pipelines import hold, pipeline, stage
from tests.workflows.harness import dev_server_harness

OF_THE_WORKFLOW = Counter(EXECUTION_STARTED=1, MARKER_RECORDED=1, UPSERT_SEARCH_ATTRIBUTES=2, EXECUTION_COMPLETED=1)
AT_ONCE = Counter(MARKER_RECORDED=1)
WITH_A_WAIT = Counter(UPSERT_SEARCH_ATTRIBUTES=1, TIMER_STARTED=1, TIMER_FIRED=1, MARKER_RECORDED=1)
"""Besides these, the workflow and each wait have three events for a workflow task. A busy machine may need more tasks."""


def test_history_is_as_long_as_the_guide_says(sqlite: Database) -> None:
    async def scenario() -> None:
        async with dev_server_harness(sqlite) as harness, harness.worker():
            at_once = [stage(f"Stage {number}", "staging") for number in range(3)]
            harness.world.publish(pipeline(*at_once, hold("Watch", "1s"), stage("Production", "production", "1s")))
            handle = harness.handle(await harness.add())
            await harness.result(handle)

            names = [EventType.Name(event.event_type) for event in (await handle.fetch_history()).events]
            found = Counter(name.removeprefix("EVENT_TYPE_").replace("WORKFLOW_", "", 1) for name in names if "WORKFLOW_TASK" not in name)
            assert found == OF_THE_WORKFLOW + AT_ONCE + AT_ONCE + AT_ONCE + WITH_A_WAIT + WITH_A_WAIT

    asyncio.run(scenario())
