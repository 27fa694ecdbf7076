"""What Temporal tells of itself and of the workers, and how seldom it is asked."""

import asyncio
import socket
import time
from datetime import UTC, datetime

import pytest

from activities.store.database import Database
from domain.system import TemporalStatus
from tests.ports import free_port
from tests.waiting import CEILING, wait_until
from tests.workflows.harness import real_stand
from workflows.policies import CALL_TO_TEMPORAL
from workflows.service.client import ReleaseClient, connect
from workflows.service.temporal_health import TemporalHealth


class Watchman:
    """Answers after a while, and counts how often he was asked."""

    def __init__(self, *answers: TemporalStatus | Exception) -> None:
        self.answers = list(answers)
        self.asked = 0

    async def look(self) -> TemporalStatus:
        self.asked += 1
        await asyncio.sleep(0.05)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


UP, DOWN = TemporalStatus(reachable=True, version="1.32.0"), TemporalStatus()


def test_a_worker_is_seen_once_it_asks_for_work(sqlite: Database) -> None:
    async def story() -> None:
        async with real_stand(sqlite) as stand:
            before = await stand.releases.look()
            async with stand.worker(identity="7@here"):

                async def look() -> TemporalStatus | None:
                    found = await stand.releases.look()
                    return found if found.workers else None

                now = await wait_until("the worker to be seen", look)

            assert (before.reachable, before.workers) == (True, ())
            assert before.version
            assert [worker.identity for worker in now.workers] == ["7@here"]
            assert now.at_work(datetime.now(UTC)) == 1

    asyncio.run(story())


def test_a_namespace_that_does_not_exist_is_no_temporal_of_ours(sqlite: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    async def story() -> None:
        async with real_stand(sqlite) as stand:
            monkeypatch.setenv("TEMPORAL_ADDRESS", stand.env.client.service_client.config.target_host)
            monkeypatch.setenv("TEMPORAL_NAMESPACE", "elsewhere")
            assert await ReleaseClient(await connect()).look() == DOWN

    asyncio.run(story())


def test_a_temporal_that_is_down_or_silent_is_soon_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    async def seconds_until_given_up(address: str) -> float:
        monkeypatch.setenv("TEMPORAL_ADDRESS", address)
        releases = ReleaseClient(await connect())
        began = time.monotonic()
        assert await releases.look() == DOWN
        return time.monotonic() - began

    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(50)
        for address in (f"127.0.0.1:{free_port()}", f"127.0.0.1:{silent.getsockname()[1]}"):
            # Any other call to Temporal may take this long, and one without a limit would never return.
            assert asyncio.run(seconds_until_given_up(address)) < CALL_TO_TEMPORAL.total_seconds()


def test_those_who_ask_within_some_seconds_share_one_look() -> None:
    async def story() -> None:
        watchman = Watchman(UP)
        temporal_health = TemporalHealth(watchman.look, kept=CEILING)

        at_once = await asyncio.gather(*(temporal_health.ask() for _ in range(20)), asyncio.to_thread(temporal_health.ask_from_thread))
        soon = await temporal_health.ask()

        assert [*at_once, soon] == [UP] * 22
        assert watchman.asked == 1

    asyncio.run(story())


def test_a_look_is_taken_again_once_the_last_one_is_too_old() -> None:
    async def story() -> None:
        watchman = Watchman(UP, DOWN)
        temporal_health = TemporalHealth(watchman.look, kept=0.01)

        assert await temporal_health.ask() == UP
        await asyncio.sleep(0.02)
        assert (await temporal_health.ask(), watchman.asked) == (DOWN, 2)

    asyncio.run(story())


def test_one_who_goes_away_takes_nothing_from_the_others() -> None:
    async def story() -> None:
        temporal_health = TemporalHealth(Watchman(UP).look)
        leaves, stays = asyncio.create_task(temporal_health.ask()), asyncio.create_task(temporal_health.ask())
        await asyncio.sleep(0)

        leaves.cancel()

        assert await stays == UP

    asyncio.run(story())


def test_a_look_that_went_wrong_is_taken_again() -> None:
    async def story() -> None:
        temporal_health = TemporalHealth(Watchman(OSError("no"), UP).look)

        with pytest.raises(OSError, match="no"):
            await temporal_health.ask()

        assert await temporal_health.ask() == UP

    asyncio.run(story())
