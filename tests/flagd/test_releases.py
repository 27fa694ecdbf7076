"""Whole releases on files for flagd, with a real Temporal and a real worker, as flagd's evaluators see them."""

import asyncio
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import Client

from activities.commands.connections import connect_project
from activities.dns import Resolver
from activities.providers.connection_check import check_connection
from activities.providers.elsewhere import FlagsElsewhere
from activities.providers.sealing import Sealer
from activities.providers.systems import FlagSystems
from activities.store.database import Database
from domain.errors import Invalid
from domain.flags.connection import Connection
from domain.flags.flag import FeatureType
from domain.flags.provider import ProviderKind
from domain.releases.control import Control
from domain.releases.release import Release
from tests.activities.acting import roll_back
from tests.flagd.evaluators import EVALUATORS, Question
from tests.flagd.files import COLOUR, FLAGS, TOGGLE, write
from tests.flagd.repositories import Remote
from tests.pipelines import allocate, enable, pipeline, rollout, set_value, stage
from tests.workflows.controls import send
from tests.workflows.harness import Harness, dev_server_harness
from tests.world import NOW, World, make_world
from workflows.payloads import DATA_CONVERTER

PEOPLE = [{"targetingKey": f"user-{number}"} for number in range(400)]


def systems_in(root: Path) -> FlagSystems:
    """Flag systems that may use the folders in that one."""
    return FlagSystems(Sealer(), Resolver(allow_private=False), root)


def connect(world: World, systems: FlagSystems, folder: str = "shop") -> FlagsElsewhere:
    """Connect the world's project to a folder, as the API does."""
    with world.database.transaction() as store:
        for feature in store.features.all(world.project.id):
            store.features.delete(feature.id, NOW)
        for segment in store.segments.all(world.project.id):
            store.segments.delete(segment.id, NOW)
        for environment in store.environments.all(world.project.id):
            store.environments.delete(environment.id, NOW)
    checked = check_connection(systems, Connection(kind=ProviderKind.FLAGD, address=folder), None, None)
    checked.check_passed()
    with world.database.transaction() as store:
        connect_project(store, world.caller, world.project, checked, NOW)
        world.project = store.projects.get(world.project.key)
    elsewhere = FlagsElsewhere(world.database, systems)
    elsewhere.refresh_lists(world.project)
    return elsewhere


async def add(harness: Harness, elsewhere: FlagsElsewhere, feature: str) -> Release:
    """Add a flag, and start its workflow."""
    await asyncio.to_thread(elsewhere.refresh, harness.world.project, feature)
    return await harness.add(feature=feature)


def served(path: Path, feature: str, fallback: Any, people: list[dict[str, Any]]) -> list[Any]:
    """Return what flagd's evaluator for Python gives to each of these people."""
    return served_by(path.read_text(), feature, fallback, people)


def served_by(file: str, feature: str, fallback: Any, people: list[dict[str, Any]]) -> list[Any]:
    """Return the same for the text of a file."""
    kind = FeatureType.TOGGLE if isinstance(fallback, bool) else FeatureType.STRING
    return EVALUATORS["Python"](file, [Question(feature, kind, fallback, each) for each in people])


def test_progressive_rollout_climbs_and_the_evaluator_sees_each_step(database: Database, tmp_path: Path) -> None:
    folder = tmp_path / "shop"
    folder.mkdir()
    development, production = (write(folder, environment) for environment in ("development", "production"))
    others = json.loads(production.read_text())["flags"]["limit"]

    async def scenario() -> None:
        async with dev_server_harness(database) as harness:
            systems = systems_in(tmp_path)
            elsewhere = await asyncio.to_thread(connect, harness.world, systems)
            harness.world.publish(
                pipeline(
                    stage("Development"),
                    stage("Staff", "production", "1s", [enable("staff")]),
                    stage("Everyone", "production", "1s", [rollout(25, 40, "3s")]),
                )
            )
            release = await add(harness, elsewhere, "checkout")
            shares = list[set[int]]()
            async with harness.worker(systems=systems):
                await harness.until_changes(release, 2)
                assert all(served(development, "checkout", False, PEOPLE))
                assert served(production, "checkout", False, [{"targetingKey": "a", "group": "board"}]) == [True]
                for changes in (3, 4, 5):
                    await harness.until_changes(release, changes)
                    found = await asyncio.to_thread(served, production, "checkout", False, PEOPLE)
                    shares.append({number for number, enabled in enumerate(found) if enabled})
                await harness.until(release, "completed")

            first, second, third = shares
            assert first < second < third == set(range(len(PEOPLE)))
            assert 60 <= len(first) <= 140, "a quarter"

    asyncio.run(scenario())
    assert json.loads(production.read_text())["flags"]["limit"] == others


def test_value_is_launched_and_rolled_back(sqlite: Database, tmp_path: Path) -> None:
    folder = tmp_path / "shop"
    folder.mkdir()
    production = write(folder)
    before = production.read_text()

    async def scenario() -> None:
        async with dev_server_harness(sqlite) as harness:
            systems = systems_in(tmp_path)
            elsewhere = await asyncio.to_thread(connect, harness.world, systems)
            harness.world.publish(
                pipeline(stage("Launch", "production", actions=[enable(), set_value("blue")]), stage("Watch", "production", "7d"))
            )
            release = await add(harness, elsewhere, "colour")
            async with harness.worker(systems=systems):
                await harness.until_changes(release, 1)
                assert served(production, "colour", "own", PEOPLE[:3]) == ["blue"] * 3
                roll_back(harness.world, release)
                await harness.run_outbox()
                await harness.until(release, "rolled_back")
            assert served(production, "colour", "own", PEOPLE[:3]) == ["own"] * 3

    asyncio.run(scenario())
    assert json.loads(production.read_text())["flags"]["limit"] == json.loads(before)["flags"]["limit"]


def test_two_workers_and_a_person_work_on_one_repository_at_once(database: Database, tmp_path: Path) -> None:
    remote = Remote(tmp_path, flags={f"flag-{number}": TOGGLE for number in range(4)} | {"limit": FLAGS["limit"]})

    async def scenario() -> None:
        async with dev_server_harness(database) as harness:
            first, second = systems_in(tmp_path), systems_in(tmp_path)
            elsewhere = await asyncio.to_thread(connect, harness.world, first, remote.address)
            harness.world.publish(
                pipeline(stage("Staging", "staging"), stage("Half", "production", "1s", [rollout(50, 50, "1s")]), name="Progressive")
            )
            address = harness.env.client.service_client.config.target_host
            client = await Client.connect(address, data_converter=DATA_CONVERTER)
            async with harness.worker(systems=first), harness.worker(systems=second, client=client):
                releases = [await add(harness, elsewhere, f"flag-{number}") for number in range(4)]
                for value in ("many", "few", "many"):
                    await asyncio.to_thread(remote.by_hand, "limit", {"defaultVariant": value})
                for release in releases:
                    await harness.until(release, "completed")
            first.close()
            second.close()

    asyncio.run(scenario())
    subjects = remote.subjects()
    for number in range(4):
        assert all(served_by(remote.text(), f"flag-{number}", False, PEOPLE))
        assert all(served_by(remote.text("staging"), f"flag-{number}", False, PEOPLE))
        assert subjects.count(f"Change flag-{number} in staging") == 1
        assert subjects.count(f"Change flag-{number} in production") == 2
    assert subjects.count("Change limit by hand") == 3
    assert len(subjects) == 16
    assert remote.flag("limit") == FLAGS["limit"] | {"defaultVariant": "many"}


def test_variants_are_allocated_shipped_and_rolled_back(sqlite: Database, tmp_path: Path) -> None:
    folder = tmp_path / "shop"
    folder.mkdir()
    production = write(folder)

    async def scenario() -> None:
        async with dev_server_harness(sqlite) as harness:
            systems = systems_in(tmp_path)
            elsewhere = await asyncio.to_thread(connect, harness.world, systems)
            harness.world.publish(
                pipeline(
                    stage("Split", "production", actions=[enable(), allocate({"blue": 10, "green": 10})]),
                    stage("More", "production", "24h", [allocate({"blue": 30, "green": 30})]),
                    stage("Ship", "production", "24h", [allocate({"blue": 100})]),
                    stage("Stay", "production", "24h", []),
                )
            )
            release = await add(harness, elsewhere, "colour")
            seen = list[list[str]]()
            async with harness.worker(systems=systems):
                for ahead in ("More", "Ship", "Stay"):
                    waiting = await harness.until(release, "running", stage=ahead)
                    seen.append(await asyncio.to_thread(served, production, "colour", "own", PEOPLE))
                    if ahead != "Stay":
                        await harness.until_timer_set(waiting)
                        await send(harness, waiting, Control.ADVANCE)
                roll_back(harness.world, release)
                await harness.run_outbox()
                await harness.until(release, "rolled_back")

            first, second, third = seen
            assert {(old, new) for old, new in zip(first, second, strict=True) if old != new} == {("red", "blue"), ("red", "green")}
            assert set(third) == {"blue"}
            assert served(production, "colour", "own", PEOPLE[:3]) == ["own"] * 3

    asyncio.run(scenario())
    assert "fractional" not in production.read_text()


def test_variants_of_the_files_are_those_of_the_feature(sqlite: Database, tmp_path: Path) -> None:
    folder = tmp_path / "shop"
    folder.mkdir()
    write(folder)
    world = make_world(sqlite)
    elsewhere = connect(world, systems_in(tmp_path))

    def keys(feature: str) -> list[str]:
        with sqlite.reading() as store:
            return [each.key for each in store.features.get(feature, world.project.id).variants]

    assert (keys("colour"), keys("checkout")) == (["red", "blue", "green"], [])
    write(folder, flags=FLAGS | {"colour": COLOUR | {"variants": {"red": "red", "Loud": "LOUD", "control": "c"}}})
    elsewhere.refresh_lists(world.project, ttl=timedelta(0))

    assert keys("colour") == ["red"], "names in capitals and reserved ones can't be allocated"


@pytest.mark.parametrize("address", ["..", "/etc", "../other", "shop/../../other", "link"])
def test_folder_outside_is_refused(sqlite: Database, tmp_path: Path, address: str) -> None:
    root, other = tmp_path / "root", tmp_path / "other"
    for each in (root, other):
        each.mkdir()
        write(each)
    (root / "link").symlink_to(other)

    checked = check_connection(systems_in(root), Connection(kind=ProviderKind.FLAGD, address=address), None, None)

    with pytest.raises(Invalid, match="is no folder inside the one that FLAGHOIST_FLAGD_FOLDER names"):
        checked.check_passed()


def test_folders_are_off_without_the_setting() -> None:
    systems = FlagSystems(Sealer(), Resolver(allow_private=False))

    checked = check_connection(systems, Connection(kind=ProviderKind.FLAGD, address="shop"), None, None)

    with pytest.raises(Invalid, match="FLAGHOIST_FLAGD_FOLDER"):
        checked.check_passed()
