"""Stages per second of releases whose payloads are encrypted, compared with the same in clear, by turns on one Temporal server.

`python -m benchmarks.encryption` measures, `--quick` only checks that it works, `--write` saves the numbers in benchmarks/results.json.
"""

import asyncio
import time
from datetime import timedelta
from typing import Any

import psutil
from temporalio.client import Client

from activities.providers.sealing import new_secret_key
from benchmarks.results import spread
from benchmarks.running import Scale, Turn, main
from benchmarks.stack import Stack
from benchmarks.stages import history
from benchmarks.workloads import RELEASES, Workloads, until_closed, until_due
from tests.http import OWNER_KEY, Api
from workflows.payloads import data_converter

STAGES = 3
ROUNDS = 5
CLEAR, ENCRYPTED = "in clear", "encrypted"
TURNS = 2 * ROUNDS


async def measure(stack: Stack, scale: Scale, turn: Turn) -> dict[str, Any]:
    """Alternate between encrypted releases and others, and begin each round with the other kind."""
    number, rounds = scale.pick((3, 1), (200, ROUNDS), (300, ROUNDS))
    keys, margin = {CLEAR: "", ENCRYPTED: new_secret_key()}, scale.pick(0.3, 3, 3)
    measured: dict[str, list[dict[str, float]]] = {kind: [] for kind in keys}
    for n in range(rounds):
        for kind in sorted(keys, reverse=n % 2 == 1):
            turn(f"round {n + 1}, {kind}")
            await _restart(stack, keys[kind])
            measured[kind].append(await _climb(stack, Workloads(stack, STAGES, margin), number))
    await _restart(stack, "")
    clear, encrypted = ([each["per_second"] for each in measured[kind]] for kind in (CLEAR, ENCRYPTED))
    return {
        "releases": number,
        "stages": STAGES,
        "rounds": rounds,
        "ratio": spread([b / a for a, b in zip(clear, encrypted, strict=True)]),
        "kinds": {kind: {name: spread([each[name] for each in rows], 1) for name in rows[0]} for kind, rows in measured.items()},
    }


async def _restart(stack: Stack, keys: str) -> None:
    """Restart API and worker with these payload keys."""
    for process in (stack.worker, stack.api_process):
        process.kill()
        process.environment["FLAGHOIST_PAYLOAD_KEYS"] = keys
        process.start()
    address = f"127.0.0.1:{stack.settings.temporal_port}"
    stack.client = await Client.connect(address, data_converter=data_converter([keys] if keys else []))
    api = Api(stack.address, OWNER_KEY)
    await asyncio.to_thread(api.wait_until_ready)
    api.close()


async def _climb(stack: Stack, workloads: Workloads, number: int) -> dict[str, float]:
    due, asleep = await workloads.put_to_sleep(RELEASES, [timedelta()] * number)
    began, before = await until_due(due), _cpu(stack)
    await until_closed(stack, asleep)
    seconds, stages = time.perf_counter() - began, number * STAGES
    cpu = {name: (after - before[name]) * 1000 / stages for name, after in _cpu(stack).items()}
    size = (await history(stack, asleep[-1]))["bytes"] / STAGES
    return {"per_second": stages / seconds, "worker_cpu_ms": cpu["worker"], "temporal_cpu_ms": cpu["temporal"], "bytes": size}


def _cpu(stack: Stack) -> dict[str, float]:
    processes = {"worker": stack.worker, "temporal": stack.temporal}
    times = {name: psutil.Process(each.running.pid).cpu_times() for name, each in processes.items() if each.running}
    return {name: each.user + each.system for name, each in times.items()}


if __name__ == "__main__":
    main({"encryption": (measure, TURNS)}, __doc__)
