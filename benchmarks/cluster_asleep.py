"""Lateness on a Temporal cluster on PostgreSQL, and the cost of adding, listing and removing there with up to 50,000 releases asleep.

`python -m benchmarks.cluster_asleep` measures, `--quick` only checks that it works, `--write` saves the numbers in benchmarks/results.json.
It takes Go and PostgreSQL, like `make cluster`. The lateness on one machine is measured first, as the floor.
"""

from datetime import timedelta
from typing import Any

from benchmarks.cluster import running_cluster_stack
from benchmarks.lateness import PER_SECOND, measure_lateness
from benchmarks.running import Scale, Turn, main
from benchmarks.scaling import PIECE, ROUNDS, Size, measure_levels
from benchmarks.stack import Stack
from benchmarks.workloads import RELEASES, Workloads
from tests.cluster.cluster import APIS, WORKERS

LEVELS = (10, 1_000, 10_000, 50_000)
LONGEST = 2_400.0
TURNS = 4 + sum(-(-level // PIECE) for level in LEVELS) + len(LEVELS) * ROUNDS


async def measure(stack: Stack, scale: Scale, turn: Turn) -> dict[str, Any]:
    """Measure the lateness on one machine, end that, and measure everything on the cluster."""
    size = scale.pick(Size((2, 4), 1, 3), Size(LEVELS[:-1], ROUNDS, 40), Size(LEVELS, ROUNDS, 40, LONGEST))
    late = {"one machine": await measure_lateness_on(stack, scale, turn, "one machine")}
    stack.kill()  # Two idle stacks would share the processors with the one that is measured.
    async with running_cluster_stack() as cluster:
        await cluster.only(WORKERS, APIS)
        late["cluster"] = await measure_lateness_on(cluster, scale, turn, "cluster")
        return {"lateness": late} | await measure_levels(cluster, size, turn)


async def measure_lateness_on(stack: Stack, scale: Scale, turn: Turn, where: str) -> dict[str, Any]:
    """Return the lateness of releases on one stack, for each distribution of due times."""
    rounds, spread_out, burst = scale.pick((1, 3, 3), (3, 80, 150), (3, 80, 150))
    workloads = Workloads(stack, 1, margin=scale.pick(0.3, 3, 3))
    one_by_one = [timedelta(seconds=1 / PER_SECOND) * n for n in range(spread_out)]
    results: dict[str, Any] = {"rounds": rounds}
    for case, offsets in (("ten_per_second", one_by_one), ("same_second", [timedelta()] * burst)):
        turn(f"{where}, lateness, {case.replace('_', ' ')}")
        results[case] = {"changes_per_round": len(offsets)} | await measure_lateness(workloads, RELEASES, offsets, rounds)
    return results


if __name__ == "__main__":
    main({"cluster_asleep": (measure, TURNS)}, __doc__)
