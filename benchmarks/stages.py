"""Stages per second of releases that are all due at once, compared with baseline workflows.

`python -m benchmarks.stages` measures, `--quick` only checks that it works, `--write` saves the numbers in benchmarks/results.json.
"""

import time
from datetime import timedelta
from typing import Any

from benchmarks.results import spread
from benchmarks.running import Scale, Turn, main
from benchmarks.stack import Stack
from benchmarks.workloads import ACTIVITIES, RELEASES, Asleep, Workloads, until_closed, until_due

STAGES = 3
TURNS = 9
WORKLOADS = (RELEASES, *ACTIVITIES)
"""The workloads that take turns."""


async def measure(stack: Stack, scale: Scale, turn: Turn) -> dict[str, Any]:
    """Alternate between product and baselines."""
    number, rounds = scale.pick((3, 1), (120, 3), (300, 3))
    workloads = Workloads(stack, STAGES, margin=scale.pick(0.3, 3, 3))
    rates: dict[str, list[float]] = {workload: [] for workload in WORKLOADS}
    last: dict[str, Asleep] = {}
    for n in range(rounds):
        for workload in WORKLOADS:
            turn(f"round {n + 1}, {workload}")
            rate, last[workload] = await _climb(stack, workloads, workload, number)
            rates[workload].append(rate)
    ours = rates["releases"]
    return {
        "releases": number,
        "stages": STAGES,
        "rounds": rounds,
        "per_second": {workload: spread(rates[workload], 1) for workload in WORKLOADS},
        "ratio": {workload: spread([a / b for a, b in zip(ours, rates[workload], strict=True)]) for workload in WORKLOADS[1:]},
        "history": {workload: await history(stack, each) for workload, each in last.items()},
    }


async def _climb(stack: Stack, workloads: Workloads, workload: str, number: int) -> tuple[float, Asleep]:
    due, asleep = await workloads.put_to_sleep(workload, [timedelta()] * number)
    began = await until_due(due)
    await until_closed(stack, asleep)
    return number * STAGES / (time.perf_counter() - began), asleep[-1]


async def history(stack: Stack, asleep: Asleep) -> dict[str, float]:
    """Return the number of events and the bytes of a workflow's whole history."""
    info = (await stack.client.get_workflow_handle(asleep.workflow_id).describe()).raw_description.workflow_execution_info
    return {"events": info.history_length, "bytes": info.history_size_bytes}


if __name__ == "__main__":
    main({"stages": (measure, TURNS)}, __doc__)
