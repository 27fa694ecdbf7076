"""The cost of adding, listing, showing a pipeline and removing with ever more releases asleep, and the room that these take.

`python -m benchmarks.scaling` measures, `--quick` only checks that it works, `--write` saves the numbers in benchmarks/results.json.
"""

import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from activities.store.identifiers import new_id
from benchmarks.adding import add, publish_sleeping
from benchmarks.baseline_workflow import BaselineInput
from benchmarks.load import Question, send
from benchmarks.results import percentile, spread
from benchmarks.running import Scale, Turn, main
from benchmarks.stack import CLIENTS, Stack
from benchmarks.workloads import start_baseline, until_started
from tests.http import OWNER_KEY

LEVELS = (10, 100, 1_000, 10_000)
ROUNDS = 3
PIECE = 500
"""The number of releases that are added between two moves of the progress bar."""
LONGEST = 900
"""Seconds after which a machine is measured with what it has put to sleep by then."""
TURNS = sum(-(-level // PIECE) for level in LEVELS) + len(LEVELS) * ROUNDS


class Size(NamedTuple):
    """The levels, the rounds at each, the releases that each round adds, the most seconds for filling, and the number asleep at first."""

    levels: tuple[int, ...]
    rounds: int
    adds: int
    longest: float = LONGEST
    asleep: int = 0


async def measure(stack: Stack, scale: Scale, turn: Turn) -> dict[str, Any]:
    """Fill up to each level, and measure there."""
    return await measure_levels(stack, scale.pick(Size((2, 4), 1, 3), Size(LEVELS[:-1], ROUNDS, 20), Size(LEVELS, ROUNDS, 40)), turn)


async def measure_levels(stack: Stack, size: Size, turn: Turn, pipeline: str = "") -> dict[str, Any]:
    """Fill up to each of these levels, and measure there. Those that are asleep at first are in this pipeline."""
    levels, rounds, number, longest, asleep = size
    pipeline = pipeline or publish_sleeping(stack)
    results: dict[str, Any] = {"adds_per_round": number, "rounds": rounds, "levels": {}}
    deadline = time.monotonic() + longest
    await add(stack, pipeline, 2, 1)  # Warm up: the first answers of a process include what it initialises once.
    for level in levels:
        while asleep < level and time.monotonic() < deadline:
            piece = min(PIECE, level - asleep)
            turn(f"{asleep:,} asleep, adding {piece:,}")
            await add(stack, pipeline, piece, CLIENTS)
            asleep += piece
        seconds: dict[str, list[list[float]]] = {}
        for n in range(rounds):
            turn(f"{asleep:,} asleep, round {n + 1}")
            for name, each in (await _round(stack, pipeline, number)).items():
                seconds.setdefault(name, []).append(each)
        results["levels"][str(asleep)] = {name: _summary(each) for name, each in seconds.items()} | _room(stack)
    return results | {"bytes_per_release": _per_release(results["levels"])}


async def _round(stack: Stack, pipeline: str, number: int) -> dict[str, list[float]]:
    """Return the seconds of each call. What is added is removed again."""
    message = BaselineInput(due_at=datetime.now(UTC) + timedelta(days=30))
    added = await add(stack, pipeline, number, 1)
    seconds = {"add": [each.seconds for each in added]}
    seconds["baseline_start"] = await start_baseline(stack, {f"baseline/{new_id()}": message for _ in range(number)}, 1)
    seconds["list"] = await _ask(stack, "GET", ["releases?limit=50"] * number * 3)
    seconds["show"] = await _ask(stack, "GET", [f"pipelines/{pipeline}"] * number)
    seconds["remove"] = await _ask(stack, "POST", [f"releases/{json.loads(each.body)['id']}/remove" for each in added])
    await until_started(stack)
    return seconds


async def _ask(stack: Stack, method: str, paths: list[str]) -> list[float]:
    api, headers = f"{stack.address}/api/v1/projects/shop", {"Authorization": f"Bearer {OWNER_KEY}"}
    body = b"{}" if method == "POST" else b""
    return [each.seconds for each in await send([Question(method, f"{api}/{path}", headers, body) for path in paths], 1)]


def _summary(rounds: list[list[float]]) -> dict[str, Any]:
    return {
        "p50_ms": spread([percentile(each, 50) * 1000 for each in rounds], 1),
        "p99_ms": spread([percentile(each, 99) * 1000 for each in rounds], 1),
    }


def _room(stack: Stack) -> dict[str, Any]:
    """Return memory and disk in bytes."""
    return {"memory": stack.resident(), "disk": stack.stored()}


def _per_release(levels: dict[str, Any]) -> dict[str, int]:
    """Return the bytes that each further release takes in each database, from the first level to the last."""
    (first, before), *_, (last, after) = levels.items()
    return {name: round((after["disk"][name] - before["disk"][name]) / (int(last) - int(first))) for name in after["disk"]}


if __name__ == "__main__":
    main({"scaling": (measure, TURNS)}, __doc__)
