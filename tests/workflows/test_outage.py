"""An outage is no refusal: it is retried until it is over."""

import asyncio

from sqlalchemy import NullPool, create_engine, make_url, text

from activities.store.database import Database
from tests.pipelines import pipeline, stage
from tests.waiting import wait_until
from tests.workflows.harness import real_stand


class Switch:
    """Takes a PostgreSQL database away from everybody, and gives it back."""

    def __init__(self, url: str) -> None:
        self.name = make_url(url).database
        self.engine = create_engine(make_url(url).set(database="postgres"), isolation_level="AUTOCOMMIT", poolclass=NullPool)

    def off(self) -> None:
        """No new connections, and no old ones."""
        self._run(f"ALTER DATABASE {self.name} ALLOW_CONNECTIONS false")
        self._run(f"SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity WHERE datname = '{self.name}'")

    def on(self) -> None:
        """As before."""
        self._run(f"ALTER DATABASE {self.name} ALLOW_CONNECTIONS true")

    def _run(self, statement: str) -> None:
        with self.engine.connect() as connection:
            connection.execute(text(statement))


def test_a_database_that_is_down_delays_a_change_and_loses_nothing(postgresql_url: str) -> None:
    database, switch = Database(postgresql_url), Switch(postgresql_url)

    async def story() -> None:
        async with real_stand(database) as stand, stand.worker():
            stand.world.publish(pipeline(stage("Development", wait="5s"), stage("Production", "production")))
            release = await stand.add()
            await stand.until(release, "running")

            async def is_retried() -> bool:
                pending = (await stand.handle(release).describe()).raw_description.pending_activities
                return any(activity.attempt >= 2 for activity in pending)

            switch.off()
            await wait_until("a second attempt", is_retried)
            switch.on()

            await stand.until(release, "completed")
            assert [change.stage for change in stand.changes(release)] == ["Development", "Production"]
            assert len([entry for entry in stand.audit(release) if entry.event == "flag.changed"]) == 2

    asyncio.run(story())
    database.close()


def test_a_hold_that_ends_while_the_database_is_down_is_recorded_afterwards(postgresql_url: str) -> None:
    database, switch = Database(postgresql_url), Switch(postgresql_url)

    async def story() -> None:
        async with real_stand(database) as stand, stand.worker():
            stand.world.publish(pipeline(stage("Watch", wait="2s", actions=[]), stage("Production", "production")))
            release = await stand.add()
            await stand.until(release, "running")

            switch.off()
            await asyncio.sleep(13)
            switch.on()

            await stand.until(release, "completed")
            assert [run.outcome for run in stand.runs(release)] == ["held", "acted"]

    asyncio.run(story())
    database.close()


def test_a_worker_that_remembers_nothing_replays_every_task_and_goes_on(sqlite: Database) -> None:
    async def story() -> None:
        async with real_stand(sqlite) as stand, stand.worker(max_cached_workflows=0):
            stand.world.publish(pipeline(stage("Development"), stage("Staging", "staging", "1s"), stage("Production", "production", "1s")))
            release = await stand.add()

            await stand.until(release, "completed")

            assert len(stand.changes(release)) == 3

    asyncio.run(story())
