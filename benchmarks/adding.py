"""Adding a flag over HTTP, beside a bare `start_workflow`, with one client and with twenty.

`python -m benchmarks.adding` measures, `--quick` only shows that it works, `--write` keeps the numbers in benchmarks/results.json.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

from activities.store.identifiers import new_id
from benchmarks.bare import Bare
from benchmarks.lanes import new_features, send_adds, start_bare, until_told
from benchmarks.results import percentile, spread
from benchmarks.running import Turn, main
from benchmarks.stack import Stack
from tests.pipelines import pipeline, stage

CLIENTS = (1, 20)
TURNS = 12
LANES = ("releases", "bare")
ASLEEP = pipeline(stage("Development"), stage("Staging", "staging", "30d"), stage("Production", "production", "30d"), key="asleep")
ASLEEP["stages"][0]["trigger"] = {"type": "WAIT_FOR", "duration": "30d"}


async def measure(stack: Stack, quick: bool, turn: Turn) -> dict[str, Any]:
    """Alternate product and floor."""
    number, rounds = (20, 1) if quick else (200, 3)
    stack.world.publish(ASLEEP)
    results: dict[str, Any] = {"adds_per_round": number, "rounds": rounds}
    await add(stack, number=20, clients=20)  # The first answers of a process pay for what is made once.
    await bare(stack, number=20, clients=20)
    for clients in CLIENTS:
        took: dict[str, list[list[float]]] = {lane: [] for lane in LANES}
        for n in range(rounds):
            turn(f"{clients} at once, round {n + 1}, releases")
            took["releases"].append(await add(stack, number, clients))
            turn(f"{clients} at once, round {n + 1}, bare")
            took["bare"].append(await bare(stack, number, clients))
        results[f"clients_{clients}"] = _told(took)
    return results


async def add(stack: Stack, number: int, clients: int) -> list[float]:
    """How long adding each took, in seconds; all have been told to Temporal afterwards."""
    features = new_features(stack, number)
    answers = await send_adds(stack, [{"pipeline": "asleep", "feature": feature} for feature in features], clients)
    await until_told(stack)
    return [answer.took for answer in answers]


async def bare(stack: Stack, number: int, clients: int) -> list[float]:
    """How long starting each bare workflow took, in seconds."""
    asleep = Bare(due_at=datetime.now(UTC) + timedelta(days=30))
    return await start_bare(stack, {f"bare/{new_id()}": asleep for _ in range(number)}, clients)


def _told(took: dict[str, list[list[float]]]) -> dict[str, Any]:
    told: dict[str, Any] = {}
    for name, percent in (("p50", 50), ("p99", 99)):
        each = {lane: [percentile(one, percent) * 1000 for one in took[lane]] for lane in LANES}
        told[f"{name}_ms"] = {lane: spread(each[lane], 1) for lane in LANES}
        told[f"{name}_ratio"] = spread([ours / floor for ours, floor in zip(*each.values(), strict=True)])
    return told


if __name__ == "__main__":
    main({"adding": (measure, TURNS)}, __doc__)
