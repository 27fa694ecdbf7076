"""Records a history of every kind of release, for the replay tests: `python -m tests.workflows.record_histories VERSION [KIND ...]`.

Histories of released versions are never recorded again: every later version must replay them.
"""

import asyncio
import sys
import tempfile
from collections.abc import Collection

from activities.store.database import Database
from activities.store.migrate import migrate
from domain.releases.release import Release
from tests.waiting import wait_until
from tests.workflows.harness import HISTORIES, Handle, Harness, dev_server_harness
from tests.workflows.history_kinds import KINDS, PIPELINES, Kind, notified, undone
from tests.workflows.rollbacks import rollback_handle
from tests.workflows.webhooks import webhook_handle


async def record(version: str, names: Collection[str]) -> None:
    """Run one release of each kind, or of the named ones, each in a world of its own, and write its history."""
    for kind in [kind for kind in KINDS if not names or kind.__name__ in names]:
        with tempfile.TemporaryDirectory() as folder:
            database = Database(f"sqlite:///{folder}/flaghoist.db")
            migrate(database)
            async with dev_server_harness(database) as harness, harness.worker(metrics=harness.metrics):
                for definition in PIPELINES:
                    harness.world.publish(definition)
                handle = _handle(harness, await kind(harness), kind)
                await until_closed(handle)
                (HISTORIES / f"{version}-{kind.__name__}.json").write_text(f"{(await handle.fetch_history()).to_json()}\n")
            database.close()


def _handle(harness: Harness, release: Release, kind: Kind) -> Handle:
    """Return the workflow whose history is recorded."""
    if kind is notified:
        return webhook_handle(harness)
    return rollback_handle(harness, release) if kind is undone else harness.handle(release)


async def until_closed(handle: Handle) -> None:
    """Wait until the workflow, which is a moment behind the record, has closed."""

    async def is_closed() -> bool:
        return (await handle.describe()).close_time is not None

    await wait_until("the workflow to close", is_closed)


if __name__ == "__main__":
    asyncio.run(record(sys.argv[1], sys.argv[2:]))
