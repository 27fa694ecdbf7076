"""Stages per second of releases that are all due at once, beside bare workflows whose activities commit the same, or do nothing.

`python -m benchmarks.stages` measures, `--quick` only shows that it works, `--write` keeps the numbers in benchmarks/results.json.
"""

import time
from datetime import timedelta
from typing import Any

from benchmarks.results import spread
from benchmarks.running import Turn, main
from benchmarks.stack import Stack
from benchmarks.workloads import ACTIVITIES, RELEASES, Asleep, Workloads, until_closed, until_due

STAGES = 3
TURNS = 9
LANES = (RELEASES, *ACTIVITIES)
"""What is measured, in turns."""


async def measure(stack: Stack, quick: bool, turn: Turn) -> dict[str, Any]:
    """Alternate product and floors."""
    number, rounds = (3, 1) if quick else (300, 3)
    lanes = Workloads(stack, STAGES, margin=0.3 if quick else 3)
    rates: dict[str, list[float]] = {lane: [] for lane in LANES}
    last: dict[str, Asleep] = {}
    for n in range(rounds):
        for lane in LANES:
            turn(f"round {n + 1}, {lane}")
            rate, last[lane] = await _climb(stack, lanes, lane, number)
            rates[lane].append(rate)
    ours = rates["releases"]
    return {
        "releases": number,
        "stages": STAGES,
        "rounds": rounds,
        "per_second": {lane: spread(rates[lane], 1) for lane in LANES},
        "ratio": {lane: spread([a / b for a, b in zip(ours, rates[lane], strict=True)]) for lane in LANES[1:]},
        "history": {lane: await history(stack, each) for lane, each in last.items()},
    }


async def _climb(stack: Stack, lanes: Workloads, lane: str, number: int) -> tuple[float, Asleep]:
    due, asleep = await lanes.put_to_sleep(lane, [timedelta()] * number)
    began = await until_due(due)
    await until_closed(stack, asleep)
    return number * STAGES / (time.perf_counter() - began), asleep[-1]


async def history(stack: Stack, asleep: Asleep) -> dict[str, float]:
    """Temporal's events and bytes of a whole workflow, and what one stage more takes of them."""
    info = (await stack.client.get_workflow_handle(asleep.workflow_id).describe()).raw_description.workflow_execution_info
    return {"events": info.history_length, "bytes": info.history_size_bytes}


if __name__ == "__main__":
    main({"stages": (measure, TURNS)}, __doc__)
