"""Hearing Temporal's clock from the times at which it has seen a worker poll."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from activities.guarding.sampling import Sampler
from activities.watch import WatchActivities
from domain.system import TemporalStatus, WorkerSeen
from tests.scripted_metrics import ScriptedMetrics
from tests.world import World
from workflows.service import clock_listener
from workflows.service.clock_listener import hear_clock

EARLIER, NOW = datetime(2040, 1, 1, 12, tzinfo=UTC), datetime(2040, 1, 1, 12, 4, tzinfo=UTC)
DOWN = TemporalStatus()


def seen(at: datetime) -> TemporalStatus:
    return TemporalStatus(
        reachable=True, workers=(WorkerSeen(identity="me", seen_at=at), WorkerSeen(identity="another", seen_at=NOW + timedelta(days=1)))
    )


@pytest.mark.parametrize(
    ("before", "answers"),
    [
        (TemporalStatus(reachable=True), [seen(NOW)]),
        (seen(EARLIER), [seen(EARLIER), DOWN, seen(EARLIER), seen(NOW)]),
        (DOWN, [DOWN, seen(EARLIER), seen(NOW)]),
    ],
    ids=["new", "another process had the same name", "Temporal was down"],
)
def test_time_is_that_of_the_first_poll_seen_to_happen(
    world: World, monkeypatch: pytest.MonkeyPatch, before: TemporalStatus, answers: list[TemporalStatus]
) -> None:
    monkeypatch.setattr(clock_listener, "INTERVAL", 0)
    left = iter(answers)

    async def health() -> TemporalStatus:
        return next(left)

    releases: Any = SimpleNamespace(client=SimpleNamespace(identity="me"), health=health)
    with ThreadPoolExecutor(1) as threads:
        watches = WatchActivities(world.database, Sampler(ScriptedMetrics()), threads)
        asyncio.run(hear_clock(releases, watches, before))

    assert watches.clock
    assert watches.clock.heard == NOW
