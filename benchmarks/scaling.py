"""What adding, listing, showing a pipeline and removing cost while ever more releases are asleep, and what room those take.

`python -m benchmarks.scaling` measures, `--quick` only shows that it works, `--write` keeps the numbers in benchmarks/results.json.
"""

import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any

from activities.store.identifiers import new_id
from benchmarks.adding import add, asleep_for_long
from benchmarks.baseline_workflow import BaselineInput
from benchmarks.load import Question, send
from benchmarks.results import percentile, spread
from benchmarks.running import Turn, main
from benchmarks.stack import CLIENTS, Stack
from benchmarks.workloads import start_baseline, until_told
from tests.http import OWNER_KEY

LEVELS = (10, 100, 1_000, 10_000)
ROUNDS = 3
PIECE = 500
"""How many are added between two signs of life."""
LONGEST = 900
"""In seconds: a machine that has not put all to sleep by then is measured where it stands."""
TURNS = sum(-(-level // PIECE) for level in LEVELS) + len(LEVELS) * ROUNDS


async def measure(stack: Stack, quick: bool, turn: Turn) -> dict[str, Any]:
    """Fill to each level, and measure there."""
    levels, rounds, number = ((2, 4), 1, 3) if quick else (LEVELS, ROUNDS, 40)
    pipeline = asleep_for_long(stack)
    results: dict[str, Any] = {"adds_per_round": number, "rounds": rounds, "levels": {}}
    asleep, until = 0, time.monotonic() + LONGEST
    await add(stack, pipeline, 2, 1)  # The first answers of a process pay for what is made once.
    for level in levels:
        while asleep < level and time.monotonic() < until:
            piece = min(PIECE, level - asleep)
            turn(f"{asleep:,} asleep, adding {piece:,}")
            await add(stack, pipeline, piece, CLIENTS)
            asleep += piece
        took: dict[str, list[list[float]]] = {}
        for n in range(rounds):
            turn(f"{asleep:,} asleep, round {n + 1}")
            for name, each in (await _round(stack, pipeline, number)).items():
                took.setdefault(name, []).append(each)
        results["levels"][str(asleep)] = {name: _told(each) for name, each in took.items()} | _room(stack)
    return results | {"bytes_per_release": _per_release(results["levels"])}


async def _round(stack: Stack, pipeline: str, number: int) -> dict[str, list[float]]:
    """How long each took, in seconds; what was added is removed again."""
    bare = BaselineInput(due_at=datetime.now(UTC) + timedelta(days=30))
    added = await add(stack, pipeline, number, 1)
    took = {"add": [each.took for each in added]}
    took["bare_start"] = await start_baseline(stack, {f"bare/{new_id()}": bare for _ in range(number)}, 1)
    took["list"] = await _ask(stack, "GET", ["releases?limit=50"] * number * 3)
    took["show"] = await _ask(stack, "GET", [f"pipelines/{pipeline}"] * number)
    took["remove"] = await _ask(stack, "POST", [f"releases/{json.loads(each.body)['id']}/remove" for each in added])
    await until_told(stack)
    return took


async def _ask(stack: Stack, method: str, paths: list[str]) -> list[float]:
    api, headers = f"{stack.address}/api/v1/projects/shop", {"Authorization": f"Bearer {OWNER_KEY}"}
    body = b"{}" if method == "POST" else b""
    return [each.took for each in await send([Question(method, f"{api}/{path}", headers, body) for path in paths], 1)]


def _told(rounds: list[list[float]]) -> dict[str, Any]:
    return {
        "p50_ms": spread([percentile(each, 50) * 1000 for each in rounds], 1),
        "p99_ms": spread([percentile(each, 99) * 1000 for each in rounds], 1),
    }


def _room(stack: Stack) -> dict[str, Any]:
    """Memory and disk, in bytes."""
    return {"memory": stack.resident(), "disk": stack.stored()}


def _per_release(levels: dict[str, Any]) -> dict[str, int]:
    """What one release more takes of each database, from the first level to the last."""
    (first, before), *_, (last, after) = levels.items()
    return {name: round((after["disk"][name] - before["disk"][name]) / (int(last) - int(first))) for name in after["disk"]}


if __name__ == "__main__":
    main({"scaling": (measure, TURNS)}, __doc__)
