"""The time from a metric that shows harm to the flag served as before, and what it costs to watch a thousand releases.

`python -m benchmarks.watching` measures, `--quick` only checks that it works, `--write` saves the numbers in benchmarks/results.json.
"""

import asyncio
import random
import tempfile
import time
from collections.abc import Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import psutil

from benchmarks.results import percentile
from benchmarks.running import Scale, Turn, main
from benchmarks.stack import Stack
from benchmarks.workloads import new_features, until_started
from tests.e2e.stack import Process
from tests.http import OWNER_KEY, Api
from tests.metrics.prometheus_server import PrometheusServer, running_prometheus
from tests.pipelines import enable, hold, pipeline, stage
from tests.waiting import wait_until

TURNS = 4
FAST = 5
"""Seconds between two samples where the time to a rollback is measured."""
SLOW = 30
"""Seconds between two samples where the cost is measured."""
POLL_SECONDS = 0.05
GOOD, BAD = 0.001, 0.5


async def measure(stack: Stack, scale: Scale, turn: Turn) -> dict[str, Any]:
    """Measure both on one stack, with a real Prometheus that scrapes each second."""
    breaches, watched, seconds = scale.pick((3, 10, 3), (60, 1_000, 60), (200, 1_000, 120))
    with tempfile.TemporaryDirectory(prefix="flaghoist-bench-") as folder, running_prometheus(Path(folder)) as prometheus:
        shop = await asyncio.to_thread(_Shop, stack, prometheus)
        turn(f"{breaches} breaches")
        features = await shop.soak("fast", FAST, breaches)
        restored = await shop.breach(features, spread_over=seconds)
        turn("breaches without Temporal")
        features = await shop.soak("without-temporal", FAST, max(2, breaches // 4))
        stack.temporal.kill()
        without_temporal = await shop.breach(features, spread_over=seconds / 4)
        stack.temporal.start()
        await asyncio.to_thread(_wait_for_temporal, stack)
        turn(f"{watched:,} watched")
        await shop.soak("slow", SLOW, watched)
        await asyncio.sleep(seconds / 2)  # Until what adding them has caused is over.
        cpu = await asyncio.to_thread(_cpu, {"worker": stack.worker, "temporal": stack.temporal}, seconds)
    return {
        "breaches": breaches,
        "interval": FAST,
        "restored_p50": round(percentile(restored, 50), 2),
        "restored_p99": round(percentile(restored, 99), 2),
        "without_temporal_p50": round(percentile(without_temporal, 50), 2),
        "without_temporal_p99": round(percentile(without_temporal, 99), 2),
        "watched": watched,
        "watched_interval": SLOW,
        "cpu_percent": {name: round(value, 1) for name, value in cpu.items()},
    }


class _Shop:
    """The project, its metric, and an application that asks for its flags."""

    def __init__(self, stack: Stack, prometheus: PrometheusServer) -> None:
        self.stack = stack
        self.prometheus = prometheus
        self.values: dict[str, float] = {}
        with _api(stack) as api:
            api.post("/projects/shop/sources", _named("prometheus", kind="prometheus", address=prometheus.address))
            api.post("/projects/shop/metrics", _named("errors", source="prometheus", query='errors{flag="{feature}"}', max_age="10s"))
            self.key = api.get("/projects/shop/environments/production")["client_key"]

    async def soak(self, key: str, every: int, number: int) -> list[str]:
        """Add releases that change production and then soak, and return once each has a passing sample."""
        self.stack.world.publish(_guarded(key, every))
        features = await asyncio.to_thread(new_features, self.stack, number)
        self.values |= dict.fromkeys(features, GOOD)
        await asyncio.to_thread(self._expose, features[-1])
        with _api(self.stack) as api:
            for feature in features:
                await asyncio.to_thread(api.post, "/projects/shop/releases", {"feature": feature, "pipeline": key})
        await until_started(self.stack)
        await wait_until("a passing sample of each", lambda: not self._unwatched(features), seconds=600, interval=0.5)
        return features

    async def breach(self, features: Sequence[str], spread_over: float) -> list[float]:
        """Let the metric of each flag show harm, one after the other, and return the seconds until each is served as before."""
        began: dict[str, float] = {}
        ended: dict[str, float] = {}
        seeing = asyncio.create_task(self._see(set(features), began, ended))
        for feature in features:
            await asyncio.sleep(random.expovariate(len(features) / spread_over))
            self.values[feature] = BAD
            self.prometheus.exporter.set(*self._lines())
            began[feature] = time.perf_counter()
        await asyncio.wait_for(seeing, 300)
        return [ended[each] - began[each] for each in features]

    async def _see(self, waiting: set[str], began: dict[str, float], ended: dict[str, float]) -> None:
        """Ask for all flags again and again, as a connected application does."""
        async with httpx.AsyncClient(base_url=self.stack.address, headers={"Authorization": f"Bearer {self.key}"}, timeout=10) as client:
            while waiting:
                with suppress(httpx.TransportError):
                    answer = await client.post("/ofrep/v1/evaluate/flags", json={"context": {"targetingKey": "u1"}})
                    off = {each["key"] for each in answer.json()["flags"] if each.get("reason") == "DISABLED"}
                    for feature in waiting & off & began.keys():
                        ended[feature] = time.perf_counter()
                    waiting -= ended.keys()
                await asyncio.sleep(POLL_SECONDS)

    def _expose(self, last: str) -> None:
        self.prometheus.expose(*self._lines(), until=f'errors{{flag="{last}"}}')

    def _lines(self) -> list[str]:
        return [f'errors{{flag="{flag}"}} {value}' for flag, value in self.values.items()]

    def _unwatched(self, features: Sequence[str]) -> int:
        """Return how many of these flags have no passing sample yet."""
        with self.stack.database.reading() as store:
            releases = [each for each in store.releases.unfinished_in(self.stack.world.project.id) if each.feature in set(features)]
            passing = [
                each for each in releases if any(seen.outcome == "pass" for seen in store.evidence.observed(each.id, each.visit).values())
            ]
        return len(features) - len(passing)


def _guarded(key: str, every: int) -> dict[str, Any]:
    condition = {"type": "THRESHOLD", "at_most": 0.01}
    guardrail = {"name": "Errors", "metric": "errors", "condition": condition, "stages": ["Soak"], "on_breach": "rollback"}
    stages = stage("Production", "production", actions=[enable()]), hold("Soak", "1d")
    return pipeline(*stages, key=key, guardrails=[guardrail | {"every": f"{every}s", "failures": 1}])


def _named(key: str, **more: Any) -> dict[str, Any]:
    return {"key": key, "name": key, **more}


@contextmanager
def _api(stack: Stack) -> Any:
    api = Api(stack.address, OWNER_KEY)
    try:
        yield api
    finally:
        api.close()


def _wait_for_temporal(stack: Stack) -> None:
    with _api(stack) as api:
        api.wait_until_ready()


def _cpu(processes: dict[str, Process], seconds: float) -> dict[str, float]:
    """Return the processor time that each process takes, in percent of one processor."""
    running = {name: psutil.Process(each.running.pid) for name, each in processes.items() if each.running}
    before = {name: sum(each.cpu_times()[:2]) for name, each in running.items()}
    time.sleep(seconds)
    return {name: 100 * (sum(each.cpu_times()[:2]) - before[name]) / seconds for name, each in running.items()}


if __name__ == "__main__":
    main({"watching": (measure, TURNS)}, __doc__)
