"""Measures what releases cost in one build, and prints the figures as JSON.

`benchmarks.against` runs this file with the code of each build. It imports from that build, whose benchmarks may have other names.
"""

import argparse
import asyncio
import json
import signal
import statistics
import tempfile
import time
from datetime import UTC, datetime, timedelta
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil

from benchmarks.stack import Stack, running
from tests.pipelines import pipeline, set_value, stage

RELEASES, NOTHING = "releases", "nothing"
STAGES = 3
PROCESSES = ("worker", "temporal")
SIZES = SimpleNamespace(at_once=300, burst=300, overdue=1_000)
QUICK = SimpleNamespace(at_once=3, burst=3, overdue=3)


def _workloads() -> Any:
    try:
        return import_module("benchmarks.workloads")
    except ModuleNotFoundError:  # an older build
        return import_module("benchmarks.lanes")


builds = _workloads()
Workloads = getattr(builds, "Workloads", None) or builds.Lanes


async def measure(stack: Stack, sizes: SimpleNamespace, margin: float, *, at_once_only: bool) -> dict[str, float]:
    """Measure everything on one stack, one after the other, or only what is due at once."""
    figures = {"idle API and worker, MB": _resident(stack)}
    climb = Workloads(stack, STAGES, margin)
    figures |= await _climb(stack, climb, sizes.at_once)
    floor = await _rate(stack, climb, NOTHING, sizes.at_once)
    figures["stages per second, to a baseline workflow that does nothing"] = figures["stages per second"] / floor
    if at_once_only:
        return figures
    figures |= await _with_waits(stack)
    single = Workloads(stack, 1, margin)
    return figures | await _burst(stack, single, sizes.burst) | await _recovery(stack, single, sizes.overdue, margin)


def _resident(stack: Stack) -> float:
    return sum(size for name, size in stack.resident().items() if name != "temporal") / 2**20


async def _climb(stack: Stack, workloads: Any, number: int) -> dict[str, float]:
    due, asleep = await workloads.put_to_sleep(RELEASES, [timedelta()] * number)
    began, before = await builds.until_due(due), _cpu(stack)
    await builds.until_closed(stack, asleep)
    seconds, stages = time.perf_counter() - began, number * STAGES
    cpu = {name: (after - before[name]) * 1000 / stages for name, after in _cpu(stack).items()}
    return {
        "stages per second": stages / seconds,
        "CPU of worker and Temporal per stage, ms": sum(cpu.values()),
        **{f"CPU of {name} per stage, ms": value for name, value in cpu.items()},
        **await _history(stack, asleep[-1].workflow_id, "due at once"),
    }


async def _rate(stack: Stack, workloads: Any, workload: str, number: int) -> float:
    due, asleep = await workloads.put_to_sleep(workload, [timedelta()] * number)
    began = await builds.until_due(due)
    await builds.until_closed(stack, asleep)
    seconds: float = time.perf_counter() - began
    return number * STAGES / seconds


async def _with_waits(stack: Stack) -> dict[str, float]:
    """Run one release that waits for a second before each stage."""
    climb = Workloads(stack, STAGES, 0)
    stages = [stage(f"Stage {n}", "staging", "1s", actions=[set_value(f"value {n}")]) for n in range(STAGES)]
    climb.key = f"{climb.key}-waits"
    stack.world.publish(pipeline(*stages, key=climb.key, parameters={"launch_at": {"type": "datetime"}}))
    asleep = await climb.add([datetime.now(UTC)])
    await builds.until_closed(stack, asleep)
    return await _history(stack, asleep[0].workflow_id, "with waits")


async def _history(stack: Stack, workflow_id: str, kind: str) -> dict[str, float]:
    info = (await stack.client.get_workflow_handle(workflow_id).describe()).raw_description.workflow_execution_info
    return {
        f"events per stage, {kind}": info.history_length / STAGES,
        f"bytes of history per stage, {kind}": info.history_size_bytes / STAGES,
    }


async def _burst(stack: Stack, workloads: Any, number: int) -> dict[str, float]:
    due, asleep = await workloads.put_to_sleep(RELEASES, [timedelta()] * number)
    await builds.until_due(due)
    await builds.until_closed(stack, asleep)
    with stack.database.reading() as store:
        late = [(store.history.changes(each.release)[0].made_at - each.due_at).total_seconds() for each in asleep]
    return {f"lateness of {number} due in one second, p99 ms": statistics.quantiles(late, n=100)[-1] * 1000}


async def _recovery(stack: Stack, workloads: Any, number: int, margin: float) -> dict[str, float]:
    """Stop the worker before releases are due, and start it afterwards."""
    spare = timedelta(seconds=margin * 3)
    due, asleep = await workloads.put_to_sleep(RELEASES, [spare] * number)
    stack.worker.send(signal.SIGTERM)
    assert stack.worker.running
    await asyncio.to_thread(stack.worker.running.wait, 60)
    await builds.until_due(due + spare)
    stack.worker.start()
    began = time.perf_counter()
    await builds.until_closed(stack, asleep)
    return {f"recovery of {number:,} overdue, s": time.perf_counter() - began}


def _cpu(stack: Stack) -> dict[str, float]:
    processes = {name: getattr(stack, name).running.pid for name in PROCESSES}
    return {name: sum(psutil.Process(pid).cpu_times()[:2]) for name, pid in processes.items()}


async def main() -> None:
    """Measure on a fresh stack, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--at-once-only", action="store_true")
    options = parser.parse_args()
    sizes, margin = (QUICK, 1) if options.quick else (SIZES, 3)
    with tempfile.TemporaryDirectory(prefix="flaghoist-bench-") as folder:
        async with running(Path(folder)) as stack:
            print(f"\n{json.dumps(await measure(stack, sizes, margin, at_once_only=options.at_once_only), indent=2)}")


if __name__ == "__main__":
    asyncio.run(main())
