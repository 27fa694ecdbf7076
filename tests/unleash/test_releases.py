"""Whole releases on a real Unleash, with a real Temporal and a real worker, as Unleash's own SDK sees them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from threading import Event

import pytest

from activities.store.database import Database
from domain.releases.release import Release
from tests.pipelines import enable, pipeline, rollout, stage
from tests.postgresql import DatabaseSwitch
from tests.unleash.server import UnleashServer
from tests.unleash.shop import Shop
from tests.unleash.source import seen
from tests.waiting import wait_until
from tests.workflows.harness import Harness, dev_server_harness

pytestmark = pytest.mark.xdist_group("unleash")

PEOPLE = [{"userId": f"user-{number}"} for number in range(400)]


@asynccontextmanager
async def running(database: Database, unleash: UnleashServer) -> AsyncIterator[tuple[Harness, Shop]]:
    """A harness whose project has its flags in Unleash."""
    async with dev_server_harness(database) as harness:
        shop = await asyncio.to_thread(Shop, database, unleash, harness.world)
        try:
            yield harness, shop
        finally:
            shop.close()


async def add(harness: Harness, shop: Shop) -> Release:
    """Add the flag, and start its workflow."""
    release = await asyncio.to_thread(shop.add)
    await harness.run_outbox()
    return release


def served(shop: Shop, environment: str) -> list[int]:
    """Return the users for whom Unleash's SDK says that the flag is on."""
    found = seen(shop.unleash, [shop.feature], PEOPLE, environment)
    return [number for number, each in enumerate(found) if each[shop.feature][0]]


def test_progressive_rollout_climbs_and_the_sdk_sees_each_step(database: Database, unleash: UnleashServer) -> None:
    async def scenario() -> None:
        async with running(database, unleash) as (harness, shop):
            await asyncio.to_thread(shop.segment, f"Pro {shop.feature}")
            await asyncio.to_thread(shop.elsewhere.refresh, shop.world.project, shop.key)
            harness.world.publish(
                pipeline(
                    stage("Development"),
                    stage("Pro users", "production", "1s", [enable(f"pro-{shop.feature}")]),
                    stage("Everyone", "production", "1s", [rollout(25, 40, "4s")]),
                )
            )
            release = await add(harness, shop)
            shares = list[list[int]]()
            async with harness.worker(systems=shop.systems):
                await harness.until_changes(release, 2)
                assert len(served(shop, "development")) == len(PEOPLE)
                assert seen(unleash, [shop.feature], [{"userId": "a", "properties": {"plan": "pro"}}], "production")[0][shop.feature][0]
                for changes in (3, 4, 5):
                    await harness.until_changes(release, changes)
                    shares.append(await asyncio.to_thread(served, shop, "production"))
                await harness.until(release, "completed")

            first, second, third = map(set, shares)
            assert first < second < third == set(range(len(PEOPLE)))
            assert 60 <= len(first) <= 140, "a quarter"
            assert shop.titles("production")[-1] == "Flaghoist: everyone"

    asyncio.run(scenario())


def test_outage_of_unleash_delays_a_release_and_loses_nothing(sqlite: Database, unleash: UnleashServer) -> None:
    async def scenario() -> None:
        async with running(sqlite, unleash) as (harness, shop):
            harness.world.publish(pipeline(stage("Development"), stage("Production", "production")))
            release = await add(harness, shop)
            await asyncio.to_thread(unleash.kill)
            async with harness.worker(systems=shop.systems):
                outage = await wait_until("an outage on the record", shop.outage)
                assert outage.code == "provider_unavailable"
                await asyncio.to_thread(unleash.start)
                await harness.until(release, "completed")

            assert [each.environment for each in harness.changes(release)] == ["development", "production"]
            assert (shop.titles(), shop.titles("production")) == (["Flaghoist: everyone"], ["Flaghoist: everyone"])
            assert shop.outage() is None

    asyncio.run(scenario())


def test_outage_of_the_database_after_the_call_is_made_up_for(postgresql_url: str, unleash: UnleashServer) -> None:
    database, switch = Database(postgresql_url), DatabaseSwitch(postgresql_url)

    async def scenario() -> None:
        async with running(database, unleash) as (harness, shop):
            harness.world.publish(pipeline(stage("Development")))
            release = await add(harness, shop)
            cut_off = Event()

            def cut(write: int) -> None:
                if write == 2:
                    switch.off()
                    cut_off.set()

            shop.api.after = cut
            async with harness.worker(systems=shop.systems):
                await wait_until("a change that was made", cut_off.is_set)
                shop.lives()
                await asyncio.to_thread(switch.on)
                await harness.until(release, "completed")

            assert shop.api.writes == 2, "nothing was done twice"
            [change] = harness.changes(release)
            assert change.changed_anything

    asyncio.run(scenario())
    database.close()
