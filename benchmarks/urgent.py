"""The time of a rollback that is requested as many stages are due, with priority and in its turn: `python -m benchmarks.urgent`."""

import asyncio
import json
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median

from activities.store.database import Database
from activities.store.migrate import migrate
from process_exit import run
from settings import Settings, configure_logs
from tests.pipelines import pipeline, set_value, stage, until
from tests.waiting import wait_until
from tests.workflows.harness import Harness, dev_server_harness
from tests.workflows.rollbacks import request
from workflows.messages import RecordedDecision
from workflows.service.client import ReleaseClient
from workflows.service.outbox_relay import OutboxRelay
from workflows.service.worker_pools import WorkerPools

DUE = 150
ROUNDS = 3
MARGIN = timedelta(seconds=30)
"""The time in which the releases are added before they are due."""


class InTurn(ReleaseClient):
    """Sends each decision in its turn."""

    async def look_again(self, workflow_id: str, decided: RecordedDecision | None = None, *, urgent: bool = False) -> None:  # noqa: ARG002
        """Signal without priority."""
        await super().look_again(workflow_id, decided)


async def measure(urgent: bool) -> float:
    """Return the seconds from the request of a rollback until it is recorded, on a fresh stack with four slots."""
    with tempfile.TemporaryDirectory(prefix="flaghoist-bench-") as folder:
        database = Database(f"sqlite:///{Path(folder) / 'flaghoist.db'}", WorkerPools(4).connections)
        migrate(database)
        async with dev_server_harness(database) as harness, harness.worker():
            seconds = await _rollback_seconds(harness, OutboxRelay(database, (ReleaseClient if urgent else InTurn)(harness.env.client)))
        database.close()
    return seconds


async def _rollback_seconds(harness: Harness, relay: OutboxRelay) -> float:
    harness.world.publish(pipeline(stage("Development", actions=[set_value("one")]), stage("Production", "production", "7d")))
    waiting = await harness.until(await harness.add(), "running", stage="Production")
    due_at = datetime.now(UTC) + MARGIN
    launch = stage("Staging", "staging") | {"trigger": until(due_at.isoformat())}
    harness.world.publish(pipeline(launch) | {"key": "launch"})
    for number in range(DUE):
        harness.world.add_feature(f"flag-{number}")
        harness.world.add(feature=f"flag-{number}", pipeline="launch")
    await harness.run_outbox()
    if (left := (due_at - datetime.now(UTC)).total_seconds()) < 0:
        raise RuntimeError("the releases were due before all of them were added")
    await asyncio.sleep(left)
    await wait_until("the first of the changes", lambda: _completed(harness), interval=0.005)
    began = time.perf_counter()
    await asyncio.to_thread(request, harness, waiting)
    await relay.run_pending()
    await harness.until(waiting, "rolled_back")
    return time.perf_counter() - began


def _completed(harness: Harness) -> int:
    with harness.world.database.reading() as store:
        return store.releases.count_by_status().get("completed", 0)


def work() -> int:
    """Measure both by turns, and print the seconds."""
    configure_logs(Settings(log_level="error"))
    measured: dict[str, list[float]] = {"in turn": [], "urgent": []}
    for _ in range(ROUNDS):
        for name, seconds in measured.items():
            seconds.append(round(asyncio.run(measure(name == "urgent")), 2))
    print(json.dumps({name: {"median": median(seconds), "rounds": seconds} for name, seconds in measured.items()}, indent=2))
    return 0


if __name__ == "__main__":
    run(work)
