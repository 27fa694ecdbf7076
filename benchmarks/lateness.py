"""The lateness of changes that are due at ten per second, or all in the same second, compared with baseline workflows.

`python -m benchmarks.lateness` measures, `--quick` only checks that it works, `--write` saves the numbers in benchmarks/results.json.
"""

from datetime import datetime, timedelta
from typing import Any

from benchmarks.results import percentile, spread
from benchmarks.running import Scale, Turn, main
from benchmarks.stack import Stack
from benchmarks.workloads import Asleep, Workloads, until_closed, until_due

TURNS = 12
WORKLOADS = ("releases", "same transaction")
PER_SECOND = 10


async def measure(stack: Stack, scale: Scale, turn: Turn) -> dict[str, Any]:
    """Alternate between product and baseline, for each distribution of due times."""
    rounds, spread_out, burst = scale.pick((1, 3, 3), (3, 80, 150), (3, 200, 300))
    workloads = Workloads(stack, 1, margin=scale.pick(0.3, 3, 3))
    return {
        "rounds": rounds,
        "ten_per_second": await _compare(workloads, [timedelta(seconds=1 / PER_SECOND) * n for n in range(spread_out)], rounds, turn),
        "same_second": await _compare(workloads, [timedelta()] * burst, rounds, turn),
    }


async def _compare(workloads: Workloads, offsets: list[timedelta], rounds: int, turn: Turn) -> dict[str, Any]:
    late: dict[str, list[list[float]]] = {workload: [] for workload in WORKLOADS}
    for n in range(rounds):
        for workload in WORKLOADS:
            turn(f"{len(offsets)} within {offsets[-1].total_seconds():.0f} s, round {n + 1}, {workload}")
            late[workload].append(await _lateness(workloads, workload, offsets))
    return {"changes_per_round": len(offsets)} | {workload: _summary(each) for workload, each in late.items()}


async def measure_lateness(workloads: Workloads, workload: str, offsets: list[timedelta], rounds: int) -> dict[str, Any]:
    """Return the lateness of one workload, in milliseconds."""
    return _summary([await _lateness(workloads, workload, offsets) for _ in range(rounds)])


async def _lateness(workloads: Workloads, workload: str, offsets: list[timedelta]) -> list[float]:
    due, asleep = await workloads.put_to_sleep(workload, offsets)
    await until_due(due)
    await until_closed(workloads.stack, asleep)
    made = _made(workloads.stack, asleep)
    return [(made[each.release] - each.due_at).total_seconds() for each in asleep]


def _made(stack: Stack, asleep: list[Asleep]) -> dict[str, datetime]:
    """Return the time of the change of each release."""
    with stack.database.reading() as store:
        return {each.release: store.history.changes(each.release)[0].made_at for each in asleep}


def _summary(rounds: list[list[float]]) -> dict[str, Any]:
    """Summarise the rounds, in milliseconds."""
    return {
        "p50_ms": spread([percentile(each, 50) * 1000 for each in rounds], 0),
        "p99_ms": spread([percentile(each, 99) * 1000 for each in rounds], 0),
        "max_ms": round(max(max(each) for each in rounds) * 1000),
    }


if __name__ == "__main__":
    main({"lateness": (measure, TURNS)}, __doc__)
