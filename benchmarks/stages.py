"""Stages per second, beside a bare workflow whose activities do nothing, on the same server in the same run."""

import asyncio
import statistics
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from activities.store.database import Database
from activities.store.identifiers import new_id
from activities.store.migrate import migrate
from benchmarks.bare import BareWorkflow, do_nothing
from tests.binaries import TEMPORAL
from tests.pipelines import pipeline, set_value, stage
from tests.world import World, make_world
from worker import build_worker, sandbox
from workflows.client import ReleaseClient
from workflows.delivery import AT_ONCE, Delivery
from workflows.namespace import register_search_attributes

RELEASES = 60
STAGES = 3
ROUNDS = 3
DUE_AT_ONCE = pipeline(
    *[
        stage(f"Stage {number}", environment, actions=[set_value(environment)])
        for number, environment in enumerate(("development", "staging", "production"))
    ]
)


async def climb(world: World, delivery: Delivery, round_number: int) -> float:
    """Stages per second of releases whose stages are all due at once."""
    features = [f"feature-{round_number}-{number}" for number in range(RELEASES)]
    with world.database.transaction() as store:
        for feature in features:
            state = {"enabled": False, "value": "v", "overrides": {}}
            values = {"id": new_id(), "key": feature, "name": feature, "description": "", "type": "string", "default_state": state}
            store.features.insert(datetime.now(UTC), project_id=world.project.id, **values)
    releases = [world.add(feature=feature) for feature in features]
    started = time.perf_counter()
    while await delivery.deliver():
        pass
    for release in releases:
        await delivery.releases.client.get_workflow_handle(release.workflow_id).result()
    elapsed = time.perf_counter() - started
    assert all(world.release(release.id).status == "completed" for release in releases)
    return RELEASES * STAGES / elapsed


async def climb_bare(client: Client, round_number: int) -> float:
    """The same with workflows that have as many activities, which do nothing; started as many at once."""
    started = time.perf_counter()
    gate = asyncio.Semaphore(AT_ONCE)

    async def start(number: int) -> None:
        async with gate:
            await client.start_workflow(BareWorkflow.run, STAGES, id=f"bare/{round_number}/{number}", task_queue="bare")

    await asyncio.gather(*(start(number) for number in range(RELEASES)))
    for number in range(RELEASES):
        await client.get_workflow_handle(f"bare/{round_number}/{number}").result()
    return RELEASES * STAGES / (time.perf_counter() - started)


async def measure(folder: Path) -> None:
    """Alternate product and floor, and print the medians and their ratio."""
    database = Database(f"sqlite:///{folder / 'flaghoist.db'}")
    migrate(database)
    world = make_world(database)
    world.publish(DUE_AT_ONCE)
    durable = ["--sqlite-pragma", "journal_mode=wal", "--sqlite-pragma", "synchronous=normal"]
    async with await WorkflowEnvironment.start_local(
        dev_server_existing_path=str(TEMPORAL),
        dev_server_database_filename=str(folder / "temporal.db"),
        dev_server_extra_args=durable,
        dev_server_log_level="error",
        data_converter=pydantic_data_converter,
    ) as env:
        await register_search_attributes(env.client)
        delivery = Delivery(database, ReleaseClient(env.client))
        with ThreadPoolExecutor(4) as threads:
            product = build_worker(env.client, database, threads, 4)
            options = {"activity_executor": threads, "max_concurrent_activities": 4, "workflow_runner": sandbox()}
            floor = Worker(env.client, task_queue="bare", workflows=[BareWorkflow], activities=[do_nothing], **options)  # type: ignore[arg-type]
            async with product, floor:
                rates = [(await climb_bare(env.client, number), await climb(world, delivery, number)) for number in range(ROUNDS)]
    database.close()
    for bare, ours in rates:
        print(f"bare {bare:6.1f}/s   flaghoist {ours:6.1f}/s   ratio {ours / bare:.2f}")
    ratio = statistics.median(ours / bare for bare, ours in rates)
    print(f"median ratio {ratio:.2f} ({RELEASES} releases of {STAGES} stages, {ROUNDS} rounds)")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as directory:
        asyncio.run(measure(Path(directory)))
