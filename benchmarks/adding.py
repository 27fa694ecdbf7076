"""Adding a flag over HTTP, beside a bare `start_workflow`, with one client and with twenty.

`python -m benchmarks.adding` measures, `--quick` only shows that it works, `--write` keeps the numbers in benchmarks/results.json.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

from activities.store.identifiers import new_id
from benchmarks.baseline_workflow import BaselineInput
from benchmarks.load import Answered
from benchmarks.results import percentile, spread
from benchmarks.running import Turn, main
from benchmarks.stack import Stack
from benchmarks.workloads import ENVIRONMENTS, new_features, send_adds, start_baseline, until_told
from tests.pipelines import pipeline, stage

CLIENTS = (1, 20)
TURNS = 12
LANES = ("releases", "bare")
STAGES = [stage(environment.title(), environment, "30d") for environment in ENVIRONMENTS]


async def measure(stack: Stack, quick: bool, turn: Turn) -> dict[str, Any]:
    """Alternate product and floor."""
    number, rounds = (5, 1) if quick else (200, 3)
    pipeline_id = asleep_for_long(stack)
    results: dict[str, Any] = {"adds_per_round": number, "rounds": rounds}
    await add(stack, pipeline_id, 5, clients=5)  # The first answers of a process pay for what is made once.
    await bare(stack, 5, clients=5)
    for clients in CLIENTS:
        took: dict[str, list[list[float]]] = {lane: [] for lane in LANES}
        for n in range(rounds):
            turn(f"{clients} at once, round {n + 1}, releases")
            took["releases"].append(_took(await add(stack, pipeline_id, number, clients)))
            turn(f"{clients} at once, round {n + 1}, bare")
            took["bare"].append(await bare(stack, number, clients))
        results[f"clients_{clients}"] = _told(took)
    return results


def asleep_for_long(stack: Stack) -> str:
    """The id of a pipeline of three stages, of which none is due before a month is over."""
    return stack.world.publish(pipeline(*STAGES, key=f"asleep-{new_id()}")).id


async def add(stack: Stack, pipeline_id: str, number: int, clients: int) -> list[Answered]:
    """Add flags to that pipeline; all have been told to Temporal afterwards."""
    features = new_features(stack, number)
    answers = await send_adds(stack, [{"pipeline": pipeline_id, "feature": feature} for feature in features], clients)
    await until_told(stack)
    return answers


def _took(answers: list[Answered]) -> list[float]:
    return [answer.took for answer in answers]


async def bare(stack: Stack, number: int, clients: int) -> list[float]:
    """How long starting each bare workflow took, in seconds."""
    asleep = BaselineInput(due_at=datetime.now(UTC) + timedelta(days=30))
    return await start_baseline(stack, {f"bare/{new_id()}": asleep for _ in range(number)}, clients)


def _told(took: dict[str, list[list[float]]]) -> dict[str, Any]:
    told: dict[str, Any] = {}
    for name, percent in (("p50", 50), ("p99", 99)):
        each = {lane: [percentile(one, percent) * 1000 for one in took[lane]] for lane in LANES}
        told[f"{name}_ms"] = {lane: spread(each[lane], 1) for lane in LANES}
        told[f"{name}_ratio"] = spread([ours / floor for ours, floor in zip(*each.values(), strict=True)])
    return told


if __name__ == "__main__":
    main({"adding": (measure, TURNS)}, __doc__)
