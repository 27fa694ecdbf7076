"""The health check of Temporal and its workers, and its cache."""

import asyncio
import socket
import time
from datetime import UTC, datetime

import pytest

from activities.store.database import Database
from domain.system import TemporalStatus
from tests.ports import free_port
from tests.waiting import wait_until
from tests.workflows.harness import dev_server_harness
from workflows.service.client import ReleaseClient
from workflows.service.connection import ENVIRONMENT
from workflows.service.temporal_health import TemporalHealth


class FakeCheck:
    """Returns prepared answers after a moment, and counts its calls."""

    def __init__(self, *answers: TemporalStatus | Exception) -> None:
        self.answers = list(answers)
        self.calls = 0

    async def check(self) -> TemporalStatus:
        self.calls += 1
        await asyncio.sleep(0.05)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


UP, DOWN = TemporalStatus(reachable=True, version="1.32.0"), TemporalStatus()


def test_worker_is_reported_once_it_polls(sqlite: Database) -> None:
    async def scenario() -> None:
        async with dev_server_harness(sqlite) as harness:

            async def reachable() -> TemporalStatus | None:
                status = await harness.releases.health()
                return status if status.reachable else None

            async def with_workers() -> TemporalStatus | None:
                status = await harness.releases.health()
                return status if status.workers else None

            before = await wait_until("Temporal to be reachable", reachable)
            async with harness.worker(identity="7@here"):
                after = await wait_until("the worker", with_workers)

            assert before.workers == ()
            assert before.version
            assert [worker.identity for worker in after.workers] == ["7@here"]
            assert after.at_work(datetime.now(UTC)) == 1

    asyncio.run(scenario())


def test_missing_namespace_counts_as_unreachable(sqlite: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        async with dev_server_harness(sqlite) as harness:
            monkeypatch.setenv("TEMPORAL_ADDRESS", harness.env.client.service_client.config.target_host)
            monkeypatch.setenv("TEMPORAL_NAMESPACE", "elsewhere")
            assert await ReleaseClient(await ENVIRONMENT.connect()).health() == DOWN

    asyncio.run(scenario())


def test_check_of_a_temporal_that_is_down_or_silent_gives_up_early(monkeypatch: pytest.MonkeyPatch) -> None:
    async def seconds_until_given_up(address: str) -> float:
        monkeypatch.setenv("TEMPORAL_ADDRESS", address)
        releases = ReleaseClient(await ENVIRONMENT.connect())
        began = time.monotonic()
        assert await releases.health() == DOWN
        return time.monotonic() - began

    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(50)
        for address in (f"127.0.0.1:{free_port()}", f"127.0.0.1:{silent.getsockname()[1]}"):
            assert asyncio.run(seconds_until_given_up(address)) < 10, "without its timeout, the check of a silent server takes 30 s"


def test_concurrent_and_repeated_callers_share_one_check() -> None:
    async def scenario() -> None:
        fake = FakeCheck(UP, DOWN)
        health = TemporalHealth(fake.check, ttl=3600)

        concurrent = await asyncio.gather(*(health.get() for _ in range(20)), asyncio.to_thread(health.get_from_thread))
        soon = await health.get()

        assert [*concurrent, soon] == [UP] * 22
        assert fake.calls == 1

    asyncio.run(scenario())


def test_expired_status_is_checked_again() -> None:
    async def scenario() -> None:
        fake = FakeCheck(UP, DOWN)
        health = TemporalHealth(fake.check, ttl=0.01)

        first = await health.get()
        await asyncio.sleep(0.02)
        second = await health.get()

        assert (first, second, fake.calls) == (UP, DOWN, 2)

    asyncio.run(scenario())


def test_reason_of_a_rejection_is_repeated_for_a_while_and_forgotten_once_temporal_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    rejected = TemporalStatus(rejection="The client certificate has expired.")

    async def scenario(*answers: TemporalStatus) -> list[TemporalStatus]:
        health = TemporalHealth(FakeCheck(*answers).check, ttl=-1)
        return [await health.get() for _ in answers]

    assert asyncio.run(scenario(DOWN, rejected, DOWN, DOWN)) == [DOWN, rejected, rejected, rejected]
    assert asyncio.run(scenario(rejected, UP, DOWN)) == [rejected, UP, DOWN]
    monkeypatch.setattr("workflows.service.temporal_health.REJECTION_TTL", 0.01)
    assert asyncio.run(scenario(rejected, DOWN)) == [rejected, DOWN]


def test_caller_that_is_cancelled_does_not_cancel_the_check_for_others() -> None:
    async def scenario() -> None:
        health = TemporalHealth(FakeCheck(UP).check)
        leaves, stays = asyncio.create_task(health.get()), asyncio.create_task(health.get())
        await asyncio.sleep(0)

        leaves.cancel()

        assert await stays == UP

    asyncio.run(scenario())


def test_failed_check_is_repeated() -> None:
    async def scenario() -> None:
        health = TemporalHealth(FakeCheck(OSError("no"), UP).check)

        with pytest.raises(OSError, match="no"):
            await health.get()

        assert await health.get() == UP

    asyncio.run(scenario())
