"""Adding a flag over HTTP, compared with `start_workflow` of a baseline workflow, with one client and with twenty.

`python -m benchmarks.adding` measures, `--quick` only checks that it works, `--write` saves the numbers in benchmarks/results.json.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

from activities.store.identifiers import new_id
from benchmarks.baseline_workflow import BaselineInput
from benchmarks.load import Answered
from benchmarks.results import percentile, spread
from benchmarks.running import Scale, Turn, main
from benchmarks.stack import Stack
from benchmarks.workloads import ENVIRONMENTS, new_features, send_adds, start_baseline, until_started
from tests.pipelines import pipeline, stage

CLIENTS = (1, 20)
TURNS = 12
WORKLOADS = ("releases", "baseline")
STAGES = [stage(environment.title(), environment, "30d") for environment in ENVIRONMENTS]


async def measure(stack: Stack, scale: Scale, turn: Turn) -> dict[str, Any]:
    """Alternate between product and baseline."""
    number, rounds = scale.pick((5, 1), (100, 3), (200, 3))
    pipeline_id = publish_sleeping(stack)
    results: dict[str, Any] = {"adds_per_round": number, "rounds": rounds}
    # Warm up: the first answers of a process include what it initialises once.
    await add(stack, pipeline_id, 5, clients=5)
    await start(stack, 5, clients=5)
    for clients in CLIENTS:
        seconds: dict[str, list[list[float]]] = {workload: [] for workload in WORKLOADS}
        for n in range(rounds):
            turn(f"{clients} at once, round {n + 1}, releases")
            seconds["releases"].append([answer.seconds for answer in await add(stack, pipeline_id, number, clients)])
            turn(f"{clients} at once, round {n + 1}, baseline")
            seconds["baseline"].append(await start(stack, number, clients))
        results[f"clients_{clients}"] = _summary(seconds)
    return results


def publish_sleeping(stack: Stack) -> str:
    """Publish a pipeline of three stages that are not due for a month, and return its id."""
    return stack.world.publish(pipeline(*STAGES, key=f"asleep-{new_id()}")).id


async def add(stack: Stack, pipeline_id: str, number: int, clients: int) -> list[Answered]:
    """Add flags to that pipeline, and return once their workflows have started."""
    features = new_features(stack, number)
    answers = await send_adds(stack, [{"pipeline": pipeline_id, "feature": feature} for feature in features], clients)
    await until_started(stack)
    return answers


async def start(stack: Stack, number: int, clients: int) -> list[float]:
    """Start baseline workflows, and return the seconds that each took."""
    asleep = BaselineInput(due_at=datetime.now(UTC) + timedelta(days=30))
    return await start_baseline(stack, {f"baseline/{new_id()}": asleep for _ in range(number)}, clients)


def _summary(seconds: dict[str, list[list[float]]]) -> dict[str, Any]:
    summary: dict[str, Any] = {}
    for name, percent in (("p50", 50), ("p99", 99)):
        each = {workload: [percentile(one, percent) * 1000 for one in seconds[workload]] for workload in WORKLOADS}
        summary[f"{name}_ms"] = {workload: spread(each[workload], 1) for workload in WORKLOADS}
        summary[f"{name}_ratio"] = spread([ours / baseline for ours, baseline in zip(*each.values(), strict=True)])
    return summary


if __name__ == "__main__":
    main({"adding": (measure, TURNS)}, __doc__)
